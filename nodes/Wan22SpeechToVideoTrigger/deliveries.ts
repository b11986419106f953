import type { Clocks } from '../shared/async/clock';
import { settle } from '../shared/async/settle';
import { isRecord } from '../shared/json';

/** What the trigger tells the service; only a 2xx keeps it from sending again. */
export interface Answer {
	status: number;
	message: string;
	/** Whether n8n could start the workflow, once that is known; undefined where it has nothing to start. */
	started?: Promise<boolean>;
}

/** What a genuine callback says of itself. */
export interface Delivery {
	/** `webhook-id`: the same each time that the service sends this callback. */
	id: string;
	taskId: string;
}

/** Where n8n keeps what a trigger has to remember through a restart. */
export interface DeliveryMemory {
	nowMs: number;
	/** Whether the copy is still as it is stored: other nodes of the workflow store in it too. */
	isFresh(): boolean;
	read(): unknown;
	/** What was dealt with, and when (ms since the epoch). */
	write(entries: Record<string, number>): void;
}

/**
 * Does what a callback asks for. `isRepeated` says whether this end of the task, told by its status, was dealt with
 * before; from then on it counts as dealt with if the answer is a 2xx.
 */
type Work<T extends Answer> = (isRepeated: (status: string) => boolean) => Promise<T | Answer>;

/** The service sends again within minutes; a day covers one that was down. */
const REMEMBERED_MS = 24 * 60 * 60_000;

/** A thousand callbacks: of each its ID, and the end of the task that it told. */
const MOST_REMEMBERED = 2 * 1_000;

/** n8n holds some 10 MB for each request that has no answer yet. */
const MOST_WAITING = 10;

export const REPEATED: Answer = { status: 200, message: 'This callback was received before' };

/**
 * Which callbacks of a trigger have been dealt with, and which are being dealt with.
 *
 * n8n hands each request its own copy of what is stored and writes the copy back as a whole, so of two that come
 * together one forgets the other's ID; and n8n 2.40 marks the copy as unchanged when it starts a workflow, before it
 * would write it. This process therefore remembers on its own, and hands over all that it knows each time. What is
 * stored helps a process that has just started, or another one, as far as it goes; a callback that is played back to
 * one must still be younger than the signature's tolerance.
 */
export class Deliveries {
	#done = new Map<string, number>();
	/** What was undone, and when it had been done: it may be stored all the same, by another request. */
	readonly #undone = new Map<string, number>();
	/** Dealt with, but n8n may not be able to start the workflow for it: not to be stored yet. */
	readonly #starting = new Set<string>();
	/** By task. */
	readonly #underWay = new Map<string, UnderWay>();
	/** When the last one came, which is no earlier than any that is remembered. */
	#lastAt = -Infinity;

	/** Whether nothing is left that would have to be known. */
	isOver(nowMs: number): boolean {
		return this.#underWay.size === 0 && nowMs - this.#lastAt > REMEMBERED_MS;
	}

	/**
	 * Does the work for a delivery unless that has been done. While a task is being dealt with, and until n8n has started what
	 * there is to start, other deliveries of it wait for the outcome: they must not be told that all is well before it is.
	 */
	async once<T extends Answer>(
		delivery: Delivery,
		work: Work<T>,
		memory: DeliveryMemory,
	): Promise<T | Answer> {
		this.#lastAt = Math.max(this.#lastAt, memory.nowMs);
		this.#learn(memory);
		const id = toIdKey(delivery);
		const first = this.#underWay.get(delivery.taskId);
		if (first) return await waitFor(first);
		if (this.#done.has(id)) {
			// Nothing is started now, so this is written.
			this.#store(memory);
			return REPEATED;
		}
		const ends: string[] = [];
		const working = work((status) => {
			const end = `${toEndPrefix(delivery)}${status.toLowerCase()}`;
			if (this.#done.has(end)) return true;
			ends.push(end);
			return false;
		});
		this.#underWay.set(delivery.taskId, { answer: working, waiting: 0 });
		const worked = await settle(working);
		const keys = worked.ok && isFinal(worked.value) ? [id, ...ends] : [];
		const started = worked.ok ? worked.value.started : undefined;
		if (started) for (const key of keys) this.#starting.add(key);
		void this.#close(delivery, started, keys);
		if (!worked.ok) throw worked.error;
		if (keys.length > 0) this.#remember(keys, memory);
		return worked.value;
	}

	async #close(delivery: Delivery, started: Answer['started'], keys: string[]): Promise<void> {
		const isUndone = started !== undefined && !(await started);
		for (const key of keys) this.#starting.delete(key);
		this.#underWay.delete(delivery.taskId);
		if (isUndone) this.forget(delivery);
	}

	/** The work has been undone, as n8n could not start the workflow: the delivery may come again. */
	forget(delivery: Delivery): void {
		const id = toIdKey(delivery);
		const prefix = toEndPrefix(delivery);
		for (const [key, at] of this.#done) {
			if (key !== id && !key.startsWith(prefix)) continue;
			this.#done.delete(key);
			this.#undone.set(key, at);
		}
		for (const key of this.#undone.keys()) {
			if (this.#undone.size > MOST_REMEMBERED) this.#undone.delete(key);
		}
	}

	#learn({ nowMs, read }: DeliveryMemory): void {
		const stored = read();
		for (const [key, at] of Object.entries(isRecord(stored) ? stored : {})) {
			if (typeof at !== 'number' || at <= (this.#undone.get(key) ?? -Infinity)) continue;
			if (!this.#done.has(key)) this.#done.set(key, at);
		}
		const oldest = nowMs - REMEMBERED_MS;
		for (const [key, at] of this.#done) if (at < oldest) this.#done.delete(key);
	}

	#remember(keys: string[], memory: DeliveryMemory): void {
		for (const key of keys) {
			this.#done.set(key, memory.nowMs);
			this.#undone.delete(key);
		}
		if (this.#done.size > MOST_REMEMBERED) {
			const entries = [...this.#done].sort(([, a], [, b]) => a - b);
			this.#done = new Map(entries.slice(-MOST_REMEMBERED));
		}
		this.#store(memory);
	}

	#store({ write, isFresh }: DeliveryMemory): void {
		if (isFresh())
			write(Object.fromEntries([...this.#done].filter(([key]) => !this.#starting.has(key))));
	}
}

/** The deliveries of all triggers of the process. */
export class DeliveriesByTrigger {
	readonly #known = new Map<string, Deliveries>();

	get size(): number {
		return this.#known.size;
	}

	/** Those of a trigger that is gone end here: not with it, since it may be switched on again, and then gets repetitions. */
	open(trigger: string, nowMs: number): Deliveries {
		for (const [other, deliveries] of this.#known) {
			if (deliveries.isOver(nowMs)) this.#known.delete(other);
		}
		const opened = this.#known.get(trigger) ?? new Deliveries();
		this.#known.set(trigger, opened);
		return opened;
	}
}

const toIdKey = ({ id }: Delivery): string => `id ${id}`;

/** The task's ID may have spaces in it. */
const toEndPrefix = ({ taskId }: Delivery): string => `end ${JSON.stringify(taskId)} `;

const isFinal = ({ status }: Answer): boolean => status < 300;

const UNDER_WAY: Answer = { status: 503, message: 'This callback is being dealt with; send again' };

interface UnderWay {
	answer: Promise<Answer>;
	/** Other deliveries that wait for the outcome. */
	waiting: number;
}

async function waitFor(first: UnderWay): Promise<Answer> {
	if (first.waiting >= MOST_WAITING) return UNDER_WAY;
	first.waiting += 1;
	const { status, message, started } = await first.answer;
	if (status >= 300) return { status, message };
	return (await started) === false ? UNDER_WAY : REPEATED;
}

/**
 * n8n writes the copy back as a whole, with all that other nodes have kept there: what they have stored while the API was
 * asked for seconds would be gone.
 */
const FRESH_MS = 2_000;

/** Also the mark of this layout: a later version that stores something else takes another name. */
const DELIVERIES_KEY = 'wan22Deliveries';

export function toDeliveryMemory(
	staticData: Record<string, unknown>,
	clock: Clocks,
): DeliveryMemory {
	const readAt = clock.now();
	return {
		nowMs: clock.wallTime(),
		isFresh: () => clock.now() - readAt < FRESH_MS,
		read: () => staticData[DELIVERIES_KEY],
		write: (entries) => {
			staticData[DELIVERIES_KEY] = entries;
		},
	};
}
