import type { SubmitInput } from '../wavespeed/tasks/submitTask';

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
	taskId?: string;
	/** Exactly what was sent, but for prompt and resolution, which the key's hash covers. */
	image: string;
	audio: string;
	seed: number;
	costUsd?: number;
	/** Earlier tasks of the row, which failed for a passing reason. */
	earlierTaskIds?: string[];
}

/** Plain data: n8n stores it with the execution. Holds public file URLs and IDs, never the key. */
export type LedgerStore = Record<string, LedgerEntry>;

export interface Ledger {
	find(row: number, hash: string): LedgerEntry | undefined;
	/** To be called before the submit leaves: what n8n stores on a stop then shows that a task may exist. */
	noteSent(row: number, hash: string, input: SubmitInput, sentAt: number, costUsd?: number): void;
	noteAccepted(row: number, hash: string, taskId: string): void;
	noteUnknown(row: number, hash: string, endedAt: number): void;
	/** The service has refused it: there is no task. */
	noteRefused(row: number, hash: string): void;
	/** Every task ID that has its row, in any run of this node in this execution. */
	knownTaskIds(): Set<string>;
	/** The submits without a clear answer, in any run. */
	unresolved(): { key: string; entry: LedgerEntry }[];
	/** When the submits were sent, in any run, ms since the epoch. */
	sentTimes(): number[];
	key(row: number, hash: string): string;
	/** The rows of this run with an entry, for what goes first and for what was spent. */
	entriesOfRun(): { row: number; entry: LedgerEntry }[];
}

/**
 * `runIndex` tells the rounds of a loop apart: asking for the same twice there means two videos.
 * The store is changed in place.
 */
export function createLedger(store: LedgerStore, runIndex: number): Ledger {
	const prefix = `${runIndex}:`;
	const keyOf = (row: number, hash: string): string => `${prefix}${row}:${hash}`;
	return {
		key: keyOf,
		find: (row, hash) => store[keyOf(row, hash)],
		noteSent(row, hash, input, sentAt, costUsd) {
			const previous = store[keyOf(row, hash)];
			const earlier = [
				...(previous?.earlierTaskIds ?? []),
				...(previous?.taskId ? [previous.taskId] : []),
			];
			store[keyOf(row, hash)] = {
				state: 'sent',
				sentAt,
				image: input.image,
				audio: input.audio,
				seed: input.seed,
				...(costUsd === undefined ? {} : { costUsd }),
				...(earlier.length > 0 ? { earlierTaskIds: earlier } : {}),
			};
		},
		noteAccepted(row, hash, taskId) {
			const entry = store[keyOf(row, hash)];
			if (entry) Object.assign(entry, { state: 'accepted', taskId });
		},
		noteUnknown(row, hash, endedAt) {
			const entry = store[keyOf(row, hash)];
			if (entry) entry.endedAt = endedAt;
		},
		noteRefused(row, hash) {
			const entry = store[keyOf(row, hash)];
			const lastEarlier = entry?.earlierTaskIds?.at(-1);
			if (!entry || lastEarlier === undefined) {
				delete store[keyOf(row, hash)];
				return;
			}
			// The failed task before it stays known: its ID must not look like a lost one in a search.
			entry.state = 'accepted';
			entry.taskId = lastEarlier;
			entry.earlierTaskIds = entry.earlierTaskIds?.slice(0, -1);
		},
		knownTaskIds() {
			const ids = Object.values(store).flatMap((entry) => [
				...(entry.taskId ? [entry.taskId] : []),
				...(entry.earlierTaskIds ?? []),
			]);
			return new Set(ids);
		},
		unresolved: () =>
			Object.entries(store)
				.filter(([, entry]) => entry.state === 'sent')
				.map(([key, entry]) => ({ key, entry })),
		sentTimes: () => Object.values(store).map(({ sentAt }) => sentAt),
		entriesOfRun: () =>
			Object.entries(store)
				.filter(([key]) => key.startsWith(prefix))
				.map(([key, entry]) => ({ row: Number(key.slice(prefix.length).split(':')[0]), entry })),
	};
}
