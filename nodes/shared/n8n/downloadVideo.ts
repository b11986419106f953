import type {
	IBinaryData,
	IExecuteFunctions,
	IN8nHttpFullResponse,
	IWebhookFunctions,
} from 'n8n-workflow';

import type { Clock, Random } from '../wavespeed/clock';
import { fail, type FailureDetails, settle } from '../wavespeed/failures';
import { toPathSegment } from '../wavespeed/endpoints';
import { shorten } from '../wavespeed/envelope';
import type { Halt } from '../wavespeed/halt';
import { pauseBeforeRetry } from '../wavespeed/retry';
import type { Task } from '../wavespeed/task';
import { cancelSignalOf } from './caller';
import { describeNetworkError } from './networkErrors';
import type { OptionReader } from './parameters';
import { type DownloadStream, watch } from './watchedStream';
import { withinTime } from './withinTime';

/** Where the video goes; undefined if it isn't wanted. */
export function readDownloadField(options: OptionReader): string | undefined {
	const field = options.text('outputBinaryPropertyName', 'Output Data Field Name') ?? 'data';
	return options.flag('downloadVideo') ? field : undefined;
}

export interface DownloadContext {
	ctx: IExecuteFunctions | IWebhookFunctions;
	clock: Clock;
	random: Random;
	halt: Halt;
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
			: { ok: false, canPass: true, problem: nameProblem(context, outcome.error) };
		if (fetched.ok) return fetched.binary;
		context.halt.check();
		const { problem, canPass } = fetched;
		if (!canPass || attempt >= MAX_ATTEMPTS) {
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
	| { ok: false; problem: string; canPass: boolean };

function nameProblem({ halt, hideKey }: DownloadContext, error: unknown): string {
	halt.check();
	return describeNetworkError(error, hideKey).text;
}

async function fetchOnce(
	{ ctx, halt }: DownloadContext,
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
	const answer = await withinTime(ANSWER_TIMEOUT_MS, halt, sending);
	if (answer === 'timedOut') {
		// An answer that comes all the same would hold its connection.
		sending.then(({ body }) => (body as unknown as DownloadStream).destroy()).catch(() => {});
		const problem = `there was no answer within ${ANSWER_TIMEOUT_MS / 1000} seconds`;
		return { ok: false, problem, canPass: true };
	}
	const { statusCode, headers, body } = answer;
	const stream = body as unknown as DownloadStream;
	const mimeType =
		String(headers['content-type'] ?? '')
			.split(';')[0]
			?.trim() ?? '';
	if (statusCode !== 200) {
		stream.destroy();
		const canPass = statusCode === 408 || statusCode === 429 || statusCode >= 500;
		return {
			ok: false,
			problem: `the video's host answered with HTTP status ${statusCode}`,
			canPass,
		};
	}
	if (/^(text\/|application\/(json|xml|xhtml))/i.test(mimeType)) {
		stream.destroy();
		return {
			ok: false,
			problem: `the video's host sent ${shorten(mimeType, 60)} instead of a video`,
			canPass: false,
		};
	}
	const watched = watch(stream);
	const forget = halt.onHalt(watched.breakOff);
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
			canPass: true,
		};
	}
	const promised = Number(headers['content-length'] ?? Number.NaN);
	// A host that compresses on the way counts other bytes.
	const isComparable = Number.isFinite(promised) && !headers['content-encoding'];
	if (isComparable && watched.byteCount() !== promised) {
		return { ok: false, problem: 'only a part of the video arrived', canPass: true };
	}
	return { ok: true, binary: prepared.value };
}
