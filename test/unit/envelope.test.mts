import { readEnvelope } from '../../nodes/shared/wavespeed/http/envelope';
import type { HttpAnswer } from '../../nodes/shared/wavespeed/http/types';
import { isRecord } from '../../nodes/shared/json';
import { shorten } from '../../nodes/shared/text';

const read = (status: number, body: unknown, headers: Record<string, string> = {}) => {
	const text = typeof body === 'string' ? body : JSON.stringify(body);
	const answer: HttpAnswer = { answered: true, status, headers, text };
	return readEnvelope(answer);
};

describe('an answer of the API', () => {
	it('gives its data when status and code agree that all is well', () => {
		expect(read(200, { code: 200, message: 'success', data: { id: 'x' } })).toEqual({
			kind: 'data',
			data: { id: 'x' },
		});
	});

	it('keeps data that is falsy', () => {
		for (const data of [0, '', false, null, []]) {
			expect(read(200, { code: 200, data })).toEqual({ kind: 'data', data });
		}
	});

	it.each([400, 401, 403, 404, 413, 422, 499])('is a refusal with HTTP status %i', (status) => {
		expect(read(status, { code: status, message: 'no' })).toEqual({
			kind: 'refused',
			status,
			text: 'no',
		});
	});

	it.each([400, 401, 404])('is a refusal with code %i on HTTP status 200', (code) => {
		expect(read(200, { code, message: 'no', data: { id: 'x' } })).toMatchObject({
			kind: 'refused',
			status: code,
			text: 'no',
			// What was refused has no task: the submit looks at it.
			data: { id: 'x' },
		});
	});

	it('is a refusal when it redirects, since the key must not go elsewhere', () => {
		expect(read(302, '', { location: 'https://elsewhere.example' })).toMatchObject({
			kind: 'refused',
			status: 302,
		});
	});

	it('says "too many requests" by status or by code, with the wait that it asks for', () => {
		const headers = { 'retry-after': '7' };
		const expected = { kind: 'rateLimited', status: 429, text: 'slow down', retryAfter: '7' };
		expect(read(429, { message: 'slow down' }, headers)).toEqual(expected);
		expect(read(200, { code: 429, message: 'slow down' }, headers)).toEqual(expected);
		expect(read(200, { code: '429', message: 'slow down' }, headers)).toEqual(expected);
		expect(read(429, '<html>')).toMatchObject({
			kind: 'rateLimited',
			text: '',
			retryAfter: undefined,
		});
	});

	it.each<[string, number, unknown]>([
		['a server error', 500, { code: 500, message: 'internal' }],
		['a server error that says code 200', 503, { code: 200, data: { id: 'x' } }],
		['a page of a gateway', 502, '<html>bad gateway</html>'],
		['a web page', 200, '<!doctype html><p>please log in'],
		['cut-off JSON', 200, '{"code":200,"data":{"id":"ab'],
		['nothing', 200, ''],
		['JSON that is no task', 200, { balance: 1 }],
		['no word but a status', 200, { status: 'ok' }],
		['a list', 200, [{ code: 200 }]],
		['a text', 200, '"ok"'],
		['null', 200, 'null'],
		['no content', 204, ''],
		['code 500 on HTTP status 200', 200, { code: 500, message: 'x' }],
		['code 0', 200, { code: 0, data: { id: 'x' } }],
		['code null and no data', 200, { code: null, data: null }],
		['a code that is no number', 200, { code: 'OK', data: { id: 'x' } }],
		['an application code of a task', 200, { code: 1402, data: { id: 'x' } }],
		['a code that tells of no refusal', 200, { code: 1403, message: 'x' }],
		['a time-out of a gateway in the envelope', 200, { code: 408 }],
	])('says nothing about what the service did: %s', (_, status, body) => {
		expect(read(status, body).kind).toBe('unclear');
	});

	it('keeps the wait that a server error asks for', () => {
		expect(read(503, '', { 'retry-after': '20' })).toMatchObject({ retryAfter: '20' });
	});
});

describe('an answer that leaves something open', () => {
	it('is unclear with 408: the request may have come through', () => {
		expect(read(408, { message: 'timeout' })).toMatchObject({ kind: 'unclear', status: 408 });
	});

	it('is data also where the code is a text', () => {
		expect(read(200, { code: '200', data: { a: 1 } })).toEqual({ kind: 'data', data: { a: 1 } });
	});
});

describe('the text of an error', () => {
	const textOf = (body: unknown): unknown => {
		const result = read(400, body);
		return 'text' in result ? result.text : undefined;
	};

	it('is the message, else the error, else the error in the data', () => {
		expect(textOf({ message: 'a', error: 'b', data: { error: 'c' } })).toBe('a');
		expect(textOf({ message: '', error: 'b', data: { error: 'c' } })).toBe('b');
		expect(textOf({ message: null, data: { error: 'c' } })).toBe('c');
	});

	it('names the error code beside the text', () => {
		expect(textOf({ message: 'a', error_code: 'E_ROLE' })).toBe('a (E_ROLE)');
	});

	it('is the status where the service says nothing that can be read', () => {
		expect(textOf('')).toBe('HTTP status 400');
		expect(textOf({ message: { deep: true } })).toBe('HTTP status 400');
		expect(textOf({ message: '  ' })).toBe('HTTP status 400');
		const result = read(200, { code: 404 });
		expect(result).toMatchObject({ kind: 'refused', text: 'code 404' });
	});

	it('is one line and not a whole page', () => {
		const text = String(textOf({ message: `first\n\n${'x'.repeat(5_000)}` }));
		expect(text).toMatch(/^first x+…$/);
		expect(text).toHaveLength(501);
	});
});

describe('small helpers', () => {
	it('take for a record only what has named fields', () => {
		expect([{}, { a: 1 }].map(isRecord)).toEqual([true, true]);
		expect([null, undefined, [], 'x', 1].map(isRecord)).toEqual(new Array(5).fill(false));
	});

	it('leave a text alone that is short enough', () => {
		expect(shorten(' a\tb ', 3)).toBe('a b');
		expect(shorten('abcd', 3)).toBe('abc…');
	});
});
