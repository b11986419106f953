import type { IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';

import { type Batch, createBatch } from '../../batch/context';
import { ACCOUNT_LIMITS } from '../../batch/limits';
import type { ApiContext } from '../../wavespeed/http/request';
import { type Failure, FailureError } from '../../wavespeed/failures';
import { Cancellation } from '../../async/cancellation';
import { type Connection, readConnection } from '../session/credential';
import type { Pace } from './hints';
import { createMediaReader, type MediaReader } from '../input/media';
import { openApi } from '../session/openApi';
import { openLedgerStore, readRunIndex } from './storedContext';
import { readParameters } from '../input/parameters';
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
	/** Set in callback mode, as soon as a row wants it. */
	parking: Parking | undefined;
	/** Why there is no callback mode although a row wants it. */
	parkingHint: string | undefined;
	startParking(resumeUrl: string): Parking;
	/** What the account's limits mean for the time that the run takes. */
	pace: Pace;
	/** How many rows are worked on side by side. */
	rowsAtOnce: number;
}

/** Rows that are prepared while others hold the account's places, so that no place waits for an upload. */
const PREPARED_AHEAD = 8;

/** Waiting rows cost little, but not nothing. */
const MOST_ROWS_AT_ONCE = 10_000;

const LONGEST_RATE_LIMIT_MS = 60 * 60_000;

export async function openRun(ctx: IExecuteFunctions, operation: unknown): Promise<Run> {
	const items = ctx.getInputData();
	const connection = await readConnection(ctx);
	const cancellation = new Cancellation();
	cancelOnStop(ctx, cancellation);

	const api = openApi(ctx, connection, cancellation);
	const { options } = readParameters(ctx, 0);
	const range = { min: 1, max: 10_000 };
	const limits = ACCOUNT_LIMITS[connection.accountLevel];
	const chosenInFlight = options.number('maxTasksInFlight', 'Max Videos at Once', range);
	const tasksInFlight = Math.floor(chosenInFlight ?? limits.tasksInFlight);
	const submitsPerMinute = Math.floor(
		options.number('maxSubmitsPerMinute', 'Max New Videos per Minute', range) ??
			limits.submitsPerMinute,
	);
	const batch = createBatch(api, cancellation, {
		rowCount: items.length,
		runIndex: readRunIndex(ctx),
		ledgerStore: openLedgerStore(ctx),
		tasksInFlight,
		submitsPerMinute,
		longestRateLimitMs: LONGEST_RATE_LIMIT_MS,
		// With the execution stopped or n8n gone, the log is where an ID can still be found.
		log: (message) => ctx.logger.info(`${ctx.getNode().name}: ${message}`),
	});
	const rowsAtOnce = operation === 'generate' ? tasksInFlight + PREPARED_AHEAD : MOST_ROWS_AT_ONCE;
	const readMedia = createMediaReader(ctx);
	const run: Run = {
		...{ ctx, items, api, batch, cancellation, connection, readMedia, rowsAtOnce },
		pace: {
			...{ accountLevel: connection.accountLevel, tasksInFlight },
			isChosen: chosenInFlight !== undefined,
		},
		parking: undefined,
		parkingHint: undefined,
		startParking(resumeUrl) {
			run.parking = createParking(resumeUrl, items.length, api, cancellation);
			return run.parking;
		},
	};
	return run;
}

function cancelOnStop(ctx: IExecuteFunctions, cancellation: Cancellation): void {
	const signal = ctx.getExecutionCancelSignal();
	const stop = (): void => cancellation.cancel(new FailureError(STOPPED));
	if (signal?.aborted) stop();
	else signal?.addEventListener('abort', stop, { once: true });
}

const STOPPED: Failure = {
	kind: 'stopped',
	message: 'The execution was stopped',
	advice:
		'Tasks that WaveSpeed had accepted go on and are paid for: their IDs are in n8n\'s log, and "Get Many" lists them.',
	paid: 'told',
	details: {},
};

/** For the rows that are given up because another one failed in stop mode. */
export const ABANDONED: Failure = {
	kind: 'abandoned',
	message: 'Another row failed, which ended the run',
	advice: '',
	paid: 'told',
	details: {},
};
