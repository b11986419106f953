import type { Cancellation } from '../async/cancellation';
import type { SubmitInput } from '../wavespeed/tasks/submitTask';
import { asksForSame } from './asked';
import { keysOfRow, putEntry, removeEntry } from './ledgerKeys';
import { withRowLock } from './rowLocks';

/**
 * The tasks that this node has submitted in this execution, kept where Retry On Fail and Retry of the execution
 * find them. A row that is run again goes on with its task instead of paying for another one.
 */

export interface LedgerEntry {
	/** `sent`: the submit left and no clear answer came back. `accepted`: `taskId` is known. */
	state: 'sent' | 'accepted';
	/** When the submit was sent and when it ended without an answer, ms since the epoch. */
	sentAt: number;
	endedAt?: number;
	/** When it may have been as well, where clocks disagree (`submitTimes.ts`). */
	otherSpans?: Span[];
	/** Whose time that is: the service's, if an answer has told it by then. */
	clock: 'service' | 'machine';
	/** Which key and base URL it was sent with; the key can't be told from it. */
	accountId: string;
	/** The account's names for the submits of the row, the last one at the end. */
	submissionIds: string[];
	taskId?: string;
	/** Exactly what was sent: an expression may give another value the next time. */
	image: string;
	audio: string;
	prompt: string;
	resolution: string;
	seed: number;
	/** Drawn by the node, and so unlike that of any other task. */
	isSeedDrawn: boolean;
	/** What the row asked for, field by field (`noteAsked`), as it was this time. */
	asked: string;
	costUsd?: number;
	/** Earlier tasks of the row, which failed for a passing reason. */
	earlierTaskIds?: string[];
	/** Nothing is paid for it: its task has failed and is refunded, or none was found. */
	isUnpaid?: true;
	/** The run ended without handing out the row's result. */
	undelivered?: true;
	/** n8n's ID of the execution that has sent it. */
	executionId?: string;
}

/** From a submit to its end without a clear answer; ms since the epoch. */
export interface Span {
	sentAt: number;
	endedAt: number;
}

/** Which row's submit it is, and for which request. */
export interface RowKey {
	row: number;
	/** The request's fingerprint. */
	hash: string;
}

/** Plain data: n8n stores it with the execution. Holds public file URLs and IDs, never the key. */
export type LedgerStore = Record<string, LedgerEntry>;

/** What is known of a submit before it leaves. */
export type SentEntry = Pick<
	LedgerEntry,
	'sentAt' | 'clock' | 'accountId' | 'isSeedDrawn' | 'asked' | 'costUsd'
> & { submissionId: string; input: SubmitInput };

/** What is known of each row at one moment. */
export interface LedgerByRow {
	entries: ReadonlyMap<number, LedgerEntry[]>;
	rowsOfOtherRuns: ReadonlySet<number>;
}

/** What a row may still pay, by `Ledger`'s names for its row and its entry. */
interface Reservation {
	key: string;
	costUsd: number;
}

/** By the ledger's store: executions that share it share a limit as well. */
const RESERVED = new WeakMap<LedgerStore, Map<string, Reservation>>();

/**
 * `runIndex` tells the rounds of a loop and the calls of a tool apart: asking for the same twice there means two videos.
 * `hash` is what the workflow asks for in a row, as it is written. The store is changed in place.
 */
export class Ledger {
	readonly #store: LedgerStore;
	readonly #prefix: string;
	/** Entries without a clear answer that a later submit has replaced; they come back if that one is refused. */
	readonly #replaced = new Map<string, LedgerEntry>();
	readonly #reserved: Map<string, Reservation>;
	readonly #executionId: string | undefined;

	/** `executionId`: of n8n, where calls of a tool are noted. */
	constructor(store: LedgerStore, runIndex: number | string, executionId?: string) {
		this.#store = store;
		this.#executionId = executionId;
		this.#prefix = `${runIndex}:`;
		this.#reserved = RESERVED.get(store) ?? new Map();
		RESERVED.set(store, this.#reserved);
	}

	key(row: number, hash: string): string {
		return `${this.#prefix}${row}:${hash}`;
	}

	/** Works on the row while no other execution with this ledger does. What the row has reserved is free again then. */
	async hold<T>(row: number, cancellation: Cancellation, work: () => Promise<T>): Promise<T> {
		const name = this.#rowName(row);
		return await withRowLock(
			this.#store,
			name,
			cancellation,
			async () => await work().finally(() => this.#reserved.delete(name)),
		);
	}

	/** While the row is held, its submit counts with this price, sent or not. */
	reserve(row: number, hash: string, costUsd: number): void {
		this.#reserved.set(this.#rowName(row), { key: this.key(row, hash), costUsd });
	}

	/** What this run, with all executions that share the ledger, has paid, may have paid, or has reserved. */
	spentUsd(): number {
		// Each row asks, with all others in the store: nothing is copied.
		let sumUsd = 0;
		const keys = new Set<string>();
		for (const { key, costUsd } of this.#reserved.values()) {
			if (!key.startsWith(this.#prefix)) continue;
			keys.add(key);
			sumUsd += costUsd;
		}
		for (const key of Object.keys(this.#store)) {
			if (!key.startsWith(this.#prefix) || keys.has(key)) continue;
			const entry = this.#store[key];
			if (entry && !entry.isUnpaid) sumUsd += entry.costUsd ?? 0;
		}
		return sumUsd;
	}

	/** The entry's task has failed and is refunded, or there is none. */
	noteUnpaid(row: number, hash: string): void {
		const entry = this.find(row, hash);
		if (entry) entry.isUnpaid = true;
	}

	find(row: number, hash: string): LedgerEntry | undefined {
		return this.#own(this.key(row, hash));
	}

	/** To be called before the submit leaves: what n8n stores on a stop then shows that a task may exist. */
	noteSent(row: number, hash: string, sent: SentEntry): void {
		const { input, submissionId, costUsd, ...rest } = sent;
		const previous = this.find(row, hash);
		if (previous?.state === 'sent') this.#replaced.set(this.key(row, hash), previous);
		const earlier = [
			...(previous?.earlierTaskIds ?? []),
			...(previous?.taskId ? [previous.taskId] : []),
		];
		putEntry(this.#store, this.key(row, hash), {
			state: 'sent',
			...rest,
			...input,
			submissionIds: [...(previous?.submissionIds ?? []), submissionId],
			...(this.#executionId === undefined ? {} : { executionId: this.#executionId }),
			...(costUsd === undefined ? {} : { costUsd }),
			...(earlier.length > 0 ? { earlierTaskIds: earlier } : {}),
		});
	}

	noteAccepted(row: number, hash: string, taskId: string): void {
		const entry = this.find(row, hash);
		if (!entry) return;
		Object.assign(entry, { state: 'accepted', taskId });
		delete entry.isUnpaid;
	}

	/** The submit has ended without a clear answer; `times` are the best known by now. */
	noteUnknown(
		row: number,
		hash: string,
		times: Pick<LedgerEntry, 'sentAt' | 'endedAt' | 'otherSpans' | 'clock'>,
	): void {
		const entry = this.find(row, hash);
		if (entry) Object.assign(entry, times);
	}

	/** The service has refused it: there is no task. */
	noteRefused(row: number, hash: string): void {
		const replaced = this.#replaced.get(this.key(row, hash));
		if (replaced) {
			// Its task may still show up, and a submit that was refused has changed nothing about that.
			putEntry(this.#store, this.key(row, hash), replaced);
			return;
		}
		const entry = this.find(row, hash);
		const lastEarlier = entry?.earlierTaskIds?.at(-1);
		if (!entry || lastEarlier === undefined) {
			removeEntry(this.#store, this.key(row, hash));
			return;
		}
		// The failed task before it stays known: its ID must not look like a lost one in a search.
		entry.state = 'accepted';
		entry.taskId = lastEarlier;
		entry.isUnpaid = true;
		entry.earlierTaskIds = entry.earlierTaskIds?.slice(0, -1);
	}

	/** Whether `goOn` may have something for the row. */
	hasEarlier(row: number, hash: string): boolean {
		return !this.find(row, hash) && this.#earlierKeys(row).length > 0;
	}

	/**
	 * The row goes on with what was submitted earlier, if that is what it asks for. `asked`: field by field, since the
	 * workflow may have been changed between two tries, where an expression was repaired that concerns other rows.
	 */
	goOn(row: number, hash: string, asked: string): void {
		if (this.find(row, hash)) return;
		const key = this.#earlierKeys(row).find((name) => {
			const entry = this.#own(name);
			return entry !== undefined && asksForSame(entry.asked, asked);
		});
		const entry = key === undefined ? undefined : this.#own(key);
		if (key === undefined || !entry) return;
		removeEntry(this.#store, key);
		delete entry.undelivered;
		if (this.#executionId !== undefined) entry.executionId = this.#executionId;
		putEntry(this.#store, this.key(row, hash), entry);
	}

	/**
	 * As a tool of an AI agent each try has a name of its own: an earlier try of the same call, whose result reached nobody,
	 * becomes this one's. A call that has had its result stays what it is, and so does one under way. After Retry of the
	 * execution the calls of the failed one have reached nobody: their agent is asked anew from its beginning.
	 */
	#earlierKeys(row: number): readonly string[] {
		const executionId = this.#executionId;
		if (executionId === undefined) return keysOfRow(this.#store, this.#rowName(row));
		return Object.keys(this.#store).filter((key) => {
			const { undelivered, executionId: sentBy } = this.#own(key) ?? {};
			const isLeft = undelivered === true || (sentBy !== undefined && sentBy !== executionId);
			return isLeft && key.split(':')[1] === String(row);
		});
	}

	/** The run has ended: which rows' results go nowhere. */
	noteUndelivered(rows: ReadonlySet<number>): void {
		for (const { row, entry } of this.entriesOfRun()) {
			if (rows.has(row)) entry.undelivered = true;
			else delete entry.undelivered;
		}
	}

	/** Every task ID that has its row, in any run of this node in this execution. */
	knownTaskIds(): Set<string> {
		return new Set(Object.values(this.#store).flatMap(taskIdsOf));
	}

	/** The account's names for all submits of this node in this execution. */
	submissionIds(): Set<string> {
		return new Set(Object.values(this.#store).flatMap(({ submissionIds }) => submissionIds));
	}

	/** The submits without a clear answer, in any run. */
	unresolved(): { key: string; entry: LedgerEntry }[] {
		return Object.entries(this.#store)
			.filter(([, entry]) => entry.state === 'sent')
			.map(([key, entry]) => ({ key, entry }));
	}

	/** The row's submits without a clear answer that asked for something else: the workflow has changed since. */
	openHashes(row: number, hash: string): string[] {
		return keysOfRow(this.#store, this.#rowName(row))
			.filter((key) => key !== this.key(row, hash) && this.#own(key)?.state === 'sent')
			.map((key) => key.slice(key.lastIndexOf(':') + 1));
	}

	/** All submits, in any run. */
	entries(): LedgerEntry[] {
		return Object.values(this.#store);
	}

	/** A new attempt: where none was found, a task may have appeared since, and counts until the search has ended again. */
	doubtUnpaid(): void {
		for (const { entry } of this.entriesOfRun()) if (entry.state === 'sent') delete entry.isUnpaid;
	}

	/** The rows of this run with an entry, for what goes first and for what was spent. */
	entriesOfRun(): { row: number; entry: LedgerEntry }[] {
		return Object.entries(this.#store)
			.filter(([key]) => key.startsWith(this.#prefix))
			.map(([key, entry]) => ({
				row: Number(key.slice(this.#prefix.length).split(':')[0]),
				entry,
			}));
	}

	/**
	 * The entries of this run by their rows, and the numbers of rows for which another round of a loop, or another call of a
	 * tool, has submitted. For all rows it takes no longer than for one.
	 */
	byRow(): LedgerByRow {
		const entries = new Map<number, LedgerEntry[]>();
		for (const { row, entry } of this.entriesOfRun()) {
			entries.set(row, [...(entries.get(row) ?? []), entry]);
		}
		const ofOtherRuns = Object.keys(this.#store)
			.filter((key) => !key.startsWith(this.#prefix))
			.map((key) => Number(key.split(':')[1]));
		return { entries, rowsOfOtherRuns: new Set(ofOtherRuns) };
	}

	#rowName(row: number): string {
		return `${this.#prefix}${row}`;
	}

	#own(key: string): LedgerEntry | undefined {
		return Object.hasOwn(this.#store, key) ? this.#store[key] : undefined;
	}
}

/** Every task that the row has had. */
export const taskIdsOf = ({ taskId, earlierTaskIds = [] }: LedgerEntry): string[] => [
	...earlierTaskIds,
	...(taskId === undefined ? [] : [taskId]),
];

/** What an earlier attempt has sent for the row. */
export const inputOf = ({ image, audio, prompt, resolution, seed }: LedgerEntry): SubmitInput => ({
	image,
	audio,
	prompt,
	resolution,
	seed,
});
