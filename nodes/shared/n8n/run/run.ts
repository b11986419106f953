import type { IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';

import { type Batch, createBatch } from '../../batch/context';
import { PREPARED_AHEAD } from '../../batch/rowOrder';
import { ACCOUNT_LIMITS } from '../../wavespeed/accountLevels';
import type { ApiContext } from '../../wavespeed/http/request';
import { FailureError, makeFailure } from '../../wavespeed/failures';
import { Cancellation } from '../../async/cancellation';
import { type Connection, readConnection } from '../session/credential';
import { describeLogEntry } from '../errors/messages/run';
import type { Pace } from '../errors/messages/hints';
import { showHint } from './hints';
import { Storage } from '../input/storage';
import { createMediaReader, type MediaReader } from '../input/media';
import { downloadVideo } from '../output/downloadVideo';
import type { Download } from '../output/resultItem';
import { type AccountApi, accounts, openApi } from '../session/openApi';
import { nameRun, openLedgerStore } from './storedContext';
import { readParameters } from '../input/parameters';
import { isTool } from '../waiting/conditions';
import { createParking, type Parking } from '../waiting/parking';

/** One execution of the node: what its rows share. */
export interface Run {
	ctx: IExecuteFunctions;
	items: INodeExecutionData[];
	api: ApiContext;
	batch: Batch;
	cancellation: Cancellation;
	connection: Connection;
	readMedia: MediaReader;
	/** Seconds of the rows' recordings, as far as their files tell. */
	recordings: Map<number, number>;
	/** Set as soon as a row is to be parked. */
	readonly parking: Parking | undefined;
	startParking(callbackUrl: string | undefined): Parking;
	/** Shows a hint that several rows give. */
	hintOnce(message: string): void;
	download: Download;
	/** What the account's limits mean for the time that the run takes. */
	pace: Pace;
	/** How many rows are worked on side by side. */
	rowsAtOnce: number;
	/** To be called when the run has ended. */
	stopListening: () => void;
}

/** Waiting rows cost little, but not nothing. */
export const MOST_CONCURRENT_ROWS = 10_000;

const LONGEST_RATE_LIMIT_MS = 60 * 60_000;

export async function openRun(ctx: IExecuteFunctions, holdsPlaces: boolean): Promise<Run> {
	const items = ctx.getInputData();
	const connection = await readConnection(ctx);
	const cancellation = new Cancellation();
	const stopListening = cancelOnStop(ctx, cancellation);
	const api = openApi(ctx, connection, cancellation);
	const limits = readLimits(ctx, connection);
	const recordings = new Map<number, number>();
	const storage = new Storage(ctx, api, accounts.outages);
	const { clock, random } = api;
	const { hideKey } = connection;
	const downloading = { ctx, cancellation, hideKey, clock, random, hosts: accounts.outages };
	let parking: Parking | undefined;
	return {
		...{ ctx, items, api, cancellation, connection, recordings, stopListening },
		batch: openBatch(ctx, api, connection, limits),
		readMedia: createMediaReader(ctx, storage, (row, seconds) => void recordings.set(row, seconds)),
		rowsAtOnce: holdsPlaces ? limits.pace.tasksInFlight + PREPARED_AHEAD : MOST_CONCURRENT_ROWS,
		pace: limits.pace,
		hintOnce: createHinter(ctx),
		download: async (task, details) => await downloadVideo(downloading, task, details),
		get parking() {
			return parking;
		},
		startParking(callbackUrl) {
			parking ??= createParking(callbackUrl, items.length, api, cancellation);
			return parking;
		},
	};
}

interface Limits {
	pace: Pace;
	submitsPerMinute: number;
}

/** The account's limits, and the node's own, which can only narrow them. */
function readLimits(ctx: IExecuteFunctions, { accountLevel }: Connection): Limits {
	const { options } = readParameters(ctx, 0);
	const range = { min: 1, max: 10_000 };
	const ofAccount = ACCOUNT_LIMITS[accountLevel];
	const inFlight = options.number('maxTasksInFlight', 'Max Videos at Once', range);
	const perMinute = options.number('maxSubmitsPerMinute', 'Max New Videos per Minute', range);
	const tasksInFlight = Math.min(
		Math.floor(inFlight ?? ofAccount.tasksInFlight),
		ofAccount.tasksInFlight,
	);
	return {
		pace: { accountLevel, tasksInFlight, isChosen: inFlight !== undefined },
		submitsPerMinute: Math.floor(perMinute ?? ofAccount.submitsPerMinute),
	};
}

function openBatch(
	ctx: IExecuteFunctions,
	api: AccountApi,
	{ accountId }: Connection,
	{ pace, submitsPerMinute }: Limits,
): Batch {
	const ledgerStore = openLedgerStore(ctx);
	return createBatch(api, {
		account: api.account,
		accountId: accountId.slice(0, ACCOUNT_ID_CHARS),
		runIndex: nameRun(ctx, ledgerStore),
		ledgerStore,
		tasksInFlight: pace.tasksInFlight,
		submitsPerMinute,
		longestRateLimitMs: LONGEST_RATE_LIMIT_MS,
		isTool: isTool(ctx),
		executionId: ctx.getExecutionId(),
		// With the execution stopped or n8n gone, the log is where an ID can still be found.
		log(entry) {
			const text = describeLogEntry(entry);
			ctx.logger.info(`${ctx.getNode().name}: ${text}`);
			// No item and no error has it.
			if (entry.event === 'left') showHint(ctx, text);
		},
	});
}

function createHinter(ctx: IExecuteFunctions): Run['hintOnce'] {
	const shown = new Set<string>();
	return (message) => {
		if (shown.has(message)) return;
		shown.add(message);
		showHint(ctx, message);
	};
}

/** Enough to tell the accounts of one user apart. */
const ACCOUNT_ID_CHARS = 16;

/** Returns a function that ends it: n8n keeps the signal for the whole execution, and Node.js warns of many listeners. */
function cancelOnStop(ctx: IExecuteFunctions, cancellation: Cancellation): () => void {
	const signal = ctx.getExecutionCancelSignal();
	const stop = (): void =>
		cancellation.cancel(new FailureError(makeFailure('stopped', 'stopped', {})));
	if (signal?.aborted) stop();
	else signal?.addEventListener('abort', stop, { once: true });
	return () => signal?.removeEventListener('abort', stop);
}

/** For the rows that are given up because another one failed in stop mode. */
export const makeAbandoned = (): FailureError =>
	new FailureError(makeFailure('abandoned', 'abandoned', {}));
