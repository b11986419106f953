import type {
	IAllExecuteFunctions,
	IExecuteFunctions,
	IHttpRequestOptions,
	IN8nHttpFullResponse,
} from 'n8n-workflow';

import { createSlots } from '../batch/limits';
import type { HttpAnswer, HttpOutcome, HttpRequest, Send } from '../wavespeed/exchange';
import { settle } from '../wavespeed/failures';
import type { Halt } from '../wavespeed/halt';
import { cancelSignalOf, type NodeFunctions } from './caller';
import { systemTime } from './clock';
import { type Connection, CREDENTIAL_TYPE } from './credential';
import { describeNetworkError } from './networkErrors';

const CLIENT_NAME = 'n8n-nodes-wavespeed-speech-to-video';

/** A batch of thousands must not open thousands of connections just to look at its tasks. */
const REQUESTS_AT_ONCE = 32;

/**
 * Sends requests through n8n's helpers: with the credential below the base URL, without it everywhere else.
 * Redirects are never followed: n8n's helper would take the key along to another host.
 */
export function createSend(ctx: NodeFunctions, connection: Connection, halt: Halt): Send {
	const places = createSlots(REQUESTS_AT_ONCE, halt);
	return async (request) => {
		// Submits and uploads have limits of their own, and must not wait behind thousands of checks.
		if (request.method === 'PUT' || request.finishOnStop) return await sendOnce(request);
		const giveBack = await places.take();
		return await sendOnce(request).finally(giveBack);
	};

	async function sendOnce(request: HttpRequest): Promise<HttpOutcome> {
		if (!request.finishOnStop) halt.check();
		const options = toOptions(request, connection.baseUrl);
		const hasKey = 'path' in request.target;
		const sending = hasKey
			? sendWithKey(callerFor(ctx, request), options)
			: ctx.helpers.httpRequest({ ...options, abortSignal: cancelSignalOf(ctx) });
		const sent = await settle(withinTime(request, halt, sending));
		if (!sent.ok) {
			if (!request.finishOnStop) halt.check();
			return describeNetworkError(sent.error, connection.hideKey);
		}
		if (sent.value === 'timedOut') {
			const seconds = Math.round(request.timeoutMs / 1000);
			const text = `there was no answer within ${seconds} seconds`;
			return { answered: false, reason: 'noReply', text };
		}
		return toAnswer(sent.value, connection.hideKey);
	}
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
			...request.headers,
			// Without it a streamed body goes out in chunks, which signed upload URLs refuse.
			...(file ? { 'Content-Length': String(file.byteCount) } : {}),
		},
		body: file ? (file.body as IHttpRequestOptions['body']) : request.json,
		timeout: request.timeoutMs,
		encoding: 'text',
		returnFullResponse: true,
		// Our own rules decide what is sent again: n8n would repeat every 401.
		ignoreHttpStatusErrors: true,
		// Also keeps a streamed upload from being held in memory for a possible redirect.
		disableFollowRedirect: true,
		sendCredentialsOnCrossOriginRedirect: false,
	};
}

/**
 * n8n ties a request to Stop through `getExecutionCancelSignal` of the caller. A submit that is cut off may have been
 * accepted, and its task's ID would be lost, so a submit gets a caller without that function.
 */
function callerFor(ctx: NodeFunctions, request: HttpRequest): IAllExecuteFunctions {
	if (!request.finishOnStop) return ctx;
	const caller: Partial<IExecuteFunctions> = {
		getCredentials: ctx.getCredentials.bind(ctx),
		getNode: ctx.getNode.bind(ctx),
		helpers: ctx.helpers as IExecuteFunctions['helpers'],
		logger: ctx.logger,
	};
	return caller as IAllExecuteFunctions;
}

async function sendWithKey(
	caller: IAllExecuteFunctions,
	options: IHttpRequestOptions,
): Promise<IN8nHttpFullResponse> {
	const { helpers } = caller as IExecuteFunctions;
	const answer: unknown = await helpers.httpRequestWithAuthentication.call(
		caller,
		CREDENTIAL_TYPE,
		options,
	);
	return answer as IN8nHttpFullResponse;
}

/** n8n's own time limit counts silence, so a body that drips in would hold a workflow for ever. */
async function withinTime<T>(
	request: HttpRequest,
	halt: Halt,
	sending: Promise<T>,
): Promise<T | 'timedOut'> {
	// The request that lost the race may still fail later; nobody listens any more.
	sending.catch(() => {});
	return await new Promise<T | 'timedOut'>((resolve, reject) => {
		const forget = request.finishOnStop ? (): void => {} : halt.onHalt(reject);
		const finish = (settleIt: () => void): void => {
			forget();
			settleIt();
		};
		sending.then(
			(value) => finish(() => resolve(value)),
			(error: unknown) => finish(() => reject(error)),
		);
		void systemTime.sleep(request.timeoutMs).then(() => finish(() => resolve('timedOut')));
	});
}

function toAnswer(response: IN8nHttpFullResponse, hideKey: (text: string) => string): HttpAnswer {
	const { body } = response;
	const text = typeof body === 'string' ? body : JSON.stringify(body ?? '');
	const headers = Object.entries(response.headers ?? {}).map(([name, value]) => [
		name.toLowerCase(),
		String(value),
	]);
	return {
		answered: true,
		status: response.statusCode,
		headers: Object.fromEntries(headers) as Record<string, string>,
		text: hideKey(text),
	};
}
