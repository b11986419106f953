import type { HttpAnswer } from './types';
import { isRecord } from '../../json';
import { shorten } from '../../text';

/** What an answer of the API means, once status, envelope and body agree. */
export type ApiResult =
	| { kind: 'data'; data: unknown }
	/** The service understood and refused. */
	| { kind: 'refused'; status: number; text: string }
	| { kind: 'rateLimited'; status: number; text: string; retryAfter: string | undefined }
	/** 5xx, a gateway's HTML page, cut-off JSON: says nothing about what the service did. */
	| {
			kind: 'unclear';
			status: number;
			text: string;
			retryAfter: string | undefined;
			/** What could be read all the same: a submit's answer may name the task. */
			data: unknown;
	  };

const isText = (value: unknown): value is string =>
	typeof value === 'string' && value.trim() !== '';

/**
 * Reads `{code, message, data}`. A code other than 200 is an error even when HTTP says 200.
 * Errors come as `message`, a few as `error`, some with an `error_code` (docs: REST API; official clients).
 */
export function readEnvelope(answer: HttpAnswer): ApiResult {
	const { status } = answer;
	const retryAfter = answer.headers['retry-after'];
	const body = parseJson(answer.text);

	if (status === 429) return { kind: 'rateLimited', status, text: errorText(body), retryAfter };
	// 408: a gateway gave up on the request, which may have come through all the same.
	if (status >= 500 || status === 408) {
		const data = isRecord(body) ? body.data : undefined;
		return { kind: 'unclear', status, text: errorText(body), retryAfter, data };
	}
	if (status >= 300) {
		return { kind: 'refused', status, text: errorText(body) || `HTTP status ${status}` };
	}
	if (!isRecord(body) || !('code' in body)) {
		const text = 'the answer was not the JSON that the API promises';
		// Callbacks bring tasks without an envelope, so an answer may do so too.
		const data = isRecord(body) && typeof body.status === 'string' ? body : undefined;
		return { kind: 'unclear', status, text, retryAfter, data };
	}
	const code = readCode(body.code);
	if (code === 200) return { kind: 'data', data: body.data };
	if (code === 429) return { kind: 'rateLimited', status: code, text: errorText(body), retryAfter };
	if (code >= 400 && code < 500) {
		return { kind: 'refused', status: code, text: errorText(body) || `code ${code}` };
	}
	return {
		kind: 'unclear',
		status,
		text: errorText(body) || `code ${code}`,
		retryAfter,
		data: body.data,
	};
}

const readCode = (code: unknown): number =>
	typeof code === 'string' || typeof code === 'number' ? Number(code) : Number.NaN;

function errorText(body: unknown): string {
	if (!isRecord(body)) return '';
	const inner = isRecord(body.data) ? body.data.error : undefined;
	const text = [body.message, body.error, inner].find(isText) ?? '';
	const code = isText(body.error_code) ? ` (${shorten(body.error_code, 50)})` : '';
	return shorten(text) + (text ? code : '');
}

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
