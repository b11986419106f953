import { createHmac } from 'node:crypto';

import { isSignedWith, readSignature } from '../../nodes/shared/wavespeed/webhooks/signature';

const NOW = Date.parse('2026-11-22T08:00:00.000Z');
const SECONDS = NOW / 1000;
const SECRET = 'whsec_c2VjcmV0LXRoYXQtbG9va3MtbGlrZS1iYXNlNjQ=';
const BODY = '{"id":"5f2c","status":"completed","note":"ä 视频"}';

/** Written anew from the documentation: the key is the text after `whsec_`, as it is. */
function sign(
	id: string,
	timestamp: number | string,
	body: string | Buffer,
	secret = SECRET,
): string {
	const key = Buffer.from(secret.slice('whsec_'.length), 'utf8');
	const signed = Buffer.concat([Buffer.from(`${id}.${timestamp}.`, 'utf8'), Buffer.from(body)]);
	return createHmac('sha256', key).update(signed).digest('hex');
}

const makeHeaders = (more: Record<string, unknown> = {}): Record<string, unknown> => ({
	'webhook-id': 'msg_1',
	'webhook-timestamp': String(SECONDS),
	'webhook-signature': `v3,${sign('msg_1', SECONDS, BODY)}`,
	...more,
});

interface Given {
	headers?: Record<string, unknown>;
	body?: string | Buffer;
	secret?: string;
	nowMs?: number;
	tolerance?: number;
}

/** Both steps, as a callback goes through them. */
function verify({
	headers = makeHeaders(),
	body = BODY,
	secret = SECRET,
	...given
}: Given): string {
	const result = readSignature(headers, given.nowMs ?? NOW, given.tolerance ?? 300);
	if (!result.ok) return result.problem;
	return isSignedWith(secret, result.delivery, Buffer.from(body)) ? 'ok' : 'noMatch';
}

const signedWith = (value: unknown): string =>
	verify({ headers: makeHeaders({ 'webhook-signature': value }) });

const GOOD = sign('msg_1', SECONDS, BODY);

describe('a signature', () => {
	test('is accepted when it was made over id, time and raw body with the secret', () => {
		expect(verify({})).toBe('ok');
	});

	test('matches a vector that was made with another tool', () => {
		// printf 'msg_x.1700000000.{"id":"t"}' | openssl dgst -sha256 -hmac 'test+key/='
		const digest = '4463d043413181af0ddf76d443e3f3a704f4abe451553f3bef87a890c83b2888';
		const headers = {
			'webhook-id': 'msg_x',
			'webhook-timestamp': '1700000000',
			'webhook-signature': `v3,${digest}`,
		};
		const given = { headers, body: '{"id":"t"}', nowMs: 1_700_000_000_000 };
		expect(verify({ ...given, secret: 'whsec_test+key/=' })).toBe('ok');
		expect(verify({ ...given, secret: 'test+key/=' })).toBe('ok');
	});

	test('does not take the key for base64, as other services do', () => {
		const key = Buffer.from(SECRET.slice('whsec_'.length), 'base64');
		const digest = createHmac('sha256', key).update(`msg_1.${SECONDS}.${BODY}`).digest('hex');
		expect(signedWith(`v3,${digest}`)).toBe('noMatch');
	});

	test('covers every byte of the body', () => {
		const bytes = Buffer.from(BODY);
		for (let at = 0; at < bytes.length; at += 1) {
			const changed = Buffer.from(bytes);
			changed[at] = (changed[at] ?? 0) ^ 1;
			expect(verify({ body: changed })).toBe('noMatch');
		}
		expect(verify({ body: `${BODY} ` })).toBe('noMatch');
		expect(verify({ body: JSON.stringify(JSON.parse(BODY), null, 1) })).toBe('noMatch');
	});

	test('covers bytes that are no text', () => {
		const body = Buffer.from([0, 255, 254, 128, 10]);
		const headers = makeHeaders({ 'webhook-signature': `v3,${sign('msg_1', SECONDS, body)}` });
		expect(verify({ headers, body })).toBe('ok');
		expect(verify({ headers, body: Buffer.from(body.toString('utf8')) })).toBe('noMatch');
	});

	test('covers the ID and the time', () => {
		expect(verify({ headers: makeHeaders({ 'webhook-id': 'msg_2' }) })).toBe('noMatch');
		expect(verify({ headers: makeHeaders({ 'webhook-timestamp': String(SECONDS - 1) }) })).toBe(
			'noMatch',
		);
		expect(verify({ headers: makeHeaders({ 'webhook-timestamp': `0${SECONDS}` }) })).toBe(
			'noMatch',
		);
	});

	test('of another secret does not fit', () => {
		expect(verify({ secret: 'whsec_other' })).toBe('noMatch');
		expect(verify({ secret: SECRET.toLowerCase() })).toBe('noMatch');
	});

	test.each(['', 'whsec_'])(
		'is never accepted with the secret %j, which anyone could use',
		(secret) => {
			const digest = createHmac('sha256', '').update(`msg_1.${SECONDS}.${BODY}`).digest('hex');
			const headers = makeHeaders({ 'webhook-signature': `v3,${digest}` });
			expect(verify({ headers, secret })).toBe('noMatch');
		},
	);
});

describe('the time of a signature', () => {
	test.each([
		[-300, 'ok'],
		[-301, 'tooOld'],
		[-86_400, 'tooOld'],
		[300, 'ok'],
		[301, 'tooNew'],
		[10 ** 9, 'tooNew'],
	])('%d seconds from now: %s', (offset, expected) => {
		const timestamp = String(SECONDS + offset);
		const signature = `v3,${sign('msg_1', timestamp, BODY)}`;
		const headers = makeHeaders({ 'webhook-timestamp': timestamp, 'webhook-signature': signature });
		expect(verify({ headers })).toBe(expected);
	});

	test('is judged by the tolerance that is set', () => {
		const nowMs = NOW + 20_000;
		expect(verify({ nowMs, tolerance: 20 })).toBe('ok');
		expect(verify({ nowMs, tolerance: 19 })).toBe('tooOld');
	});

	test('a callback that is played back later is too old, though its signature fits', () => {
		expect(verify({ nowMs: NOW + 301_000 })).toBe('tooOld');
	});

	test.each([
		'now',
		'',
		' ',
		'-1',
		'1e9',
		'0x10',
		'1.5',
		`${SECONDS}000`,
		'Infinity',
		'NaN',
		`${SECONDS}\n`,
	])('%j is no time', (timestamp) => {
		const expected = timestamp === '' ? 'missing' : 'malformed';
		expect(verify({ headers: makeHeaders({ 'webhook-timestamp': timestamp }) })).toBe(expected);
	});
});

describe('the signature header', () => {
	test('may hold several signatures, one of which has to fit', () => {
		const other = sign('msg_1', SECONDS, BODY, 'whsec_before');
		expect(signedWith(`v3,${other} v3,${GOOD}`)).toBe('ok');
		expect(signedWith(`v3,${GOOD} v3,${other}`)).toBe('ok');
		expect(signedWith(`v3,${other} v3,${other}`)).toBe('noMatch');
		expect(signedWith(`v3,zz  v3,${GOOD} `)).toBe('ok');
	});

	test('may hold versions that nobody knows yet, which are skipped', () => {
		expect(signedWith(`v4,whatever v1,${GOOD} v3,${GOOD}`)).toBe('ok');
		expect(signedWith(`v1,${GOOD}`)).toBe('unknownVersion');
		expect(signedWith(`v33,${GOOD}`)).toBe('unknownVersion');
		expect(signedWith(`V3,${GOOD}`)).toBe('unknownVersion');
		expect(signedWith(GOOD)).toBe('unknownVersion');
	});

	test('may be written in capitals: the bytes are the same', () => {
		expect(signedWith(`v3,${GOOD.toUpperCase()}`)).toBe('ok');
	});

	test.each([
		['nothing', 'v3,'],
		['a digest that was cut off', `v3,${GOOD.slice(0, -1)}`],
		['half of a byte more', `v3,${GOOD}0`],
		['a digest and more', `v3,${GOOD}${GOOD}`],
		['no hexadecimal digits', `v3,${'g'.repeat(64)}`],
		['one wrong digit at the end, which Buffer.from() would drop', `v3,${GOOD.slice(0, -1)}x`],
		['letters of another script', `v3,${'а'.repeat(64)}`],
	])('with %s is refused', (_what, value) => {
		expect(signedWith(value)).toBe('malformed');
	});
});

describe('hostile headers', () => {
	const names = ['webhook-id', 'webhook-timestamp', 'webhook-signature'];
	const values = [
		undefined,
		null,
		'',
		[],
		['a', 'b'],
		[`v3,${GOOD}`],
		{},
		5,
		true,
		Symbol('x'),
		() => 'x',
	];

	test.each(names)('%s: what is no text counts as missing', (name) => {
		for (const value of values) {
			expect(verify({ headers: makeHeaders({ [name]: value }) })).toBe('missing');
		}
	});

	test('no headers at all', () => {
		expect(verify({ headers: {} })).toBe('missing');
		expect(verify({ headers: Object.create(null) as Record<string, unknown> })).toBe('missing');
	});

	test('an ID that is too long to be kept', () => {
		expect(verify({ headers: makeHeaders({ 'webhook-id': 'x'.repeat(201) }) })).toBe('malformed');
	});

	test('megabytes of signatures', () => {
		const before = process.hrtime.bigint();
		expect(signedWith('v3,'.repeat(2_000_000))).toBe('malformed');
		expect(signedWith(`v3,${'0'.repeat(64)} `.repeat(50_000))).toBe('malformed');
		expect(signedWith(' '.repeat(5_000_000))).toBe('malformed');
		expect(Number(process.hrtime.bigint() - before) / 1e6).toBeLessThan(5_000);
	});
});
