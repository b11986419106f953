import type { HttpAnswer } from './exchange';

/** What an answer of the API means, once status, envelope and body agree. */
export type Reading =
	| { kind: 'data'; data: unknown }
	/** The service understood and refused. */
	| { kind: 'refused'; status: number; text: string }
	| { kind: 'rateLimited'; status: number; text: string; retryAfter: string | undefined }
	/** 5xx, a gateway's HTML page, cut-off JSON: says nothing about what the service did. */
	| { kind: 'unclear'; status: number; text: string; retryAfter: string | undefined };

export const isRecord = (value: unknown): value is Record<string, unknown> =>
	typeof value === 'object' && value !== null && !Array.isArray(value);

const isText = (value: unknown): value is string =>
	typeof value === 'string' && value.trim() !== '';

/** Longer error texts are pages or dumps: nobody reads them in an error message. */
const MAX_ERROR_TEXT_CHARS = 500;

export function shorten(text: string, maxChars = MAX_ERROR_TEXT_CHARS): string {
	const oneLine = text.replace(/\s+/g, ' ').trim();
	return oneLine.length > maxChars ? `${oneLine.slice(0, maxChars)}…` : oneLine;
}

/**
 * Reads `{code, message, data}`. A code other than 200 is an error even when HTTP says 200.
 * Errors come as `message`, a few as `error`, some with an `error_code` (docs: REST API; official clients).
 */
export function readEnvelope(answer: HttpAnswer): Reading {
	const { status } = answer;
	const retryAfter = answer.headers['retry-after'];
	const body = parseJson(answer.text);

	if (status === 429) return { kind: 'rateLimited', status, text: errorText(body), retryAfter };
	// 408: a gateway gave up on the request, which may have come through all the same.
	if (status >= 500 || status === 408)
		return { kind: 'unclear', status, text: errorText(body), retryAfter };
	if (status >= 300) {
		return { kind: 'refused', status, text: errorText(body) || `HTTP status ${status}` };
	}
	if (!isRecord(body) || !('code' in body)) {
		const text = 'the answer was not the JSON that the API promises';
		return { kind: 'unclear', status, text, retryAfter };
	}
	const code = Number(body.code);
	if (code === 200) return { kind: 'data', data: body.data };
	if (code === 429) return { kind: 'rateLimited', status: code, text: errorText(body), retryAfter };
	if (code >= 400 && code < 500) {
		return { kind: 'refused', status: code, text: errorText(body) || `code ${code}` };
	}
	return {
		kind: 'unclear',
		status,
		text: errorText(body) || `code ${String(body.code)}`,
		retryAfter,
	};
}

function errorText(body: unknown): string {
	if (!isRecord(body)) return '';
	const inner = isRecord(body.data) ? body.data.error : undefined;
	const text = [body.message, body.error, inner].find(isText) ?? '';
	const code = isText(body.error_code) ? ` (${body.error_code})` : '';
	return shorten(text) + (text ? code : '');
}

function parseJson(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		return undefined;
	}
}
