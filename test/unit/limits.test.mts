import fc from 'fast-check';

import {
	ACCOUNT_LIMITS,
	createRateWindow,
	createSlots,
	createSubmitLock,
} from '../../nodes/shared/batch/limits';
import { Cancellation } from '../../nodes/shared/async/cancellation';
import { failureFrom, stopped } from './support/api.mts';
import { createVirtualTime, flush } from './support/virtualTime.mts';

const MINUTE = 60_000;

/** The most events within any span of `spanMs`, both ends not included together. */
const mostWithin = (times: number[], spanMs: number): number =>
	Math.max(
		0,
		...times.map((from) => times.filter((at) => at >= from && at < from + spanMs).length),
	);

describe('the limits of the account levels', () => {
	it('are those of the docs', () => {
		expect(ACCOUNT_LIMITS).toEqual({
			bronze: { tasksInFlight: 2, submitsPerMinute: 2 },
			silver: { tasksInFlight: 300, submitsPerMinute: 500 },
			gold: { tasksInFlight: 3000, submitsPerMinute: 3000 },
			ultra: { tasksInFlight: 10_000, submitsPerMinute: 5000 },
		});
	});
});

describe('slots', () => {
	it('give out as many places as there are, and the next in the order of asking', async () => {
		const slots = createSlots(2, new Cancellation());
		const order: number[] = [];
		const taken = [0, 1, 2, 3].map(async (caller) => {
			const giveBack = await slots.take();
			order.push(caller);
			return giveBack;
		});
		await flush();
		expect(order).toEqual([0, 1]);
		(await taken[1])?.();
		await flush();
		expect(order).toEqual([0, 1, 2]);
		(await taken[0])?.();
		await flush();
		expect(order).toEqual([0, 1, 2, 3]);
	});

	it('give a place back once, however often that is asked for', async () => {
		const slots = createSlots(1, new Cancellation());
		const giveBack = await slots.take();
		giveBack();
		giveBack();
		await slots.take();
		let hasSecond = false;
		void slots.take().then(() => (hasSecond = true));
		await flush();
		expect(hasSecond).toBe(false);
	});

	it('let no newcomer overtake those who wait', async () => {
		const slots = createSlots(1, new Cancellation());
		const giveBack = await slots.take();
		const order: string[] = [];
		const early = slots.take().then(() => order.push('early'));
		giveBack();
		void slots.take().then(() => order.push('late'));
		await early;
		await flush();
		expect(order).toEqual(['early']);
	});

	it('free everyone who waits when the run is halted, and give out nothing afterwards', async () => {
		const cancellation = new Cancellation();
		const slots = createSlots(1, cancellation);
		const giveBack = await slots.take();
		const waiting = failureFrom(slots.take());
		cancellation.cancel(stopped());
		expect((await waiting).kind).toBe('stopped');
		giveBack();
		expect((await failureFrom(slots.take())).kind).toBe('stopped');
	});
});

describe('the rate window', () => {
	const createWindow = (count: number) => {
		const time = createVirtualTime();
		const cancellation = new Cancellation();
		return {
			time,
			cancellation,
			window: createRateWindow(count, time.clockFor(cancellation), cancellation),
		};
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
		const window = createRateWindow(2, clock, cancellation, [
			clock.now() - 20_000,
			clock.now() - 70_000,
		]);
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

describe('the submit lock', () => {
	/** Work that notes its start and end and lasts until it is told to end. */
	const createWork = (log: string[], name: string) => {
		let end = (): void => {};
		const ended = new Promise<void>((resolve) => (end = resolve));
		return {
			end,
			work: async () => {
				log.push(`+${name}`);
				await ended;
				log.push(`-${name}`);
				return name;
			},
		};
	};

	it('runs submits side by side, and a search only when all of them have ended', async () => {
		const lock = createSubmitLock();
		const log: string[] = [];
		const [a, b, search] = ['a', 'b', 'search'].map((name) => createWork(log, name));
		const all = [lock.shared(a!.work), lock.shared(b!.work)];
		await flush();
		all.push(lock.exclusive(search!.work));
		await flush();
		expect(log).toEqual(['+a', '+b']);
		a!.end();
		await flush();
		expect(log).toEqual(['+a', '+b', '-a']);
		b!.end();
		await flush();
		expect(log).toEqual(['+a', '+b', '-a', '-b', '+search']);
		search!.end();
		expect(await Promise.all(all)).toEqual(['a', 'b', 'search']);
	});

	it('lets no submit start while a search waits or runs, and runs searches one after the other', async () => {
		const lock = createSubmitLock();
		const log: string[] = [];
		const [first, s1, s2, late] = ['first', 's1', 's2', 'late'].map((name) =>
			createWork(log, name),
		);
		const all = [lock.shared(first!.work)];
		await flush();
		all.push(lock.exclusive(s1!.work), lock.exclusive(s2!.work), lock.shared(late!.work));
		for (const next of [first, s1, s2, late]) {
			await flush();
			next!.end();
		}
		await Promise.all(all);
		expect(log).toEqual(['+first', '-first', '+s1', '-s1', '+s2', '-s2', '+late', '-late']);
	});

	it('goes on after work that fails', async () => {
		const lock = createSubmitLock();
		const broken = async (): Promise<never> => {
			await flush();
			throw new Error('broken');
		};
		await expect(lock.shared(broken)).rejects.toThrow('broken');
		await expect(lock.exclusive(broken)).rejects.toThrow('broken');
		expect(await lock.exclusive(async () => await Promise.resolve(1))).toBe(1);
		expect(await lock.shared(async () => await Promise.resolve(2))).toBe(2);
	});

	it('never lets a search overlap with anything, in any schedule', async () => {
		const job = fc.record({
			isSearch: fc.boolean(),
			after: fc.integer({ min: 0, max: 20 }),
			lasts: fc.integer({ min: 0, max: 10 }),
		});
		await fc.assert(
			fc.asyncProperty(fc.array(job, { minLength: 2, maxLength: 20 }), async (jobs) => {
				const time = createVirtualTime();
				const lock = createSubmitLock();
				let submits = 0;
				let searches = 0;
				let overlaps = 0;
				const work = jobs.map(async ({ isSearch, after, lasts }) => {
					await time.delay(after);
					await (isSearch ? lock.exclusive : lock.shared)(async () => {
						if (isSearch ? submits + searches > 0 : searches > 0) overlaps += 1;
						if (isSearch) searches += 1;
						else submits += 1;
						await time.delay(lasts);
						if (isSearch) searches -= 1;
						else submits -= 1;
					});
				});
				await time.run(Promise.all(work));
				expect(overlaps).toBe(0);
			}),
			{ numRuns: 200 },
		);
	});
});
