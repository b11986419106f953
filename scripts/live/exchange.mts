import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

import axios, { type AxiosResponse } from 'axios';

import { Cancellation } from '../../nodes/shared/async/cancellation';
import { BackoffGate } from '../../nodes/shared/async/backoffGate';
import type { Clock } from '../../nodes/shared/async/clock';
import { Outages } from '../../nodes/shared/wavespeed/http/outages';
import { TaskReads } from '../../nodes/shared/wavespeed/tasks/taskReads';
import { ServiceClock } from '../../nodes/shared/wavespeed/http/serviceClock';
import type { ApiContext } from '../../nodes/shared/wavespeed/http/request';
import type { HttpOutcome, HttpRequest, Send } from '../../nodes/shared/wavespeed/http/types';
import { isRecord } from '../../nodes/shared/json';

/** How the client of the node, as it is shipped, reaches the service here: through axios, with every answer kept. */

export interface Exchange {
	/** The question that this request belongs to. */
	step: string;
	/** Such as `POST /api/v3/predictions`; of another host only the method. */
	asked: string;
	/** When, in ms since the epoch. */
	at: number;
	/** Undefined: there was no answer. */
	status?: number;
	headers: Record<string, string>;
	/** JSON, or a text; undefined if it was too long to be kept. */
	body?: unknown;
}

export interface Service {
	api: ApiContext;
	send: Send;
	exchanges: Exchange[];
	/** The requests from here on belong to this question. */
	begin(step: string): void;
	/** The same service, asked with another key. */
	withKey(apiKey: string): Send;
}

export function openService(baseUrl: string, apiKey: string): Service {
	const exchanges: Exchange[] = [];
	let step = '';
	const sendWith =
		(key: string): Send =>
		async (request) => {
			const outcome = await sendByAxios(baseUrl, key, request);
			exchanges.push(toExchange(step, request, outcome));
			return outcome;
		};
	const clock: Clock = {
		now: () => Date.now(),
		wallTime: () => Date.now(),
		sleep: async (ms) => await sleep(ms),
	};
	return {
		...createService(sendWith(apiKey), clock),
		exchanges,
		begin: (next) => void (step = next),
		withKey: sendWith,
	};
}

/** Answers as they were recorded, in their order and at their time; nothing is sent. */
export function openRecording(exchanges: Exchange[]): Service {
	const left = [...exchanges];
	let step = '';
	let now = exchanges[0]?.at ?? 0;
	const send: Send = async (request) => {
		const next = left.shift();
		const asked = describeRequest(request);
		if (next?.step !== step || next.asked !== asked) {
			throw new Error(`"${step}" asks ${asked}, but recorded is ${next?.step}: ${next?.asked}`);
		}
		now = next.at;
		return await Promise.resolve(toOutcome(next));
	};
	const clock: Clock = {
		now: () => now,
		wallTime: () => now,
		sleep: async () => await Promise.resolve(),
	};
	return {
		...createService(send, clock),
		exchanges,
		begin: (next) => void (step = next),
		withKey: () => send,
	};
}

function createService(send: Send, clock: Clock): Pick<Service, 'api' | 'send'> {
	const random = (): number => Math.random();
	const api = {
		send,
		clock,
		random,
		cancellation: new Cancellation(),
		readGate: new BackoffGate(random),
		serviceClock: new ServiceClock(),
		outages: new Outages(),
		taskReads: new TaskReads(() => true),
	};
	return { send, api };
}

const describeRequest = ({ method, target }: HttpRequest): string =>
	'path' in target
		? `${method} ${target.path.replace(/predictions\/[^/]+\//, 'predictions/…/')}`
		: method;

const KEPT_HEADERS = ['content-type', 'date', 'retry-after'];

function toExchange(step: string, request: HttpRequest, outcome: HttpOutcome): Exchange {
	const base = { step, asked: describeRequest(request), at: Date.now() };
	if (!outcome.answered) return { ...base, headers: {} };
	const headers = Object.entries(outcome.headers).filter(([name]) => KEPT_HEADERS.includes(name));
	const { status, text } = outcome;
	const body = 'path' in request.target ? parseJson(text) : undefined;
	return {
		...base,
		status,
		headers: Object.fromEntries(headers),
		...(body !== undefined && { body }),
	};
}

function toOutcome({ status, headers, body }: Exchange): HttpOutcome {
	if (status === undefined) return { answered: false, reason: 'noReply', text: 'no answer' };
	const text = typeof body === 'string' ? body : body === undefined ? '' : JSON.stringify(body);
	return { answered: true, status, headers, text };
}

function parseJson(text: string): unknown {
	try {
		return JSON.parse(text) as unknown;
	} catch {
		return text;
	}
}

const MAX_ANSWER_BYTES = 1024 ** 2;

async function sendByAxios(
	baseUrl: string,
	apiKey: string,
	request: HttpRequest,
): Promise<HttpOutcome> {
	const { method, target, file, query, json, timeoutMs } = request;
	const isOwn = 'path' in target;
	const namesType = Object.keys(request.headers ?? {}).some((name) => /^content-type$/i.test(name));
	try {
		const response: AxiosResponse<unknown> = await axios.request({
			method,
			url: isOwn ? `${baseUrl}${target.path}` : target.url,
			params: query,
			headers: {
				...(isOwn && { Authorization: `Bearer ${apiKey}` }),
				...(file && !namesType && { 'Content-Type': false }),
				...request.headers,
				...(file && { 'Content-Length': file.byteCount }),
			},
			data: file?.body ?? json,
			timeout: timeoutMs,
			maxRedirects: 0,
			responseType: 'stream',
			validateStatus: () => true,
		});
		const text = await readText(response.data, request.maxAnswerBytes ?? MAX_ANSWER_BYTES);
		const headers = Object.entries({ ...response.headers }).map(([name, value]) => [
			name.toLowerCase(),
			String(value),
		]);
		return { answered: true, status: response.status, headers: Object.fromEntries(headers), text };
	} catch (error) {
		const code = isRecord(error) ? String(error.code) : '';
		const reason = /ECONNREFUSED|ENOTFOUND|EAI_AGAIN/.test(code) ? 'notSent' : 'noReply';
		return { answered: false, reason, text: code || String(error) };
	}
}

/** '' if it is longer than that; the rest isn't read. */
async function readText(body: unknown, maxBytes: number): Promise<string> {
	if (!(body instanceof Readable)) return '';
	const chunks: Buffer[] = [];
	let bytes = 0;
	for await (const chunk of body) {
		const part = Buffer.from(chunk as Uint8Array);
		bytes += part.length;
		if (bytes > maxBytes) {
			body.destroy();
			return '';
		}
		chunks.push(part);
	}
	return Buffer.concat(chunks).toString('utf8');
}
