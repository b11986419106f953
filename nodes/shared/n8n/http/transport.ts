import type {
	IAllExecuteFunctions,
	IExecuteFunctions,
	IHttpRequestOptions,
	IN8nHttpFullResponse,
} from 'n8n-workflow';

import type { HttpAnswer, HttpOutcome, HttpRequest, Send } from '../../wavespeed/http/types';
import { classOf, type ReadableClass } from '../../wavespeed/media/streams';
import type { Cancellation } from '../../async/cancellation';
import type { NodeFunctions } from '../session/callers';
import { type Connection, CREDENTIAL_TYPE } from '../session/credential';
import { describeNetworkError } from './networkErrors';
import { isStream, readText } from './readText';
import { systemTime } from '../session/clock';
import { WatchedUpload } from './watchedUpload';
import { withTimeout } from './withTimeout';
import { settle } from '../../async/settle';

const CLIENT_NAME = 'n8n-nodes-wavespeed-speech-to-video';

/** The description of a task is some kB; with this, 32 concurrent requests stay small whatever comes back. */
const MAX_ANSWER_BYTES = 1024 ** 2;

/**
 * Sends requests through n8n's helpers: with the credential below the base URL, without it everywhere else.
 * Redirects are never followed: n8n's helper would take the key along to another host.
 */
export function createSend(
	ctx: NodeFunctions,
	connection: Connection,
	cancellation: Cancellation,
): Send {
	const sender: Sender = { ctx, connection, cancellation };
	return async (request) => await sendOnce(sender, request);
}

interface Sender {
	ctx: NodeFunctions;
	connection: Connection;
	cancellation: Cancellation;
	/** Of the last answer's body. */
	streams?: ReadableClass;
}

async function sendOnce(sender: Sender, request: HttpRequest): Promise<HttpOutcome> {
	// A submit that is under way may be accepted, so its answer is waited for.
	const cancellation = request.finishOnStop ? undefined : sender.cancellation;
	cancellation?.throwIfCancelled();
	const connecting = new AbortController();
	const upload = watchUpload(sender, request);
	const watched = { ...request, ...(upload ? { file: upload.file } : {}) };
	const endsAt = systemTime.now() + request.timeoutMs;
	const leftMs = (): number => Math.min(endsAt - systemTime.now(), upload?.leftMs() ?? Infinity);
	const exchanging = exchange(sender, watched, connecting.signal);
	const sent = await settle(withTimeout(Math.max(1, leftMs()), cancellation, exchanging, leftMs));
	// What has not ended by now is not listened to any more: an answer that drips in, or a request after Stop.
	connecting.abort();
	upload?.finish();
	if (!sent.ok) {
		cancellation?.throwIfCancelled();
		return describeNetworkError(sent.error, sender.connection.hideKey);
	}
	if (sent.value === 'timedOut') {
		return { answered: false, reason: 'noReply', text: describeSilence(request, endsAt) };
	}
	return sent.value;
}

const watchUpload = (
	{ streams }: Sender,
	{ file, longestSilenceMs }: HttpRequest,
): WatchedUpload | undefined =>
	file && longestSilenceMs !== undefined
		? new WatchedUpload(file, longestSilenceMs, streams)
		: undefined;

function describeSilence({ timeoutMs, longestSilenceMs = 0 }: HttpRequest, endsAt: number): string {
	const isOutOfTime = systemTime.now() >= endsAt;
	const seconds = Math.round((isOutOfTime ? timeoutMs : longestSilenceMs) / 1000);
	return isOutOfTime
		? `there was no answer within ${seconds} seconds`
		: `nothing was taken or answered for ${seconds} seconds`;
}

async function exchange(
	sender: Sender,
	request: HttpRequest,
	signal: AbortSignal,
): Promise<HttpAnswer> {
	const { ctx, connection } = sender;
	const options = { ...toOptions(request, connection.baseUrl), abortSignal: signal };
	const sending: Promise<unknown> =
		'path' in request.target
			? sendWithKey(callerFor(ctx, signal), options)
			: ctx.helpers.httpRequest(options);
	const response = (await sending) as IN8nHttpFullResponse;
	// The answer that brings a ticket always comes before the file.
	if (isStream(response.body)) sender.streams ??= classOf(response.body);
	const text = await readText(response.body, request.maxAnswerBytes ?? MAX_ANSWER_BYTES);
	return {
		answered: true,
		status: response.statusCode,
		headers: toHeaders(response),
		text: connection.hideKey(text),
	};
}

function toOptions(request: HttpRequest, baseUrl: string): IHttpRequestOptions {
	const { target, file } = request;
	const url = 'path' in target ? `${baseUrl}${target.path}` : target.url;
	return {
		method: request.method,
		url,
		qs: request.query,
		headers: {
			...('path' in target ? { 'X-Client-Name': CLIENT_NAME } : {}),
			// Where a file has no type, axios would call it a form, and the signature of an upload would not match.
			...(file && !namesType(request.headers) ? { 'Content-Type': false } : {}),
			...request.headers,
			// Without it a streamed body goes out in chunks, which signed upload URLs refuse.
			...(file ? { 'Content-Length': String(file.byteCount) } : {}),
		},
		body: file ? (file.body as IHttpRequestOptions['body']) : request.json,
		timeout: request.timeoutMs,
		// Anything else would be read to its end, however long it is, before we see it.
		encoding: 'stream',
		returnFullResponse: true,
		// Our own rules decide what is sent again: n8n would repeat every 401.
		ignoreHttpStatusErrors: true,
		// Also keeps a streamed upload from being held in memory for a possible redirect.
		disableFollowRedirect: true,
		sendCredentialsOnCrossOriginRedirect: false,
	};
}

const namesType = (headers: HttpRequest['headers'] = {}): boolean =>
	Object.keys(headers).some((name) => name.toLowerCase() === 'content-type');

/**
 * n8n ties a request to the signal of its caller, which is Stop. A submit that is cut off may have been accepted, and
 * its task's ID would be lost, so each request gets a caller with a signal of our own.
 */
function callerFor(ctx: NodeFunctions, signal: AbortSignal): IAllExecuteFunctions {
	const caller: Partial<IExecuteFunctions> = {
		getCredentials: ctx.getCredentials.bind(ctx),
		getNode: ctx.getNode.bind(ctx),
		getExecutionCancelSignal: () => signal,
		helpers: ctx.helpers as IExecuteFunctions['helpers'],
		logger: ctx.logger,
	};
	return caller as IAllExecuteFunctions;
}

async function sendWithKey(
	caller: IAllExecuteFunctions,
	options: IHttpRequestOptions,
): Promise<unknown> {
	const { helpers } = caller as IExecuteFunctions;
	return await helpers.httpRequestWithAuthentication.call(caller, CREDENTIAL_TYPE, options);
}

function toHeaders(response: IN8nHttpFullResponse): Record<string, string> {
	const headers = Object.entries(response.headers ?? {});
	return Object.fromEntries(headers.map(([name, value]) => [name.toLowerCase(), String(value)]));
}
