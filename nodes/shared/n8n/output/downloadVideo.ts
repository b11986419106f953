import type {
	IBinaryData,
	IExecuteFunctions,
	IN8nHttpFullResponse,
	IWebhookFunctions,
} from 'n8n-workflow';

import { DOWNLOADS } from '../../account/processLimits';
import type { Clock, Random } from '../../async/clock';
import {
	type FailureDetails,
	FailureError,
	failureOf,
	makeFailure,
} from '../../wavespeed/failures';
import type { Outages } from '../../wavespeed/http/outages';
import { toPathSegment } from '../../wavespeed/endpoints';
import type { Cancellation } from '../../async/cancellation';
import { retry } from '../../async/retry';
import type { Task } from '../../wavespeed/tasks/task';
import { describeNetworkError } from '../http/networkErrors';
import type { OptionReader } from '../input/parameters';
import { type DownloadStream, WatchedStream } from '../http/watchedStream';
import { withTimeout } from '../http/withTimeout';
import { settle } from '../../async/settle';
import { STORAGE } from './storageWatch';
import { shorten } from '../../text';

/** Where the video goes; undefined if it isn't wanted. */
export function readDownloadField(options: OptionReader): string | undefined {
	const field = options.text('outputBinaryPropertyName', 'Output Data Field Name') ?? 'data';
	return options.flag('downloadVideo') ? field : undefined;
}

export interface DownloadContext {
	ctx: IExecuteFunctions | IWebhookFunctions;
	clock: Clock;
	random: Random;
	cancellation: Cancellation;
	hideKey: (text: string) => string;
	/** No retry will fetch it again. */
	isParked?: boolean;
	/** Which hosts of videos don't answer, for all runs of the process. */
	hosts: Outages;
}

const MAX_ATTEMPTS = 4;
const ANSWER_TIMEOUT_MS = 60_000;

/**
 * 32 downloads that share a line of 1 Mbit/s get more, and a host that sends a byte a minute must not hold one of few
 * places for ever.
 */
const SLOWEST_HOST = { everyMs: 60_000, bytes: 64 * 1024, checks: 1 };

/**
 * An object store or a database that has died may never say so: it would hold one of few places for ever, and the answer
 * to a callback. Whoever still asks for bytes gets on, however slowly. Nobody hears how a storage gets on that has all
 * of them and sends them from n8n's memory, so it has more time the more there are: enough for 32 that share a line
 * of 10 Mbit/s.
 */
const SILENT_STORAGE_MS = 5 * 60_000;
const STORED_BYTES_PER_MS = 32;
const MOST_STORING_MS = 15 * 60_000;

/**
 * Streams the video into n8n's binary storage. The host is public, so the key is not sent. A failure keeps the URL:
 * the video is paid for and can be fetched by other means.
 */
export async function downloadVideo(
	context: DownloadContext,
	task: Task,
	details: FailureDetails,
): Promise<IBinaryData> {
	const url = task.videoUrls[0] ?? '';
	const fileName = `wan-2.2-${toPathSegment(task.id)}.mp4`;
	const host = context.hosts.watch(hostOf(url), url, context.clock);
	const { isParked = false } = context;
	const toFailure = ({ problem, isStorageSilent = false }: FailedFetch): FailureError => {
		const facts = { url, said: problem, isParked, isStorageSilent };
		return new FailureError(makeFailure('downloadFailed', 'downloadFailed', facts, { details }));
	};
	let last = failed('', false);
	const attemptInTurn = async (): Promise<FetchOutcome> => {
		const known = failureOf(host.whyDown());
		if (known?.reason === 'downloadFailed') return failed(known.facts.said, false);
		if (STORAGE.isSilent(context.clock.now())) return failSilent('does not answer');
		const fetching = await settle(fetchOnce(context, url, fileName));
		const fetched = fetching.ok ? fetching.value : await describe(context, fetching.error);
		if (!fetched.ok) context.cancellation.throwIfCancelled();
		noteStorage(fetched, context.clock);
		if (fetched.ok) host.noteAnswer();
		// Before the place is given back: whoever gets it would wait for the silent host as well.
		else if (fetched.isTransient && host.noteNoAnswer(fetched.status)) {
			host.noteDown(toFailure(fetched));
			return failed(fetched.problem, false);
		}
		return fetched;
	};
	const binary = await retry(context, { maxAttempts: MAX_ATTEMPTS }, async () => {
		const fetched = await DOWNLOADS.run(context.cancellation, attemptInTurn);
		if (fetched.ok) return { kind: 'done', value: fetched.binary };
		last = fetched;
		return { kind: fetched.isTransient ? 'transient' : 'failed' };
	});
	if (binary) return binary;
	const failure = toFailure(last);
	if (last.isTransient) host.noteDown(failure);
	throw failure;
}

function noteStorage(fetched: FetchOutcome, clock: Clock): void {
	if (fetched.ok) STORAGE.noteStored();
	else if (fetched.isStorageSilent) STORAGE.noteSilent(clock.now());
}

const hostOf = (url: string): string => (URL.canParse(url) ? new URL(url).host : '');

interface FailedFetch {
	ok: false;
	/** Completes "could not be downloaded: …". */
	problem: string;
	/** Whether another attempt may help. */
	isTransient: boolean;
	/** The host's answer, if that is the problem. */
	status?: number;
	/** n8n's storage has ended neither well nor badly. */
	isStorageSilent?: boolean;
}

type FetchOutcome = { ok: true; binary: IBinaryData } | FailedFetch;

const failed = (problem: string, isTransient: boolean): FailedFetch => ({
	ok: false,
	problem,
	isTransient,
});

/** Whatever broke, the row has to name the video: also n8n's own refusal of an address, or a mistake in this node. */
async function describe({ hideKey }: DownloadContext, error: unknown): Promise<FailedFetch> {
	const network = await settle((async () => describeNetworkError(error, hideKey))());
	return network.ok ? failed(network.value.text, true) : failed(toWords(error, hideKey), false);
}

const toWords = (error: unknown, hideKey: (text: string) => string): string =>
	shorten(hideKey(error instanceof Error ? error.message : String(error)), 200);

async function fetchOnce(
	context: DownloadContext,
	url: string,
	fileName: string,
): Promise<FetchOutcome> {
	const connection = new AbortController();
	const answer = await request(context, url, connection);
	if (answer === 'timedOut') {
		return failed(`there was no answer within ${ANSWER_TIMEOUT_MS / 1000} seconds`, true);
	}
	const problem = findProblem(answer);
	if (problem) drop(answer);
	const outcome = problem ?? (await store(context, answer, fileName));
	// Destroying the body closes nothing: the HTTP client wraps it, and its wrapper ends with the chunk that comes next.
	connection.abort();
	return outcome;
}

/** Ends with the headers. */
async function request(
	{ ctx, cancellation }: DownloadContext,
	url: string,
	connection: AbortController,
): Promise<IN8nHttpFullResponse | 'timedOut'> {
	const sending = ctx.helpers.httpRequest({
		method: 'GET',
		url,
		encoding: 'stream',
		timeout: ANSWER_TIMEOUT_MS,
		returnFullResponse: true,
		ignoreHttpStatusErrors: true,
		abortSignal: connection.signal,
	}) as Promise<IN8nHttpFullResponse>;
	const answered = await settle(withTimeout(ANSWER_TIMEOUT_MS, cancellation, sending));
	if (answered.ok && answered.value !== 'timedOut') return answered.value;
	connection.abort();
	// An answer that comes all the same, as after Stop or another row's failure, would hold its connection for ever.
	sending.then(drop, () => {});
	if (!answered.ok) throw answered.error;
	return 'timedOut';
}

/** Without a listener for its last error a stream would end n8n. */
function drop({ body }: IN8nHttpFullResponse): void {
	const stream = body as unknown as Partial<DownloadStream> | undefined;
	stream?.on?.('error', () => {});
	stream?.destroy?.();
}

const mimeTypeOf = ({ headers }: IN8nHttpFullResponse): string =>
	(String(headers['content-type'] ?? '').split(';')[0] ?? '').trim();

function findProblem(answer: IN8nHttpFullResponse): FailedFetch | undefined {
	const { statusCode } = answer;
	const mimeType = mimeTypeOf(answer);
	if (statusCode !== 200) {
		const isTransient = statusCode === 408 || statusCode === 429 || statusCode >= 500;
		const problem = `the video's host answered with HTTP status ${statusCode}`;
		return { ...failed(problem, isTransient), status: statusCode };
	}
	if (/^(text\/|application\/(json|xml|xhtml))/i.test(mimeType)) {
		return failed(`the video's host sent ${shorten(mimeType, 60)} instead of a video`, false);
	}
	return undefined;
}

/** A host that compresses on the way counts other bytes. */
function lengthOf({ headers }: IN8nHttpFullResponse): number | undefined {
	const promised = Number(headers['content-length'] ?? Number.NaN);
	return Number.isFinite(promised) && !headers['content-encoding'] ? promised : undefined;
}

async function store(
	{ ctx, cancellation, hideKey }: DownloadContext,
	answer: IN8nHttpFullResponse,
	fileName: string,
): Promise<FetchOutcome> {
	const mimeType = mimeTypeOf(answer);
	const promised = lengthOf(answer);
	const source = answer.body as unknown as DownloadStream;
	const watched = new WatchedStream(source, {
		isMeasured: promised !== undefined,
		slowest: SLOWEST_HOST,
		onSlow: () => new Error('the video arrived too slowly'),
	});
	const forget = cancellation.onCancel((reason) => watched.breakOff(reason));
	const storing = ctx.helpers.prepareBinaryData(
		watched.stream as Parameters<typeof ctx.helpers.prepareBinaryData>[0],
		fileName,
		/^video\/[\w.+-]{1,60}$/.test(mimeType) ? mimeType : 'video/mp4',
	);
	const leftMs = (): number =>
		SILENT_STORAGE_MS +
		Math.min(watched.byteCount / STORED_BYTES_PER_MS, MOST_STORING_MS) -
		watched.unreadMs;
	// A storage that hangs must not hold a run that is over, nor its place.
	const prepared = await settle(withTimeout(SILENT_STORAGE_MS, cancellation, storing, leftMs));
	// Before the stream is closed, which is an error as well.
	const { problem, unreadMs } = watched;
	watched.finish();
	forget();
	if (!prepared.ok) {
		// A full disk doesn't get emptier by fetching the video again.
		return problem === undefined
			? failed(`n8n could not store it (${toWords(prepared.error, hideKey)})`, false)
			: failed(problem, true);
	}
	if (prepared.value === 'timedOut') {
		return failSilent(`has not answered for ${Math.round(unreadMs / 60_000)} minutes`);
	}
	if (promised !== undefined && watched.byteCount !== promised) {
		return failed('only a part of the video arrived', true);
	}
	return { ok: true, binary: prepared.value };
}

/** Another attempt would wait as long again, on a place that others need. */
const failSilent = (said: string): FailedFetch => ({
	...failed(`n8n could not store it (its storage ${said})`, false),
	isStorageSilent: true,
});
