import type { HttpAnswer } from './types';
import { isRecord } from '../../json';
import { readErrorText } from './errorText';

/** What an answer of the API means, once status, envelope and body agree. */
export type ApiResult =
	| { kind: 'data'; data: unknown }
	/** The service understood and refused. `data` as below: what was refused has no task, so one that has was not. */
	| { kind: 'refused'; status: number; text: string; data?: unknown }
	| {
			kind: 'rateLimited';
			status: number;
			text: string;
			retryAfter: string | undefined;
			data?: unknown;
	  }
	/** 5xx, a gateway's HTML page, cut-off JSON: says nothing about what the service did. */
	| {
			kind: 'unclear';
			status: number;
			text: string;
			retryAfter: string | undefined;
			/** What could be read all the same: a submit's answer may name the task. */
			data: unknown;
	  };

/**
 * Reads `{code, message, data}`. A code other than 200 is an error even when HTTP says 200; an answer without a code
 * counts by what it brings, as the vendor's SDKs take it (docs: REST API; official clients).
 */
export function readEnvelope(answer: HttpAnswer): ApiResult {
	const body = parseJson(answer.text);
	const status = readStatus(answer.status, body);
	const said = {
		status,
		text: readErrorText(body, answer.status >= 400 ? answer.text : ''),
		retryAfter: answer.headers['retry-after'],
		// Some answer with the task itself, without an envelope around it.
		data: isRecord(body) && isBareTask(body) ? body : isRecord(body) ? body.data : undefined,
	};
	if (status === 429 && !isUsedUp(said.text, said.retryAfter)) {
		return { kind: 'rateLimited', ...said };
	}
	// 408: a gateway gave up on the request, which may have come through all the same.
	if (status >= 300 && status < 500 && status !== 408) {
		return { kind: 'refused', ...said, text: said.text || describeStatus(answer.status, status) };
	}
	if (answer.status < 300 && isRecord(body)) return readBody(body, said);
	return { kind: 'unclear', ...said, text: said.text || (answer.status < 300 ? NO_JSON : '') };
}

type Said = Omit<Extract<ApiResult, { kind: 'unclear' }>, 'kind'>;

function readBody(body: Record<string, unknown>, said: Said): ApiResult {
	const code = readCode(body.code);
	// Callbacks bring tasks without an envelope, and a code in such a one is the task's.
	if (isBareTask(body)) return { kind: 'data', data: body };
	if (code === 200) return { kind: 'data', data: body.data };
	if (code === undefined && isRecord(body.data)) return { kind: 'data', data: body.data };
	if (code !== undefined && isRefusal(code, body.data)) {
		// To HTTP all of them are 400.
		const text = said.text === '' ? `code ${code}` : `${said.text} (code ${code})`;
		return { kind: 'refused', ...said, status: 400, text };
	}
	return {
		kind: 'unclear',
		...said,
		text: said.text || (code === undefined ? NO_JSON : `code ${code}`),
	};
}

const isBareTask = (body: Record<string, unknown>): boolean =>
	typeof body.status === 'string' && !('data' in body) && ('id' in body || 'outputs' in body);

const NO_JSON = 'the answer was not the JSON that the API promises';

/** Where HTTP says that all is well, a code of HTTP's in the body decides. */
function readStatus(status: number, body: unknown): number {
	const code = isRecord(body) ? readCode(body.code) : undefined;
	const isOverruled = status < 300 && code !== undefined && code >= 400 && code < 500;
	return isOverruled ? code : status;
}

/** Undefined if there is none; NaN if it is no number. */
const readCode = (code: unknown): number | undefined => {
	if (code === undefined || code === null) return undefined;
	return typeof code === 'string' || typeof code === 'number' ? Number(code) : Number.NaN;
};

/**
 * The documented codes of refusals: moderation, a missing or an invalid parameter, media not reachable, an empty
 * balance; 4001: a file that is too large. Other codes are of tasks that were made, and say nothing here.
 */
const REFUSAL_CODES: ReadonlySet<number> = new Set([1200, 1400, 1401, 1402, 1407, 4001]);

/** An answer that names a task is about a task that exists, whatever the code says. */
const isRefusal = (code: number, data: unknown): boolean =>
	REFUSAL_CODES.has(code) && (!isRecord(data) || (data.id ?? '') === '');

/** A quota that is used up doesn't come back in a minute, so there is no use in waiting for it; a rate does. */
const USED_UP = /quota|insufficient|credit|balance|top.?up|storage/i;
const COMES_BACK =
	/\brate|concurren|per (second|minute|hour)|\/ ?(s|sec|min|minute|hour)\b|too many|try again|slow/i;

const isUsedUp = (text: string, retryAfter: string | undefined): boolean =>
	retryAfter === undefined && USED_UP.test(text) && !COMES_BACK.test(text);

const describeStatus = (httpStatus: number, status: number): string =>
	httpStatus === status ? `HTTP status ${status}` : `code ${status}`;

function parseJson(text: string): unknown {
	try {
		const value: unknown = JSON.parse(text);
		return isTooDeep(value) ? undefined : value;
	} catch {
		return undefined;
	}
}

/** Answers have five levels. What goes deeper than the stack can't be stored by n8n, and ends the execution. */
const MAX_DEPTH = 100;

function isTooDeep(root: unknown): boolean {
	let level: unknown[] = [root];
	for (let depth = 0; level.length > 0; depth += 1) {
		if (depth > MAX_DEPTH) return true;
		level = level.flatMap((value) =>
			typeof value === 'object' && value !== null ? Object.values(value) : [],
		);
	}
	return false;
}
