import fc from 'fast-check';

import { Cancellation } from '../../nodes/shared/async/cancellation';
import { RateLimiter } from '../../nodes/shared/async/rateLimiter';
import type { Waiter } from '../../nodes/shared/async/waiter';
import { failureFrom, stopped } from './support/api.mts';
import { createVirtualTime, flush } from './support/virtualTime.mts';

const MINUTE = 60_000;

/** The most events within any span of `spanMs`, both ends not included together. */
const mostWithin = (times: number[], spanMs: number): number =>
	Math.max(
		0,
		...times.map((from) => times.filter((at) => at >= from && at < from + spanMs).length),
	);

/** The limiter as one run uses it, with work that lasts until it is told to end. */
const enterable = (limiter: RateLimiter, waiter: Waiter) => ({
	enter: async (): Promise<() => void> =>
		await new Promise((resolve, reject) => {
			limiter.run(waiter, async () => await new Promise<void>((end) => resolve(end))).catch(reject);
		}),
});

describe('a rate limiter', () => {
	const createWindow = (count: number) => {
		const time = createVirtualTime();
		const cancellation = new Cancellation();
		const window = enterable(new RateLimiter(count), {
			clock: time.clockFor(cancellation),
			cancellation,
		});
		return { time, cancellation, window };
	};

	it('lets as many through at once as a minute allows, and the next a minute after the first answer', async () => {
		const { time, window } = createWindow(2);
		const sentAt: number[] = [];
		const submit = async (): Promise<void> => {
			const leave = await window.enter();
			sentAt.push(time.elapsed());
			await time.delay(1_000);
			leave();
		};
		await time.run(Promise.all([submit(), submit(), submit(), submit(), submit()]));
		expect(sentAt).toEqual([0, 0, 61_000, 61_000, 122_000]);
	});

	it('counts the submits of an earlier attempt for what is left of their minute', async () => {
		const time = createVirtualTime();
		const cancellation = new Cancellation();
		const clock = time.clockFor(cancellation);
		const limiter = new RateLimiter(2);
		limiter.noteEarlier([clock.now() - 20_000, clock.now() - 70_000]);
		const window = enterable(limiter, { clock, cancellation });
		await time.run(Promise.all([window.enter().then((leave) => leave()), window.enter()]));
		expect(time.elapsed()).toBe(40_000);
	});

	it('counts a submit that has no answer yet, however long that takes', async () => {
		const { time, window } = createWindow(1);
		const leave = await window.enter();
		let isThrough = false;
		const second = window.enter().then(() => (isThrough = true));
		await time.advance(10 * MINUTE);
		expect(isThrough).toBe(false);
		leave();
		await time.advance(MINUTE - 1);
		expect(isThrough).toBe(false);
		await time.run(second);
		expect(time.elapsed()).toBe(11 * MINUTE);
	});

	it('never has more than its number within any 60 seconds at the service, whenever a request arrives', async () => {
		await fc.assert(
			fc.asyncProperty(
				fc.integer({ min: 1, max: 5 }),
				fc.array(
					fc.record({
						after: fc.integer({ min: 0, max: 40_000 }),
						/** How long the answer takes, and when in between the service sees the request. */
						took: fc.integer({ min: 1, max: 100_000 }),
						seenAt: fc.integer({ min: 0, max: 100 }),
					}),
					{ minLength: 1, maxLength: 25 },
				),
				async (count, submits) => {
					const { time, window } = createWindow(count);
					const seen: number[] = [];
					const work = submits.map(async ({ after, took, seenAt }) => {
						await time.delay(after);
						const leave = await window.enter();
						seen.push(time.now() + (took * seenAt) / 100);
						await time.delay(took);
						leave();
					});
					await time.run(Promise.all(work));
					expect(seen).toHaveLength(submits.length);
					expect(mostWithin(seen, MINUTE)).toBeLessThanOrEqual(count);
				},
			),
			{ numRuns: 150 },
		);
	});

	it('does not count work that was not done', async () => {
		const time = createVirtualTime();
		const cancellation = new Cancellation();
		const waiter = { clock: time.clockFor(cancellation), cancellation };
		const limiter = new RateLimiter(1);
		const work = async (): Promise<boolean> => {
			await time.delay(100);
			return false;
		};
		const runs = Array.from({ length: 5 }, async () =>
			limiter.run(waiter, work, (outcome) => outcome.ok && outcome.value),
		);
		await time.run(Promise.all(runs));
		expect(time.elapsed()).toBe(500);
	});

	it('lets callers through in the order of asking', async () => {
		const { time, window } = createWindow(1);
		const order: number[] = [];
		const work = [0, 1, 2, 3].map(async (caller) => {
			const leave = await window.enter();
			order.push(caller);
			leave();
		});
		await time.run(Promise.all(work));
		expect(order).toEqual([0, 1, 2, 3]);
	});

	it('frees those who wait for the minute and those who wait for an answer when the run is halted', async () => {
		for (const isAnswered of [true, false]) {
			const { time, cancellation, window } = createWindow(1);
			const leave = await window.enter();
			if (isAnswered) leave();
			const kinds = Promise.all([failureFrom(window.enter()), failureFrom(window.enter())]);
			await flush();
			cancellation.cancel(stopped());
			expect((await kinds).map(({ kind }) => kind)).toEqual(['stopped', 'stopped']);
			expect(time.elapsed()).toBe(0);
		}
	});
});
