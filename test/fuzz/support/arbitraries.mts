import fc from 'fast-check';

import type { Step } from './goodAnswers.mts';
import type { Reply } from './replies.mts';

/** Values that have broken something somewhere. */

const NASTY_TEXTS = [
	'',
	' ',
	'..',
	'.',
	'/../secret',
	'a/../../model/price?x=1#y',
	'a b',
	'\u0000',
	'\u001b[31mred\u001b[0m',
	'line\r\nSet-Cookie: a=b',
	'<script>alert(1)</script>',
	'<img src=x onerror=alert(1)>',
	'\ud800',
	'ok\udfff',
	'\u202Egnp.exe',
	'{{ $env.SECRET }}',
	'={{ process.exit() }}',
	'%00%ff%zz',
	'NaN',
	'-0',
	'1e309',
	'false',
	'ECONNRESET',
	'__proto__',
	'constructor',
	'toString',
	'+275760-09-13T00:00:00.000Z',
	'-271821-04-20T00:00:00.000Z',
	'9999-12-31T23:59:59.999Z',
];

const NASTY_URLS = [
	'javascript:alert(1)',
	'file:///etc/passwd',
	'data:text/html,hello',
	'http://',
	'http://[',
	'https://user:password@127.0.0.1:1/v.mp4',
	'http://169.254.169.254/latest/meta-data',
	'http://127.0.0.1:1/v.mp4',
	'ftp://127.0.0.1/v.mp4',
	'//127.0.0.1/v.mp4',
	'http://127.0.0.1:99999/',
	'http://a\ud800b/',
	'HTTP://127.0.0.1:1/ with spaces',
];

const NASTY_NUMBERS = [
	0,
	-0,
	-1,
	0.5,
	1e308,
	-1e308,
	5e-324,
	2 ** 53 + 2,
	200,
	404,
	429,
	500,
	1200,
	1402,
];

const SHAPES: unknown[] = [
	null,
	true,
	false,
	[],
	{},
	[[]],
	[null],
	{ toString: 1, valueOf: 2 },
	{ toString: null },
	{ length: -1 },
	{ then: 1 },
	JSON.parse('{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}'),
	{ toJSON: 'x' },
	[{ toString: 0, valueOf: 0 }],
];

const longText = fc
	.record({
		length: fc.constantFrom(300, 5_000, 60_000, 2 ** 20 + 1),
		of: fc.constantFrom('x', '\n', 'ä'),
	})
	.map(({ length, of }) => of.repeat(length));

export const nastyText = fc.oneof(
	{ weight: 4, arbitrary: fc.constantFrom(...NASTY_TEXTS, ...NASTY_URLS) },
	{ weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 30 }) },
	{ weight: 1, arbitrary: longText },
);

/** JSON as a hostile server writes it. */
export const nastyJson: fc.Arbitrary<unknown> = fc.oneof(
	{ weight: 3, arbitrary: fc.constantFrom(...SHAPES) },
	{ weight: 3, arbitrary: nastyText },
	{ weight: 2, arbitrary: fc.constantFrom(...NASTY_NUMBERS) },
	{ weight: 1, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
	{ weight: 1, arbitrary: fc.array(nastyText, { maxLength: 4 }) },
);

const TASK_PATHS = [
	['data', 'id'],
	['data', 'status'],
	['data', 'outputs'],
	['data', 'created_at'],
	['data', 'error'],
	['data', 'code'],
	['data', 'has_nsfw_contents'],
	['data', 'timings'],
	['data', 'timings', 'inference'],
	['data', 'executionTime'],
	['data', 'input'],
	['data', 'model'],
	['data', 'urls'],
];

const COMMON_PATHS = [['code'], ['message'], ['error'], ['error_code'], ['data'], ['extra']];

const PATHS: Record<Step, string[][]> = {
	ticket: [
		['data', 'upload'],
		['data', 'upload', 'url'],
		['data', 'upload', 'headers'],
		['data', 'upload', 'headers', 'x-more'],
		['data', 'upload', 'headers', 'bad name'],
		['data', 'upload', 'headers', 'content-length'],
		['data', 'download_url'],
	],
	put: [],
	multipart: [['data', 'download_url']],
	price: [
		['data', 'price'],
		['data', 'discounted_price'],
	],
	submit: TASK_PATHS,
	result: TASK_PATHS,
	list: [['data', 'items'], ...TASK_PATHS.map(([, ...rest]) => ['data', 'items', ...rest])],
	secret: [['data', 'secret']],
	download: [],
};

const STATUSES = [200, 201, 206, 300, 304, 400, 401, 403, 404, 408, 413, 418, 422, 500, 502, 503];

const CONTENT_TYPES = [
	'application/json',
	'text/html',
	'image/png',
	'',
	'x',
	'text/plain; charset=utf-16',
];

/** A refusal that says so clearly. */
const refusal: fc.Arbitrary<Reply> = fc.record({
	kind: fc.constant('status'),
	status: fc.constantFrom(429, 429, 400, 401, 403, 404),
	message: nastyText,
	headers: fc.constantFrom<Record<string, string>>(
		{},
		{ 'retry-after': '1' },
		{ 'retry-after': '-1' },
		{ 'retry-after': '9'.repeat(400) },
		{ 'retry-after': 'Sat, 01 Jan 9999 00:00:00 GMT' },
		{ 'retry-after': 'soon' },
	),
});

export const replyFor = (step: Step): fc.Arbitrary<Reply> =>
	fc.oneof(
		{ weight: 3, arbitrary: fc.constant<Reply>({ kind: 'good' }) },
		{
			weight: 8,
			arbitrary: fc.record({
				kind: fc.constant('patched' as const),
				path: fc.constantFrom(...PATHS[step], ...COMMON_PATHS),
				value: nastyJson,
			}),
		},
		{ weight: 1, arbitrary: refusal },
		{ weight: 1, arbitrary: fc.record({ kind: fc.constant('data' as const), data: nastyJson }) },
		{
			weight: 1,
			arbitrary: fc.record({
				kind: fc.constant('json' as const),
				status: fc.constantFrom(...STATUSES),
				value: nastyJson,
			}),
		},
		{
			weight: 1,
			arbitrary: fc.record({
				kind: fc.constant('raw' as const),
				status: fc.constantFrom(...STATUSES.filter((status) => status !== 304)),
				headers: fc.record({
					'content-type': fc.constantFrom(...CONTENT_TYPES),
					'content-encoding': fc.constantFrom('identity', 'identity', 'gzip', 'br', 'zstd', 'x'),
				}),
				text: fc.constantFrom('', 'null', '{', '<html>', '\uFEFF{}', '{"code":200', '"\ud800"'),
				bytes: fc.option(fc.array(fc.nat(255), { maxLength: 40 }), { nil: undefined }),
			}),
		},
		{
			weight: 2,
			arbitrary: fc.constantFrom<Reply>(
				{ kind: 'large', status: 200, megabytes: 10 },
				{ kind: 'large', status: 400, megabytes: 10 },
				{ kind: 'endless', status: 200 },
				{ kind: 'endless', status: 401 },
				{ kind: 'drip' },
				{ kind: 'gzipBomb', megabytes: 50 },
				{ kind: 'nested', depth: 20_000 },
				{ kind: 'truncated' },
				{ kind: 'headerBomb', bytes: 30_000 },
				{ kind: 'redirect', status: 301 },
				{ kind: 'redirect', status: 302 },
				{ kind: 'redirect', status: 307 },
				{ kind: 'redirect', status: 308 },
				{ kind: 'informational', status: 101 },
				{ kind: 'informational', status: 103 },
				{ kind: 'noContent' },
				{ kind: 'reset' },
				{ kind: 'echo', status: 400, escaped: false },
				{ kind: 'echo', status: 500, escaped: true },
				{ kind: 'echo', status: 400, escaped: true },
			),
		},
	);
