import fc from 'fast-check';

import {
	parseRetryAfter,
	pauseAfterRateLimit,
	pauseBeforeRetry,
} from '../../nodes/shared/async/backoff';
import { START_MS } from './support/virtualTime.mts';

const LEAST = () => 0;
const MOST = () => 1;

describe('the pause before a retry', () => {
	it('doubles from one failure to the next, up to 30 s', () => {
		expect([1, 2, 3, 4, 5, 6, 7].map((attempt) => pauseBeforeRetry(attempt, MOST))).toEqual([
			1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000,
		]);
	});

	it('is random by half, so that rows that failed together do not come back together', () => {
		expect([1, 2, 3, 6].map((attempt) => pauseBeforeRetry(attempt, LEAST))).toEqual([
			500, 1_000, 2_000, 15_000,
		]);
		expect(pauseBeforeRetry(3, () => 0.5)).toBe(3_000);
	});

	it('stays within its bounds after thousands of failures', () => {
		fc.assert(
			fc.property(
				fc.integer({ min: 1, max: 100_000 }),
				fc.double({ min: 0, max: 0.999, noNaN: true }),
				(n, x) => {
					const pause = pauseBeforeRetry(n, () => x);
					return pause >= 500 && pause <= 30_000;
				},
			),
		);
	});
});

describe('the pause after "too many requests"', () => {
	it('doubles from 5 s to a little more than the minute of the rate window', () => {
		expect([1, 2, 3, 4, 5, 6].map((attempt) => pauseAfterRateLimit(attempt, MOST))).toEqual([
			5_000, 10_000, 20_000, 40_000, 65_000, 65_000,
		]);
		expect([1, 5].map((attempt) => pauseAfterRateLimit(attempt, LEAST))).toEqual([2_500, 32_500]);
	});
});

describe('Retry-After', () => {
	const parse = (value: string | undefined) => parseRetryAfter(value, START_MS);

	it('is read in seconds', () => {
		expect(parse('7')).toBe(7_000);
		expect(parse(' 12 ')).toBe(12_000);
		expect(parse('1.5')).toBe(1_500);
	});

	it('is read as a date', () => {
		expect(parse(new Date(START_MS + 30_000).toUTCString())).toBe(30_000);
	});

	it('is capped, so that hours do not hang a workflow', () => {
		expect(parse('86400')).toBe(120_000);
		expect(parse('9'.repeat(300))).toBe(120_000);
		expect(parse(new Date(START_MS + 86_400_000).toUTCString())).toBe(120_000);
	});

	it('is at least a second, so that 0 does not make a tight loop', () => {
		expect(parse('0')).toBe(1_000);
		expect(parse('0.01')).toBe(1_000);
		expect(parse(new Date(START_MS).toUTCString())).toBe(1_000);
	});

	it.each([undefined, '', '   ', 'soon', '-5', '1e3x', 'NaN', '9'.repeat(400)])(
		'is ignored when it is %j',
		(value) => {
			expect(parse(value)).toBeUndefined();
		},
	);

	it('is ignored when its date is past', () => {
		expect(parse(new Date(START_MS - 1_000).toUTCString())).toBeUndefined();
	});
});
