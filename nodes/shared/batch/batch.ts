import type { ApiContext } from '../wavespeed/apiRead';
import type { Halt } from '../wavespeed/halt';
import { createSharedPause, type SharedPause } from '../wavespeed/sharedPause';
import type { UploadFile } from '../wavespeed/upload';
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

/** A file of the workflow, read once to know what it holds. */
export interface InspectedFile extends UploadFile {
	sha256: string;
}

export type Media =
	| { kind: 'url'; url: string }
	| {
			kind: 'file';
			/** The parameter's label or the field's name, for messages. */
			field: string;
			inspect(): Promise<InspectedFile>;
	  };

/** What one row asks for, checked as far as that is possible without sending anything. */
export interface Ask {
	image: Media;
	audio: Media;
	prompt: string;
	resolution: string;
	/** −1: draw one. */
	seed: number;
	webhookUrl?: string;
	maxCostPerVideo?: number;
	maxCostPerRun?: number;
	quoteOnly: boolean;
}

export interface BatchOptions {
	rowCount: number;
	runIndex: number;
	/** Kept by n8n with the execution; changed in place. */
	ledgerStore: LedgerStore;
	tasksInFlight: number;
	submitsPerMinute: number;
	/** How long the service may refuse every submit with "too many requests" before a row fails, in ms. */
	rateLimitPatienceMs: number;
	log(message: string): void;
}

/** What the rows of one run share. */
export interface Batch {
	api: ApiContext;
	halt: Halt;
	ledger: Ledger;
	/** Tasks in flight. */
	slots: Slots;
	rateWindow: RateWindow;
	/** Submits under way. */
	submitSlots: Slots;
	submitLock: SubmitLock;
	submitPause: SharedPause;
	budget: Budget;
	uploads: SharedUploads;
	uploadSlots: Slots;
	rateLimitPatienceMs: number;
	log(message: string): void;
}

/** Enough to keep a connection busy while a file is read or a ticket is asked for. */
const UPLOADS_AT_ONCE = 4;

/**
 * The largest account may start 5,000 tasks a minute: with a second for each answer that takes 84 side by side. Without a limit a batch of
 * thousands opens thousands of connections at once, and those that break off leave open whether they were paid for.
 */
const SUBMITS_AT_ONCE = 100;

export function createBatch(api: ApiContext, halt: Halt, options: BatchOptions): Batch {
	const ledger = createLedger(options.ledgerStore, options.runIndex);
	const spentUsd = ledger.entriesOfRun().reduce((sum, { entry }) => sum + (entry.costUsd ?? 0), 0);
	return {
		api,
		halt,
		ledger,
		slots: createSlots(options.tasksInFlight, halt),
		// A retry comes within seconds, and the service still counts what the earlier attempt has sent.
		rateWindow: createRateWindow(options.submitsPerMinute, api.clock, halt, ledger.sentTimes()),
		submitSlots: createSlots(SUBMITS_AT_ONCE, halt),
		submitLock: createSubmitLock(),
		submitPause: createSharedPause(api.clock, api.random, halt),
		budget: createBudget(options.rowCount, spentUsd, halt),
		uploads: createSharedUploads(),
		uploadSlots: createSlots(UPLOADS_AT_ONCE, halt),
		rateLimitPatienceMs: options.rateLimitPatienceMs,
		log: options.log,
	};
}
