import type { IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';

import { type Batch, createBatch } from '../../batch/context';
import { PREPARED_AHEAD } from '../../batch/rowOrder';
import { ACCOUNT_LIMITS } from '../../wavespeed/accountLimits';
import type { ApiContext } from '../../wavespeed/http/request';
import { FailureError, makeFailure } from '../../wavespeed/failures';
import { Cancellation } from '../../async/cancellation';
import { type Connection, readConnection } from '../session/credential';
import { describeLogEntry } from '../errors/messages/run';
import type { Pace } from '../errors/messages/hints';
import { showHint } from './hints';
import { createMediaReader, type MediaReader } from '../input/media';
import { downloadVideo } from '../output/downloadVideo';
import type { Download } from '../output/resultItem';
import { openApi } from '../session/openApi';
import { nameCall, openLedgerStore, readRunIndex } from './storedContext';
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
	parking: Parking | undefined;
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
const MOST_ROWS_AT_ONCE = 10_000;

const LONGEST_RATE_LIMIT_MS = 60 * 60_000;

export async function openRun(ctx: IExecuteFunctions, holdsPlaces: boolean): Promise<Run> {
	const items = ctx.getInputData();
	const connection = await readConnection(ctx);
	const cancellation = new Cancellation();
	const stopListening = cancelOnStop(ctx, cancellation);

	const api = openApi(ctx, connection, cancellation);
	const { options } = readParameters(ctx, 0);
	const range = { min: 1, max: 10_000 };
	const limits = ACCOUNT_LIMITS[connection.accountLevel];
	const chosenInFlight = options.number('maxTasksInFlight', 'Max Videos at Once', range);
	const chosenPerMinute = options.number('maxSubmitsPerMinute', 'Max New Videos per Minute', range);
	const tasksInFlight = Math.min(
		Math.floor(chosenInFlight ?? limits.tasksInFlight),
		limits.tasksInFlight,
	);
	const ledgerStore = openLedgerStore(ctx);
	const batch = createBatch(api, {
		account: api.account,
		accountId: connection.accountId.slice(0, ACCOUNT_ID_CHARS),
		runIndex: isTool(ctx) ? nameCall(ctx, ledgerStore) : readRunIndex(ctx),
		ledgerStore,
		tasksInFlight,
		submitsPerMinute: Math.floor(chosenPerMinute ?? limits.submitsPerMinute),
		longestRateLimitMs: LONGEST_RATE_LIMIT_MS,
		isTool: isTool(ctx),
		// With the execution stopped or n8n gone, the log is where an ID can still be found.
		log: (entry) => ctx.logger.info(`${ctx.getNode().name}: ${describeLogEntry(entry)}`),
	});
	const rowsAtOnce = holdsPlaces ? tasksInFlight + PREPARED_AHEAD : MOST_ROWS_AT_ONCE;
	const hints = new Set<string>();
	const recordings = new Map<number, number>();
	const run: Run = {
		ctx,
		items,
		api,
		batch,
		cancellation,
		connection,
		readMedia: createMediaReader(ctx, (row, seconds) => void recordings.set(row, seconds)),
		recordings,
		rowsAtOnce,
		pace: {
			accountLevel: connection.accountLevel,
			tasksInFlight,
			isChosen: chosenInFlight !== undefined,
		},
		stopListening,
		parking: undefined,
		hintOnce(message) {
			if (hints.has(message)) return;
			hints.add(message);
			showHint(ctx, message);
		},
		async download(task, details) {
			const { clock, random } = api;
			const context = { ctx, cancellation, hideKey: connection.hideKey, clock, random };
			return await downloadVideo(context, task, details);
		},
		startParking(callbackUrl) {
			run.parking ??= createParking(callbackUrl, items.length, api, cancellation);
			return run.parking;
		},
	};
	return run;
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
