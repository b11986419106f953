import {
	expiresAt,
	failureReasonOf,
	isPermanentFailure,
	parseTask,
	phaseOf,
	type Task,
} from '../../nodes/shared/wavespeed/tasks/task';
import { rawTask } from './support/api.mts';

const parse = (status: string, more: Record<string, unknown> = {}): Task => {
	const task = parseTask(rawTask('x', status, more));
	if (!task) throw new Error('not taken for a task');
	return task;
};

describe('reading a task', () => {
	it('puts what the API says into our words', () => {
		const raw = rawTask('abc', 'completed', {
			outputs: ['https://cdn.example/v.mp4'],
			has_nsfw_contents: [false, true],
			timings: { inference: 81_023 },
			executionTime: 99_999,
			input: { seed: 1 },
		});
		expect(parseTask(raw)).toEqual({
			id: 'abc',
			status: 'completed',
			videoUrls: ['https://cdn.example/v.mp4'],
			hasNsfwContent: true,
			createdAt: '2026-11-22T08:00:00.000Z',
			inferenceTimeMs: 81_023,
			errorText: '',
			errorCode: null,
			input: { seed: 1 },
			raw,
		});
	});

	it.each([
		undefined,
		null,
		'x',
		[],
		{},
		{ id: '' },
		{ id: '  ' },
		{ id: 7.5 },
		{ id: null, status: 'completed' },
	])('takes nothing without an ID for a task: %j', (data) => {
		expect(parseTask(data)).toBeUndefined();
	});

	it('makes do with an ID alone', () => {
		expect(parseTask({ id: ' x ' })).toMatchObject({
			id: 'x',
			status: '',
			videoUrls: [],
			hasNsfwContent: false,
			createdAt: null,
			inferenceTimeMs: null,
			errorText: '',
			errorCode: null,
			input: null,
		});
	});

	it.each([[null], [[]], [[false]], ['yes'], [['true']], [undefined]])(
		'sees nothing flagged in %j',
		(flags) => {
			expect(parse('completed', { has_nsfw_contents: flags }).hasNsfwContent).toBe(false);
		},
	);

	it('reads timestamps with milliseconds, with nanoseconds and with an offset', () => {
		const createdAt = (value: unknown) => parse('created', { created_at: value }).createdAt;
		expect(createdAt('2026-11-22T08:00:00.123Z')).toBe('2026-11-22T08:00:00.123Z');
		expect(createdAt('2026-11-22T08:00:00.123456789Z')).toBe('2026-11-22T08:00:00.123Z');
		expect(createdAt('2026-11-22T09:00:00+01:00')).toBe('2026-11-22T08:00:00.000Z');
		for (const bare of ['2026-11-22T08:00:00.000', '2026-11-22 08:00:00']) {
			expect(createdAt(bare)).toBe('2026-11-22T08:00:00.000Z');
		}
		expect(['', 'soon', 0, null, undefined].map(createdAt)).toEqual(new Array(5).fill(null));
	});

	it('takes videos from texts and from objects, and only web addresses', () => {
		const urls = (outputs: unknown) => parse('completed', { outputs }).videoUrls;
		expect(urls(['https://a/1.mp4', 'HTTP://b/2.mp4'])).toEqual([
			'https://a/1.mp4',
			'HTTP://b/2.mp4',
		]);
		expect(urls([{ url: 'https://a/1.mp4' }, { video: 'https://a/2.mp4' }])).toEqual([
			'https://a/1.mp4',
			'https://a/2.mp4',
		]);
		expect(
			urls([
				'javascript:alert(1)',
				'data:video/mp4;base64,AAAA',
				'file:///etc/passwd',
				'',
				null,
				7,
				{},
			]),
		).toEqual([]);
		expect([null, undefined, {}].map(urls)).toEqual([[], [], []]);
	});

	it('takes the execution time where no inference time is', () => {
		expect(parse('completed', { executionTime: 5 }).inferenceTimeMs).toBe(5);
		expect(parse('completed', { timings: null, executionTime: 0 }).inferenceTimeMs).toBeNull();
		expect(parse('completed', { timings: { inference: Infinity } }).inferenceTimeMs).toBeNull();
		expect(parse('completed', { timings: { inference: '5' } }).inferenceTimeMs).toBeNull();
	});

	it('finds the inputs as `input` and as `inputs`, with a seed that is a text', () => {
		const inputOf = (more: Record<string, unknown>) => parse('created', more).input;
		expect(inputOf({ inputs: { seed: 1, prompt: 'a' } })).toEqual({ seed: 1, prompt: 'a' });
		expect(inputOf({ input: {}, inputs: { seed: ' 12 ' } })).toEqual({ seed: 12 });
		expect(inputOf({ input: { seed: '-1' }, inputs: null })).toEqual({ seed: -1 });
		expect(inputOf({ input: { seed: 'random' } })).toEqual({ seed: 'random' });
	});

	it('takes an empty echo for none, since it rules out nothing', () => {
		expect(parse('created', { input: {}, inputs: [] }).input).toBeNull();
	});

	it('takes code 0 for no error', () => {
		expect(parse('completed', { code: 0 }).errorCode).toBeNull();
		expect(parse('failed', { code: 1402 }).errorCode).toBe(1402);
	});
});

describe('the phase of a task', () => {
	it.each(['completed', 'Completed', 'COMPLETED'])('is over with a video: %s', (status) => {
		expect(phaseOf(parse(status))).toBe('completed');
	});

	it.each(['failed', 'cancelled', 'canceled', 'timeout', 'deleted', 'FAILED', 'Timeout'])(
		'is over without a video: %s',
		(status) => {
			expect(phaseOf(parse(status))).toBe('failed');
		},
	);

	it.each([
		'created',
		'processing',
		'queued',
		'pending',
		'',
		'succeeded',
		'error',
		'complete',
		'__proto__',
		'constructor',
		'toString',
		'hasOwnProperty',
		'valueOf',
	])('is unknown, and so still going on: "%s"', (status) => {
		expect(phaseOf(parse(status))).toBe('running');
	});
});

describe('why a task failed', () => {
	it('is the service’s text, in one line', () => {
		expect(failureReasonOf(parse('failed', { error: 'Failed to\n download image' }))).toBe(
			'Failed to download image',
		);
	});

	it.each([
		['failed', 'The service gave no reason'],
		['cancelled', 'The task was cancelled at WaveSpeed'],
		['canceled', 'The task was cancelled at WaveSpeed'],
		['timeout', 'The task took too long and was ended by WaveSpeed'],
		['deleted', 'The task was deleted at WaveSpeed'],
		['DELETED', 'The task was deleted at WaveSpeed'],
		['completed', 'The task ended without a video'],
		['__proto__', 'The task ended without a video'],
		['constructor', 'The task ended without a video'],
	])('is in words where the service gives none: %s', (status, reason) => {
		expect(failureReasonOf(parse(status))).toBe(reason);
	});

	it.each([1200, 1400, 1401, 1402])('lasts with code %i', (code) => {
		expect(isPermanentFailure(parse('failed', { code }))).toBe(true);
	});

	it('lasts when somebody has deleted or cancelled it: its video may have been paid for, and was not wanted', () => {
		expect(isPermanentFailure(parse('deleted'))).toBe(true);
		expect(isPermanentFailure(parse('cancelled'))).toBe(true);
		expect(isPermanentFailure(parse('timeout'))).toBe(false);
	});

	it.each([
		'Content moderation refused the image',
		'Failed to download image from https://x.example: 403 Forbidden',
	])('lasts without a code by its words: %s', (error) => {
		expect(isPermanentFailure(parse('failed', { error }))).toBe(true);
		expect(isPermanentFailure(parse('failed', { error, code: 5000 }))).toBe(false);
	});

	it('can pass without a code and with other words', () => {
		expect(isPermanentFailure(parse('failed', { error: 'GPU out of memory' }))).toBe(false);
	});

	it.each([undefined, 0, 1403, 1405, 1406, 1407, 5000, 5003, 5004])(
		'can pass with code %s',
		(code) => {
			expect(isPermanentFailure(parse('failed', { code }))).toBe(false);
		},
	);
});

describe('the end of a video’s life', () => {
	it('comes 7 days after the task was made', () => {
		expect(expiresAt(parse('completed'))).toBe('2026-11-29T08:00:00.000Z');
	});

	it('is unknown where the service names no time', () => {
		expect(expiresAt(parse('completed', { created_at: null }))).toBeNull();
	});
});
