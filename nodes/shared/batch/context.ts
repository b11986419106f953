import type { ApiContext } from '../wavespeed/http/request';
import type { Cancellation } from '../async/cancellation';
import { createBackoffGate, type BackoffGate } from '../async/backoffGate';
import { type Budget, createBudget } from './budget';
import { createLedger, type Ledger, type LedgerStore } from './ledger';
import {
	createRateWindow,
	createSlots,
	createSubmitLock,
	type RateWindow,
	type Slots,
	type SubmitLock,
} from './limits';
import { createSharedUploads, type SharedUploads } from './sharedUploads';

export interface BatchOptions {
	rowCount: number;
	runIndex: number;
	/** Kept by n8n with the execution; changed in place. */
	ledgerStore: LedgerStore;
	tasksInFlight: number;
	submitsPerMinute: number;
	/** How long the service may refuse every submit with "too many requests" before a row fails, in ms. */
	longestRateLimitMs: number;
	log(message: string): void;
}

/** What the rows of one run share. */
export interface Batch {
	api: ApiContext;
	cancellation: Cancellation;
	ledger: Ledger;
	/** Tasks in flight. */
	slots: Slots;
	rateWindow: RateWindow;
	/** Submits under way. */
	submitSlots: Slots;
	submitLock: SubmitLock;
	submitGate: BackoffGate;
	budget: Budget;
	uploads: SharedUploads;
	uploadSlots: Slots;
	longestRateLimitMs: number;
	log(message: string): void;
}

/** Enough to keep a connection busy while a file is read or a ticket is asked for. */
const UPLOADS_AT_ONCE = 4;

/**
 * The largest account may start 5,000 tasks a minute: with a second for each answer that takes 84 side by side. Without a limit a batch of
 * thousands opens thousands of connections at once, and those that break off leave open whether they were paid for.
 */
const SUBMITS_AT_ONCE = 100;

export function createBatch(
	api: ApiContext,
	cancellation: Cancellation,
	options: BatchOptions,
): Batch {
	const ledger = createLedger(options.ledgerStore, options.runIndex);
	const spentUsd = ledger.entriesOfRun().reduce((sum, { entry }) => sum + (entry.costUsd ?? 0), 0);
	return {
		api,
		cancellation,
		ledger,
		slots: createSlots(options.tasksInFlight, cancellation),
		// A retry comes within seconds, and the service still counts what the earlier attempt has sent.
		rateWindow: createRateWindow(
			options.submitsPerMinute,
			api.clock,
			cancellation,
			ledger.sentTimes(),
		),
		submitSlots: createSlots(SUBMITS_AT_ONCE, cancellation),
		submitLock: createSubmitLock(),
		submitGate: createBackoffGate(api.clock, api.random, cancellation),
		budget: createBudget(options.rowCount, spentUsd, cancellation),
		uploads: createSharedUploads(),
		uploadSlots: createSlots(UPLOADS_AT_ONCE, cancellation),
		longestRateLimitMs: options.longestRateLimitMs,
		log: options.log,
	};
}
