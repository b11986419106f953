import type {
	IBinaryData,
	IExecuteFunctions,
	IN8nHttpFullResponse,
	IWebhookFunctions,
} from 'n8n-workflow';

import type { Clock, Random } from '../../async/clock';
import { fail, type FailureDetails } from '../../wavespeed/failures';
import { toPathSegment } from '../../wavespeed/endpoints';
import type { Cancellation } from '../../async/cancellation';
import { pauseBeforeRetry } from '../../async/backoff';
import type { Task } from '../../wavespeed/tasks/task';
import { cancelSignalOf } from '../session/callers';
import { describeNetworkError } from '../http/networkErrors';
import type { OptionReader } from '../input/parameters';
import { type DownloadStream, watch } from '../http/watchedStream';
import { withTimeout } from '../http/withTimeout';
import { settle } from '../../async/settle';
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
}

const MAX_ATTEMPTS = 4;
const ANSWER_TIMEOUT_MS = 60_000;

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
	for (let attempt = 1; ; attempt += 1) {
		const outcome = await settle(fetchOnce(context, url, `wan-2.2-${toPathSegment(task.id)}.mp4`));
		const fetched: FetchOutcome = outcome.ok
			? outcome.value
			: { ok: false, isTransient: true, problem: nameProblem(context, outcome.error) };
		if (fetched.ok) return fetched.binary;
		context.cancellation.throwIfCancelled();
		const { problem, isTransient } = fetched;
		if (!isTransient || attempt >= MAX_ATTEMPTS) {
			fail(
				'downloadFailed',
				`The video of task ${task.id} could not be downloaded: ${problem}. It is at ${url}`,
				'The video exists and is paid for. Open its URL, or run "Get Task" with this ID and "Download Video". A retry of this node downloads again and does not pay again. WaveSpeed keeps it for 7 days.',
				{ details },
			);
		}
		await context.clock.sleep(pauseBeforeRetry(attempt, context.random));
	}
}

type FetchOutcome =
	| { ok: true; binary: IBinaryData }
	| { ok: false; problem: string; isTransient: boolean };

function nameProblem({ cancellation, hideKey }: DownloadContext, error: unknown): string {
	cancellation.throwIfCancelled();
	return describeNetworkError(error, hideKey).text;
}

async function fetchOnce(
	{ ctx, cancellation }: DownloadContext,
	url: string,
	fileName: string,
): Promise<FetchOutcome> {
	const sending = ctx.helpers.httpRequest({
		method: 'GET',
		url,
		encoding: 'stream',
		timeout: ANSWER_TIMEOUT_MS,
		returnFullResponse: true,
		ignoreHttpStatusErrors: true,
		abortSignal: cancelSignalOf(ctx),
	}) as Promise<IN8nHttpFullResponse>;
	const answer = await withTimeout(ANSWER_TIMEOUT_MS, cancellation, sending);
	if (answer === 'timedOut') {
		// An answer that comes all the same would hold its connection.
		sending.then(({ body }) => (body as unknown as DownloadStream).destroy()).catch(() => {});
		const problem = `there was no answer within ${ANSWER_TIMEOUT_MS / 1000} seconds`;
		return { ok: false, problem, isTransient: true };
	}
	const { statusCode, headers, body } = answer;
	const stream = body as unknown as DownloadStream;
	const mimeType =
		String(headers['content-type'] ?? '')
			.split(';')[0]
			?.trim() ?? '';
	if (statusCode !== 200) {
		stream.destroy();
		const isTransient = statusCode === 408 || statusCode === 429 || statusCode >= 500;
		return {
			ok: false,
			problem: `the video's host answered with HTTP status ${statusCode}`,
			isTransient,
		};
	}
	if (/^(text\/|application\/(json|xml|xhtml))/i.test(mimeType)) {
		stream.destroy();
		return {
			ok: false,
			problem: `the video's host sent ${shorten(mimeType, 60)} instead of a video`,
			isTransient: false,
		};
	}
	const watched = watch(stream);
	const forget = cancellation.onCancel(watched.breakOff);
	const prepared = await settle(
		ctx.helpers.prepareBinaryData(
			watched.stream as Parameters<typeof ctx.helpers.prepareBinaryData>[0],
			fileName,
			/^video\/[\w.+-]{1,60}$/.test(mimeType) ? mimeType : 'video/mp4',
		),
	);
	watched.finish();
	forget();
	if (!prepared.ok) {
		return {
			ok: false,
			problem: 'the connection broke off in the middle of the video',
			isTransient: true,
		};
	}
	const promised = Number(headers['content-length'] ?? Number.NaN);
	// A host that compresses on the way counts other bytes.
	const isComparable = Number.isFinite(promised) && !headers['content-encoding'];
	if (isComparable && watched.byteCount() !== promised) {
		return { ok: false, problem: 'only a part of the video arrived', isTransient: true };
	}
	return { ok: true, binary: prepared.value };
}
