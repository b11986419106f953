import { createHash } from 'node:crypto';

import { type Batch, type BatchOptions, createBatch } from '../../../nodes/shared/batch/context';
import type { LedgerStore } from '../../../nodes/shared/batch/ledger';
import { inspectRequest } from '../../../nodes/shared/batch/prepare';
import { generateTask, type RowTask, type WaitSettings } from '../../../nodes/shared/batch/runRow';
import { runConcurrently } from '../../../nodes/shared/async/runConcurrently';
import { FailureError } from '../../../nodes/shared/wavespeed/failures';
import { Cancellation } from '../../../nodes/shared/async/cancellation';
import { createBackoffGate } from '../../../nodes/shared/async/backoffGate';
import { createService, type Service, type ServiceOptions } from './service.mts';
import { createVirtualTime, type VirtualTime } from './virtualTime.mts';
import type { VideoRequest, Media } from '../../../nodes/shared/batch/request';
import type { Settled } from '../../../nodes/shared/async/settle';

export const fileOf = (content: string): Media => ({
	kind: 'file',
	field: 'image',
	inspect: async () => ({
		fileName: 'image.png',
		contentType: 'image/png',
		byteCount: content.length,
		sha256: createHash('sha256').update(content).digest('hex'),
		open: async () => await Promise.resolve(Buffer.from(content)),
	}),
});

export const createRequest = (more: Partial<VideoRequest> = {}): VideoRequest => ({
	image: { kind: 'url', url: 'https://example.com/face.png' },
	audio: { kind: 'url', url: 'https://example.com/voice.mp3' },
	prompt: '',
	resolution: '480p',
	seed: -1,
	quoteOnly: false,
	...more,
});

/** Numbers from 0 to 1 that are the same in every run of the tests. */
export function createRandom(seed = 1): () => number {
	let state = seed;
	return () => {
		state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
		return state / 2_147_483_648;
	};
}

export interface Attempt {
	cancellation: Cancellation;
	batch: Batch;
	log: string[];
	/** The outcomes in the order in which the rows ended. */
	ended: number[];
	outcomes: Promise<Settled<RowTask>[]>;
}

export interface AttemptOptions extends Partial<BatchOptions> {
	rowsAtOnce?: number;
	settings?: WaitSettings;
	/** The first failed row ends the run. */
	stopMode?: boolean;
	/** The rows that have begun and not ended yet. */
	activeRows?: Set<number>;
}

export interface BatchRig {
	time: VirtualTime;
	service: Service;
	store: LedgerStore;
	/** One attempt at all rows, as the node makes it: all attempts share the ledger. */
	start(asks: VideoRequest[], options?: AttemptOptions): Attempt;
	/** As above, until its end. */
	attempt(asks: VideoRequest[], options?: AttemptOptions): Promise<Settled<RowTask>[]>;
}

const PREPARED_AHEAD = 8;

export function createBatchRig(wishes: Partial<ServiceOptions> = {}, seed = 1): BatchRig {
	const time = createVirtualTime();
	const service = createService(time, wishes);
	const random = createRandom(seed);
	const store: LedgerStore = {};

	const start = (asks: VideoRequest[], options: AttemptOptions = {}): Attempt => {
		const cancellation = new Cancellation();
		const clock = time.clockFor(cancellation);
		const log: string[] = [];
		const readGate = createBackoffGate(clock, random, cancellation);
		const api = { clock, random, send: service.connect(cancellation), readGate };
		const batch = createBatch(api, cancellation, {
			rowCount: asks.length,
			runIndex: 0,
			ledgerStore: store,
			tasksInFlight: 10,
			submitsPerMinute: 100,
			longestRateLimitMs: 10 * 60_000,
			log: (message) => void log.push(message),
			...options,
		});
		const settings = options.settings ?? { timeoutMs: 3_600_000, minGapMs: 5_000 };
		const ended: number[] = [];
		const work = async (row: number): Promise<RowTask> => {
			options.activeRows?.add(row);
			cancellation.throwIfCancelled();
			return await generateTask(batch, row, await inspectRequest(asks[row]!), settings);
		};
		const workToTheEnd = async (row: number): Promise<RowTask> =>
			await work(row).finally(() => {
				batch.budget.skip(row);
				ended.push(row);
				options.activeRows?.delete(row);
			});
		const rowsAtOnce = options.rowsAtOnce ?? batchSize(options) + PREPARED_AHEAD;
		const outcomes = runConcurrently(
			resumedFirst(batch, asks.length),
			rowsAtOnce,
			workToTheEnd,
			() => {
				if (options.stopMode) cancellation.cancel(abandoned());
			},
		);
		return { cancellation, batch, log, ended, outcomes };
	};
	return {
		time,
		service,
		store,
		start,
		attempt: async (asks, options) => await time.run(start(asks, options).outcomes),
	};
}

const batchSize = ({ tasksInFlight = 10 }: AttemptOptions): number => tasksInFlight;

/** As the node does it: tasks of an earlier attempt hold the account's places already. */
function resumedFirst(batch: Batch, rowCount: number): number[] {
	const resumed = new Set(batch.ledger.entriesOfRun().map(({ row }) => row));
	const rows = Array.from({ length: rowCount }, (_, row) => row);
	return [...rows.filter((row) => resumed.has(row)), ...rows.filter((row) => !resumed.has(row))];
}

const abandoned = (): FailureError =>
	new FailureError({
		kind: 'abandoned',
		paid: 'told',
		message: 'Another row failed, which ended the run',
		advice: '',
		details: {},
	});
