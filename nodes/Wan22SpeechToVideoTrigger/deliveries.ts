import { isRecord } from '../shared/json';

/** What the trigger tells the service; only a 2xx keeps it from sending again. */
export interface Answer {
	status: number;
	message: string;
}

/** Which deliveries of a trigger have been dealt with, and which are being dealt with. */
export interface Deliveries {
	/**
	 * Does the work for a delivery unless that has been done. While it is being done, a repetition waits for the outcome
	 * and gets the same: it must not be told that all is well before it is. A delivery that ends in a 2xx is remembered.
	 */
	once<T extends Answer>(
		deliveryId: string,
		work: () => Promise<T>,
		memory: DeliveryMemory,
	): Promise<T | Answer>;
	/** The work has been undone: the delivery may come again. */
	forget(deliveryId: string): void;
}

/** Where n8n keeps what a trigger has to remember through a restart. */
export interface DeliveryMemory {
	nowMs: number;
	read(): unknown;
	/** IDs, and when they were dealt with (ms since the epoch). */
	write(entries: Record<string, number>): void;
}

/** The service sends again within minutes; a day covers one that was down. */
const REMEMBERED_MS = 24 * 60 * 60_000;
const MOST_REMEMBERED = 1_000;

const REPEATED: Answer = { status: 200, message: 'This callback was received before' };

/**
 * n8n hands each request its own copy of what is stored and writes the copy back as a whole, so of two that come
 * together one forgets the other's ID; and n8n 2.40 marks the copy as unchanged when it starts a workflow, before it
 * would write it. This process therefore remembers on its own, and hands over all that it knows each time. What is
 * stored helps a process that has just started, or another one, as far as it goes; a callback that is played back to
 * one must still be younger than the signature's tolerance.
 */
export function createDeliveries(): Deliveries {
	let done = new Map<string, number>();
	const underWay = new Map<string, Promise<Answer>>();

	const learn = ({ nowMs, read }: DeliveryMemory): void => {
		const stored = read();
		for (const [id, at] of Object.entries(isRecord(stored) ? stored : {})) {
			if (typeof at === 'number' && !done.has(id)) done.set(id, at);
		}
		const oldest = nowMs - REMEMBERED_MS;
		for (const [id, at] of done) if (at < oldest) done.delete(id);
	};
	const store = ({ write }: DeliveryMemory): void => write(Object.fromEntries(done));
	const remember = (id: string, memory: DeliveryMemory): void => {
		done.set(id, memory.nowMs);
		const entries = [...done].sort(([, a], [, b]) => a - b).slice(-MOST_REMEMBERED);
		done = new Map(entries);
		store(memory);
	};
	return {
		async once(deliveryId, work, memory) {
			learn(memory);
			if (done.has(deliveryId)) {
				// Nothing is started now, so this is written.
				store(memory);
				return REPEATED;
			}
			const first = underWay.get(deliveryId);
			if (first) return toRepetition(await first);
			const working = work();
			underWay.set(deliveryId, working);
			const answer = await working.finally(() => underWay.delete(deliveryId));
			if (isFinal(answer)) remember(deliveryId, memory);
			return answer;
		},
		forget: (deliveryId) => void done.delete(deliveryId),
	};
}

const isFinal = ({ status }: Answer): boolean => status < 300;

const toRepetition = (first: Answer): Answer =>
	isFinal(first) ? REPEATED : { status: first.status, message: first.message };

/** Also the mark of this layout: a later version that stores something else takes another name. */
const DELIVERIES_KEY = 'wan22Deliveries';

export function toDeliveryMemory(
	staticData: Record<string, unknown>,
	nowMs: number,
): DeliveryMemory {
	return {
		nowMs,
		read: () => staticData[DELIVERIES_KEY],
		write: (entries) => {
			staticData[DELIVERIES_KEY] = entries;
		},
	};
}
