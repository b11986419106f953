import type { Clock } from '../../async/clock';
import { settle } from '../../async/settle';
import type { ChildAddress } from './childAddress';

/** Tells a child of tasks that were called back; whether it has heard. */
export type CallChild = (taskIds: string[]) => Promise<boolean>;

interface Child {
	/** The tasks that were called back, as far as the run asked for it. */
	seen: Set<string>;
	/** Those that the next call names. */
	pending: Set<string>;
	/** Calls that were heard before all had been called back. */
	earlyCalls: number;
	/** Nobody else can be the last. */
	isLast: boolean;
	isCalled: boolean;
	/** Ends the pause before a call for tasks that are not the last. */
	hurry?: (() => void) | undefined;
}

/** Beyond this the timers have to do. */
const MOST_CHILDREN = 500;
const MOST_TASKS_PER_CALL = 10_000;

/** Callbacks come in bursts: those of this time make one call. */
const GATHER_MS = 500;
/**
 * A parked run goes on after its last task: what ended before can wait for others, since each call makes n8n read, run and
 * store the child. Doubled with each such call. Not for ever, as the last callback may be missed, or come to another process.
 */
const EARLY_GATHER_MS = { first: 3_000, most: 24_000 };
/** The child checks just now, or is not stored yet: mostly for less than a second, and at most for as long as a check. */
const RETRY_GAPS_MS = [500, 500, 1_000, 1_000, 2_000, 4_000, 8_000, 15_000, 20_000];

/** Callbacks about the tasks of parked runs become few calls to their children: soon for the last task of a run. */
export class ChildCalls {
	readonly #clock: Pick<Clock, 'sleep'>;
	/**
	 * By address; the oldest that is not being called makes room. After its last call a child stays, since more tasks than
	 * were counted may call back: those of an earlier try, which then bring a call soon, each of them.
	 */
	readonly #children = new Map<string, Child>();

	constructor(clock: Pick<Clock, 'sleep'>) {
		this.#clock = clock;
	}

	/** Returns immediately: n8n holds a copy of the execution until the service has its answer. */
	note({ url, callbacks }: ChildAddress, taskId: string, call: CallChild): void {
		const child = this.#find(url);
		if (!child) return;
		if (child.seen.size < callbacks) child.seen.add(taskId);
		if (child.pending.size < MOST_TASKS_PER_CALL) child.pending.add(taskId);
		if (child.seen.size >= callbacks) {
			child.isLast = true;
			child.hurry?.();
		}
		if (!child.isCalled) this.#start(child, call);
	}

	#start(child: Child, call: CallChild): void {
		child.isCalled = true;
		void settle(this.#callUntilHeard(child, call)).then(() => {
			child.isCalled = false;
			// Noted just when the calls had ended.
			if (child.pending.size > 0) this.#start(child, call);
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
			...{ earlyCalls: 0, isLast: false, isCalled: false },
		};
		this.#children.set(url, child);
		return child;
	}

	async #callUntilHeard(child: Child, call: CallChild): Promise<void> {
		for (let failures = 0; child.pending.size > 0; ) {
			if (failures > RETRY_GAPS_MS.length) return child.pending.clear();
			if (failures === 0) await this.#gather(child);
			else await this.#clock.sleep(RETRY_GAPS_MS[failures - 1] ?? 0);
			const taskIds = [...child.pending];
			const heard = await settle(call(taskIds));
			if (heard.ok && heard.value) {
				// Some may have come while this call was under way.
				for (const id of taskIds) child.pending.delete(id);
				failures = 0;
				if (!child.isLast) child.earlyCalls += 1;
			} else {
				failures += 1;
			}
		}
	}

	async #gather(child: Child): Promise<void> {
		if (!child.isLast) {
			const { first, most } = EARLY_GATHER_MS;
			const last = new Promise<void>((resolve) => (child.hurry = resolve));
			await Promise.race([this.#clock.sleep(Math.min(first * 2 ** child.earlyCalls, most)), last]);
			child.hurry = undefined;
			if (!child.isLast) return;
		}
		await this.#clock.sleep(GATHER_MS);
	}
}
