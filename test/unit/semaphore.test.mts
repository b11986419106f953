import { Cancellation } from '../../nodes/shared/async/cancellation';
import { Semaphore } from '../../nodes/shared/async/semaphore';
import { FailureError, makeFailure } from '../../nodes/shared/wavespeed/failures';
import { failureFrom, stopped } from './support/api.mts';
import { createVirtualTime, flush } from './support/virtualTime.mts';

const FACTS = { forMs: 300_000, said: 'HTTP status 503' };

/** As one run sees it. */
const createSlots = (count: number, cancellation = new Cancellation()) => {
	const semaphore = new Semaphore(count);
	return { semaphore, take: async () => await semaphore.acquire(cancellation) };
};

describe('a semaphore', () => {
	it('give out as many places as there are, and the next in the order of asking', async () => {
		const slots = createSlots(2);
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
		const slots = createSlots(1);
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
		const slots = createSlots(1);
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

	it('serves the runs in turn, so that a thousand rows do not keep a single one waiting', async () => {
		const semaphore = new Semaphore(1);
		const [large, small] = [new Cancellation(), new Cancellation()];
		const giveBack = await semaphore.acquire(large);
		const order: string[] = [];
		const take = (run: Cancellation, name: string) => {
			void semaphore.run(run, async () => void order.push(name));
		};
		for (let row = 0; row < 1_000; row += 1) take(large, 'large');
		take(small, 'small');
		giveBack();
		await flush();
		expect(order.indexOf('small')).toBeLessThanOrEqual(1);
		expect(order).toHaveLength(1_001);
	});

	it('leaves the places of other runs alone when one is stopped, and forgets its waiters', async () => {
		const semaphore = new Semaphore(1);
		const [a, b] = [new Cancellation(), new Cancellation()];
		const giveBack = await semaphore.acquire(a);
		const stoppedWait = failureFrom(semaphore.acquire(a));
		const other = semaphore.acquire(b);
		a.cancel(stopped());
		expect((await stoppedWait).kind).toBe('stopped');
		giveBack();
		(await other)();
		expect(semaphore.isIdle).toBe(true);
	});

	it('frees whoever waits when an outage begins that they would wait for in vain, and gives the place to others', async () => {
		const semaphore = new Semaphore(1);
		const [run, outage] = [new Cancellation(), new Cancellation()];
		const giveBack = await semaphore.acquire(run);
		const inVain = failureFrom(semaphore.acquire(run, outage));
		const other = semaphore.acquire(run);
		outage.cancel(new FailureError(makeFailure('unavailable', 'tasksUnreadable', FACTS)));
		expect((await inVain).kind).toBe('unavailable');
		expect((await failureFrom(semaphore.acquire(run, outage))).kind).toBe('unavailable');
		giveBack();
		(await other)();
		expect(semaphore.isIdle).toBe(true);
	});

	it('keeps nobody beyond a deadline, as soon as a place comes free, and gives that place to the next', async () => {
		const time = createVirtualTime();
		const semaphore = new Semaphore(1);
		const cancellation = new Cancellation();
		const waiter = { clock: time.clock, cancellation };
		const first = await semaphore.acquireBefore(waiter, time.now() + 1_000);
		const late = semaphore.acquireBefore(waiter, time.now() + 1_000);
		const patient = semaphore.acquireBefore(waiter, time.now() + 60_000);
		await time.advance(1_000);
		first?.();
		expect(await late).toBeUndefined();
		const release = await patient;
		expect(release).toBeDefined();
		release?.();
		expect(semaphore.isIdle).toBe(true);
	});

	it('lets more in when it grows, and waits until enough have left when it shrinks', async () => {
		const semaphore = new Semaphore(1);
		const cancellation = new Cancellation();
		const first = await semaphore.acquire(cancellation);
		const second = semaphore.acquire(cancellation);
		semaphore.resize(2);
		const giveSecond = await second;
		semaphore.resize(1);
		let isIn = false;
		const third = semaphore.acquire(cancellation).then((giveBack) => {
			isIn = true;
			return giveBack;
		});
		first();
		await flush();
		expect(isIn).toBe(false);
		giveSecond();
		(await third)();
	});
});
