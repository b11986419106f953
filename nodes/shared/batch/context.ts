import type { Account } from '../account/account';
import { RateLimiter } from '../async/rateLimiter';
import { Semaphore } from '../async/semaphore';
import type { ApiContext } from '../wavespeed/http/request';
import { Budget } from './budget';
import { EarlierPrices } from './earlierPrices';
import { Ledger, type LedgerStore } from './ledger';

export interface BatchOptions {
	account: Account;
	/** Tells accounts apart without telling the key. */
	accountId: string;
	/** Of n8n; of a tool a name that no other call has. */
	runIndex: number | string;
	/** Kept by n8n with the execution; changed in place. */
	ledgerStore: LedgerStore;
	/** The node's own limits; those of the account hold besides. */
	tasksInFlight: number;
	submitsPerMinute: number;
	/** How long the service may refuse every submit with "too many requests" before a row fails, in ms. */
	longestRateLimitMs: number;
	/** A tool of an AI agent: n8n counts the run index up with each try of a call. */
	isTool: boolean;
	/** Of n8n; a retry has another one. */
	executionId: string;
	log(entry: LogEntry): void;
}

/** What happened to a row's submit: with the execution stopped or n8n gone, the log is where its ID is found. */
export type LogEntry =
	| { event: 'accepted'; row: number; taskId: string }
	/** It had no clear answer. */
	| { event: 'lost'; row: number; said: string }
	/** Its task was found in the list. */
	| { event: 'found'; row: number; taskId: string }
	/** It was found, and the row asks for something else by now. */
	| { event: 'left'; row: number; taskId: string };

/** What the rows of one run share. */
export interface Batch {
	api: ApiContext;
	account: Account;
	accountId: string;
	ledger: Ledger;
	budget: Budget;
	earlierPrices: EarlierPrices;
	/** The node's own limits. They only narrow, since all runs of the account share what the service allows. */
	places: Semaphore;
	submitRate: RateLimiter;
	longestRateLimitMs: number;
	/** On the steady clock, ms. */
	begunAt: number;
	isTool: boolean;
	log(entry: LogEntry): void;
}

export function createBatch(api: ApiContext, options: BatchOptions): Batch {
	const { account, accountId, longestRateLimitMs, isTool, log } = options;
	const ofCalls = isTool ? options.executionId : undefined;
	const ledger = new Ledger(options.ledgerStore, options.runIndex, ofCalls);
	ledger.doubtUnpaid();
	const submitRate = new RateLimiter(options.submitsPerMinute);
	noteEarlierSubmits(api, account, ledger, submitRate);
	return {
		api,
		account,
		accountId,
		ledger,
		budget: new Budget(ledger, api.cancellation),
		earlierPrices: new EarlierPrices(api, ledger),
		places: new Semaphore(options.tasksInFlight),
		submitRate,
		longestRateLimitMs,
		begunAt: api.clock.now(),
		isTool,
		log,
	};
}

/**
 * A retry comes within seconds, and the service still counts what the earlier attempt has sent: this run's limit has not
 * seen it, and the account's neither if n8n was restarted meanwhile.
 */
function noteEarlierSubmits(
	{ clock }: ApiContext,
	account: Account,
	ledger: Ledger,
	submitRate: RateLimiter,
): void {
	const now = clock.now();
	const all: number[] = [];
	const unseen: number[] = [];
	for (const { sentAt, endedAt, clock: whose, submissionIds } of ledger.entries()) {
		const seen = account.submissions.get(submissionIds.at(-1) ?? '');
		const machineNow = clock.wallTime();
		const theirNow =
			whose === 'service' ? (account.serviceClock.timeAt(now, clock) ?? machineNow) : machineNow;
		const endedSteady = seen?.endedAt ?? now - (theirNow - (endedAt ?? sentAt));
		all.push(endedSteady);
		if (!seen) unseen.push(endedSteady);
	}
	submitRate.noteEarlier(all);
	account.submitRate.noteEarlier(unseen);
}
