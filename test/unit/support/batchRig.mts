import { createHash } from 'node:crypto';

import { Account } from '../../../nodes/shared/account/account';
import { Submissions } from '../../../nodes/shared/account/submissions';
import { Cancellation } from '../../../nodes/shared/async/cancellation';
import { runConcurrently } from '../../../nodes/shared/async/runConcurrently';
import type { Settled } from '../../../nodes/shared/async/settle';
import { ASKED_FIELDS, type Sources } from '../../../nodes/shared/batch/asked';
import { type Batch, type BatchOptions, createBatch } from '../../../nodes/shared/batch/context';
import type { LedgerStore } from '../../../nodes/shared/batch/ledger';
import type { Media, VideoRequest } from '../../../nodes/shared/batch/request';
import { orderRows, PREPARED_AHEAD } from '../../../nodes/shared/batch/rowOrder';
import {
	generateTask,
	type RowPlan,
	type RowTask,
	submitRow,
	type WaitSettings,
} from '../../../nodes/shared/batch/runRow';
import { describeLogEntry } from '../../../nodes/shared/n8n/errors/messages/run';
import { FailureError, failureOf, makeFailure } from '../../../nodes/shared/wavespeed/failures';
import type { ApiContext } from '../../../nodes/shared/wavespeed/http/request';
import { sendInTurn } from '../../../nodes/shared/wavespeed/http/requestSlots';
import { createService, type Service, type ServiceOptions } from './service.mts';
import { createVirtualTime, type VirtualTime } from './virtualTime.mts';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** So that a request with a file can say what it asks for. */
const contents = new WeakMap<Media, string>();

export function fileOf(content: string): Media {
	const media: Media = {
		kind: 'file',
		field: 'image',
		inspect: async () => ({
			fileName: 'image.png',
			contentType: 'image/png',
			byteCount: content.length,
			sha256: sha256(content),
			open: async () => await Promise.resolve(Buffer.from(content)),
		}),
	};
	contents.set(media, content);
	return media;
}

/** What a row asks for; its fingerprint follows from it unless a test sets one, as for an expression that changes. */
export function createRequest(more: Partial<VideoRequest> = {}): VideoRequest {
	const request = {
		image: { kind: 'url', url: 'https://example.com/face.png' } as const,
		audio: { kind: 'url', url: 'https://example.com/voice.mp3' } as const,
		prompt: '',
		resolution: '480p',
		seed: -1,
		...more,
	};
	const { image, audio, prompt, resolution, seed } = request;
	const files = [image, audio].map((media) => contents.get(media) ?? media);
	const written = sha256(JSON.stringify([...files, prompt, resolution, seed])).slice(0, 16);
	const { fingerprint = written } = more;
	const sources = Object.fromEntries(ASKED_FIELDS.map((field) => [field, fingerprint]));
	return { sources: sources as unknown as Sources, ...request, fingerprint };
}

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
	/** Submits only, without a wait. */
	submitsOnly?: boolean;
	/** What stands between the run on the one side, time and network on the other. */
	connectThrough?(connection: Connection): Connection;
}

export type Connection = Pick<ApiContext, 'clock' | 'send'>;

export interface BatchRig {
	time: VirtualTime;
	service: Service;
	/** What all runs of the process share. */
	account: Account;
	/** Of the execution that is meant where none is named. */
	store: LedgerStore;
	/** n8n is started again: what was in memory is gone, what it has stored is there. */
	restart(): void;
	/** One attempt at all rows, as the node makes it: all attempts of an execution share the ledger. */
	start(requests: VideoRequest[], options?: AttemptOptions): Attempt;
	/** As above, until its end. */
	attempt(requests: VideoRequest[], options?: AttemptOptions): Promise<Settled<RowTask>[]>;
}

const MANY = 10_000;

export function createBatchRig(wishes: Partial<ServiceOptions> = {}, seed = 1): BatchRig {
	const time = createVirtualTime();
	const service = createService(time, wishes);
	const random = createRandom(seed);
	const store: LedgerStore = {};
	const createAccount = (): Account => new Account('ultra', random, new Submissions(time.now()));

	const start = (requests: VideoRequest[], options: AttemptOptions = {}): Attempt => {
		const cancellation = new Cancellation();
		const log: string[] = [];
		const account = options.account ?? rig.account;
		const { readGate, serviceClock, outages, taskReads, requests: slots } = account;
		const direct = { clock: time.clockFor(cancellation), send: service.connect(cancellation) };
		const { clock, send: sendNow } = options.connectThrough?.(direct) ?? direct;
		const send = sendInTurn(sendNow, slots, { clock, cancellation });
		const api = { clock, cancellation, random, send, readGate, serviceClock, outages, taskReads };
		const batch = createBatch(api, {
			account,
			accountId: 'account',
			runIndex: 0,
			ledgerStore: store,
			tasksInFlight: 10,
			submitsPerMinute: 100,
			longestRateLimitMs: 10 * 60_000,
			isTool: false,
			executionId: '1',
			log: (entry) => void log.push(describeLogEntry(entry)),
			...options,
		});
		const settings = options.settings ?? { timeoutMs: 3_600_000, minGapMs: 5_000 };
		const ended: number[] = [];
		const work = async (row: number): Promise<RowTask> => {
			options.activeRows?.add(row);
			batch.budget.begin(row);
			cancellation.throwIfCancelled();
			const request = requests[row]!;
			return options.submitsOnly
				? await submitRow(batch, row, request)
				: await generateToEnd(batch, { row, request, wait: settings });
		};
		const workToTheEnd = async (row: number): Promise<RowTask> =>
			await work(row).finally(() => {
				batch.budget.skip(row);
				ended.push(row);
				options.activeRows?.delete(row);
			});
		const inFlight = Math.min(options.tasksInFlight ?? 10, MANY);
		/** As the node does it at the end. */
		const noteUndelivered = (ended: Settled<RowTask>[]): Settled<RowTask>[] => {
			const isStopped = failureOf(cancellation.reason())?.kind === 'stopped';
			const endsRun = ended.some(({ ok }) => !ok) && (options.stopMode || isStopped);
			batch.ledger.noteUndelivered(
				new Set(ended.flatMap(({ ok }, row) => (endsRun || !ok ? [row] : []))),
			);
			return ended;
		};
		const outcomes = runConcurrently(
			orderRows(batch.ledger, requests.length),
			options.rowsAtOnce ?? inFlight + PREPARED_AHEAD,
			workToTheEnd,
			() => {
				if (options.stopMode)
					cancellation.cancel(new FailureError(makeFailure('abandoned', 'abandoned', {})));
			},
		);
		return { cancellation, batch, log, ended, outcomes: outcomes.then(noteUndelivered) };
	};
	const rig: BatchRig = {
		time,
		service,
		account: createAccount(),
		store,
		restart() {
			rig.account = createAccount();
		},
		start,
		attempt: async (requests, options) => await time.run(start(requests, options).outcomes),
	};
	return rig;
}

/** Without parking a row waits to the end of its task. */
async function generateToEnd(batch: Batch, plan: RowPlan): Promise<RowTask> {
	const outcome = await generateTask(batch, plan);
	if (!outcome.task) throw new Error('it was parked');
	return outcome;
}
