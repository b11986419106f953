import { Cancellation } from '../../async/cancellation';
import type { Clock } from '../../async/clock';
import { Semaphore } from '../../async/semaphore';
import { settle } from '../../async/settle';
import type { ChildAddress } from './childAddress';

/** Tells the child at this address of tasks that were called back; whether it has heard. */
export type CallChild = (url: string, taskIds: string[]) => Promise<boolean>;

interface Child {
	/** The tasks that were called back, as far as the run asked for it. */
	seen: Set<string>;
	/** Those that the next call names. */
	pending: Set<string>;
	/** Nobody else can be the last. */
	isLast: boolean;
	isCalled: boolean;
	/** Ends the pause before a call for tasks that are not the last. */
	hurry?: (() => void) | undefined;
}

/** Beyond this the timers have to do. */
const MOST_CHILDREN = 500;
const MOST_TASKS_PER_CALL = 10_000;

/**
 * For each n8n holds a copy of the execution and an engine, and resumes the child: hundreds at once grow it by gigabytes, and
 * it answers none of them in time.
 */
const MOST_CALLS = 4;

/** Callbacks come in bursts: those of this time make one call. */
const GATHER_MS = 500;
/**
 * A parked run goes on after its last task: what ended before can wait for others, since each call makes n8n read, run and
 * store the child. Not for long, as one callback may be missed, or come to another process, and then none is known to be
 * the last. So all children of the process together are called about once a second in this way.
 */
const EARLY_GATHER_MS = { perChild: 1_000, least: 4_000, most: 24_000 };
/** The child checks just now, or is not stored yet: mostly for less than a second, and at most for as long as a check. */
const RETRY_GAPS_MS = [500, 500, 1_000, 1_000, 2_000, 2_000, ...Array<number>(12).fill(4_000)];

/** Callbacks about the tasks of parked runs become few calls to their children: soon for the last task of a run. */
export class ChildCalls {
	readonly #clock: Pick<Clock, 'sleep'>;
	/**
	 * By address; the oldest that is not being called makes room. After its last call a child stays, since more tasks than
	 * were counted may call back: those of an earlier try, which then bring a call soon, each of them.
	 */
	readonly #children = new Map<string, Child>();
	/** Those that are being called. */
	#busy = 0;
	readonly #calls = new Semaphore(MOST_CALLS);
	readonly #never = new Cancellation();
	/**
	 * The latest way to call, for all of them: it holds what n8n has made for a callback, with a copy of the whole execution.
	 * Undefined while nobody is being called.
	 */
	#call: CallChild | undefined;

	constructor(clock: Pick<Clock, 'sleep'>) {
		this.#clock = clock;
	}

	/** Returns immediately: n8n holds a copy of the execution until the service has its answer. */
	note({ url, callbacks }: ChildAddress, taskId: string, call: CallChild): void {
		const child = this.#find(url);
		if (!child) return;
		this.#call = call;
		if (child.seen.size < callbacks) child.seen.add(taskId);
		if (child.pending.size < MOST_TASKS_PER_CALL) child.pending.add(taskId);
		if (child.seen.size >= callbacks) {
			child.isLast = true;
			child.hurry?.();
		}
		if (!child.isCalled) this.#start(url, child);
	}

	#start(url: string, child: Child): void {
		child.isCalled = true;
		this.#busy += 1;
		void settle(this.#callUntilHeard(url, child)).then(() => {
			child.isCalled = false;
			this.#busy -= 1;
			// Noted just when the calls had ended.
			if (child.pending.size > 0) this.#start(url, child);
			else if (this.#busy === 0) this.#call = undefined;
		});
	}

	#find(url: string): Child | undefined {
		const known = this.#children.get(url);
		if (known) return known;
		if (this.#children.size >= MOST_CHILDREN) {
			const idle = [...this.#children].find(([, { isCalled }]) => !isCalled);
			if (!idle) return undefined;
			this.#children.delete(idle[0]);
		}
		const child: Child = {
			...{ seen: new Set<string>(), pending: new Set<string>() },
			...{ isLast: false, isCalled: false },
		};
		this.#children.set(url, child);
		return child;
	}

	async #callUntilHeard(url: string, child: Child): Promise<void> {
		for (let failures = 0; child.pending.size > 0; ) {
			if (failures > RETRY_GAPS_MS.length) return child.pending.clear();
			if (failures === 0) await this.#gather(child);
			else await this.#clock.sleep(RETRY_GAPS_MS[failures - 1] ?? 0);
			const isHeard = await this.#calls.run(this.#never, async () => await this.#tell(url, child));
			failures = isHeard ? 0 : failures + 1;
		}
	}

	/** One call, with all that has come until then. */
	async #tell(url: string, child: Child): Promise<boolean> {
		const taskIds = [...child.pending];
		const heard = await settle(this.#call?.(url, taskIds) ?? Promise.resolve(false));
		const isHeard = heard.ok && heard.value;
		// Others may have come while this call was under way.
		if (isHeard) for (const id of taskIds) child.pending.delete(id);
		return isHeard;
	}

	async #gather(child: Child): Promise<void> {
		if (!child.isLast) {
			const { perChild, least, most } = EARLY_GATHER_MS;
			const last = new Promise<void>((resolve) => (child.hurry = resolve));
			const gatherMs = Math.min(Math.max(this.#busy * perChild, least), most);
			await Promise.race([this.#clock.sleep(gatherMs), last]);
			child.hurry = undefined;
			if (!child.isLast) return;
		}
		await this.#clock.sleep(GATHER_MS);
	}
}
