import type { NoAnswer } from '../../wavespeed/http/types';
import { isRecord } from '../../json';
import { shorten } from '../../text';

/**
 * What Node.js and axios call the ways in which a request fails, in words. n8n replaces every message that contains
 * one of these names by a text of its own, some of which advise what would pay twice.
 */
const NOT_SENT: Record<string, string> = {
	ECONNREFUSED: 'the connection was refused; is the address right and the service running?',
	ENOTFOUND: 'the address was not found; is this machine connected to the internet?',
	EAI_AGAIN: 'the address could not be looked up; is this machine connected to the internet?',
	EHOSTUNREACH: 'the server can not be reached from this machine',
	ENETUNREACH: 'the server can not be reached from this machine',
	ERR_INVALID_URL: 'the address is not a valid URL',
	EPROTO: 'no secure connection could be made',
};

const NO_REPLY: Record<string, string> = {
	ECONNRESET: 'the connection was cut off before the answer came',
	EPIPE: 'the connection was cut off before the answer came',
	ECONNABORTED: 'there was no answer in time',
	ETIMEDOUT: 'there was no answer in time',
	ERR_CANCELED: 'the request was cancelled before the answer came',
	ERR_BAD_RESPONSE: 'the answer broke off',
};

const CERTIFICATE_CODE = /^(CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|ERR_TLS|ERR_SSL)/;

/** A failed request as a value; throws on what is no network error, such as a mistake in the program. */
export function describeNetworkError(error: unknown, hideKey: (text: string) => string): NoAnswer {
	const code = findCode(error);
	if (code === undefined) throw error;
	const notSent = NOT_SENT[code];
	if (notSent) return { answered: false, reason: 'notSent', text: notSent };
	if (CERTIFICATE_CODE.test(code)) {
		const text = 'no secure connection could be made; a certificate was not accepted';
		return { answered: false, reason: 'notSent', text };
	}
	const known = NO_REPLY[code];
	const words = error instanceof Error ? shorten(hideKey(error.message), 200) : code;
	return { answered: false, reason: 'noReply', text: known ?? `the request failed (${words})` };
}

/** n8n wraps the HTTP client's error, more than once in some versions. */
const DEEPEST_CAUSE = 5;

function findCode(error: unknown): string | undefined {
	let current = error;
	for (let depth = 0; depth < DEEPEST_CAUSE && isRecord(current); depth += 1) {
		const { code, httpCode } = current;
		if (typeof code === 'string' && code !== '') return code;
		// All that n8n 1.123 and the first 2.x keep of a broken connection: no cause, and its own text as the message.
		if (typeof httpCode === 'string' && /^[A-Z]/.test(httpCode)) return httpCode;
		current = current.cause;
	}
	return undefined;
}
