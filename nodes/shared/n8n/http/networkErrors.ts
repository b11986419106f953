import type { NoAnswer } from '../../wavespeed/http/types';
import { isRecord } from '../../json';
import { shorten } from '../../text';

/**
 * What Node.js and axios call the ways in which a request fails, in words. n8n replaces every message that contains
 * one of these names by a text of its own, some of which advise what would pay twice.
 */
const WORDS: Record<string, string> = {
	ECONNREFUSED: 'the connection was refused; is the address right and the service running?',
	ENOTFOUND: 'the address was not found; is this machine connected to the internet?',
	EAI_AGAIN: 'the address could not be looked up; is this machine connected to the internet?',
	EHOSTUNREACH: 'the server can not be reached from this machine',
	ENETUNREACH: 'the server can not be reached from this machine',
	ERR_INVALID_URL: 'the address is not a valid URL',
	EPROTO: 'the secure connection broke off; is it https at this address?',
	ECONNRESET: 'the connection was cut off before the answer came',
	EPIPE: 'the connection was cut off before the answer came',
	ECONNABORTED: 'there was no answer in time',
	ETIMEDOUT: 'there was no answer in time',
	ERR_CANCELED: 'the request was cancelled before the answer came',
	ERR_BAD_RESPONSE: 'the answer broke off',
};

/** They can only come before there is a connection, whatever else the error says. */
const NEVER_CONNECTED = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'ERR_INVALID_URL']);

/** System calls that come before anything is sent. */
const BEFORE_SENDING = new Set(['connect', 'getaddrinfo']);

/** Node.js checks the certificate before it sends anything (OpenSSL's names of what can be wrong with one). */
const CERTIFICATE_REFUSED =
	/^(CERT_|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_|UNABLE_TO_(GET|VERIFY|DECODE|DECRYPT)_|HOSTNAME_MISMATCH|INVALID_CA|PATH_LENGTH_EXCEEDED|INVALID_PURPOSE|ERR_TLS_CERT_ALTNAME_INVALID)/;

/** An error in the secure connection after it was made: what was sent before may have arrived. */
const SECURE_CONNECTION = /^(ERR_SSL|ERR_TLS)/;

/**
 * A failed request as a value; throws on what is no network error, such as a mistake in the program. "Not sent" needs
 * proof, since a submit that was sent may be paid for: the connection was never established.
 */
export function describeNetworkError(error: unknown, hideKey: (text: string) => string): NoAnswer {
	const found = findCode(error);
	if (found === undefined) throw error;
	const { code, syscall } = found;
	if (CERTIFICATE_REFUSED.test(code)) {
		const text = 'no secure connection could be made; a certificate was not accepted';
		return { answered: false, reason: 'notSent', text };
	}
	const isNotSent = NEVER_CONNECTED.has(code) || BEFORE_SENDING.has(syscall);
	const said = error instanceof Error ? shorten(hideKey(error.message), 200) : code;
	const text =
		WORDS[code] ??
		(SECURE_CONNECTION.test(code)
			? 'the secure connection broke off before the answer came'
			: `the request failed (${said})`);
	return { answered: false, reason: isNotSent ? 'notSent' : 'noReply', text };
}

/** n8n wraps the HTTP client's error, more than once in some versions. */
const DEEPEST_CAUSE = 5;

/** The error's name and, if it says so, the system call in which it came. */
function findCode(error: unknown): { code: string; syscall: string } | undefined {
	let current = error;
	let found: { code: string; syscall: string } | undefined;
	for (let depth = 0; depth < DEEPEST_CAUSE && isRecord(current); depth += 1) {
		const { code, httpCode, errors } = current;
		// Node.js tries several addresses of a host side by side, and collects what became of each.
		const syscall =
			Array.isArray(errors) && errors.every(isConnectError) ? 'connect' : current.syscall;
		// All that n8n 1.123 and the first 2.x keep of a broken connection: no cause, and its own text as the message.
		const name = [code, /^[A-Z]/.test(String(httpCode)) ? httpCode : undefined].find(
			(value) => typeof value === 'string' && value !== '',
		);
		if (typeof name === 'string') found ??= { code: name, syscall: '' };
		// The HTTP client's own error names the code, the one inside it the system call as well.
		if (found && typeof syscall === 'string') return { ...found, syscall };
		current = current.cause;
	}
	return found;
}

const isConnectError = (error: unknown): boolean => isRecord(error) && error.syscall === 'connect';
