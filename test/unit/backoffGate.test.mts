import { Cancellation } from '../../nodes/shared/async/cancellation';
import { BackoffGate, type Permit } from '../../nodes/shared/async/backoffGate';
import { failureFrom, stopped } from './support/api.mts';
import { createVirtualTime, flush } from './support/virtualTime.mts';

const createRig = (random = 0) => {
	const time = createVirtualTime();
	const cancellation = new Cancellation();
	const gate = new BackoffGate(() => random);
	const waiter = { clock: time.clockFor(cancellation), cancellation };
	return {
		time,
		cancellation,
		gate,
		waiter,
		/** The gate as one run uses it. */
		pause: {
			enter: async () => await gate.enter(waiter),
			enterBefore: async (deadline: number) => await gate.enterBefore(waiter, deadline),
			refusedSince: () => gate.refusedSince(time.now()),
		},
	};
};

/** Enters `count` times and notes who is in; everyone stays until released. */
const enterAll = (pause: ReturnType<typeof createRig>['pause'], count: number) => {
	const inside: Permit[] = [];
	const entering = Promise.all(
		Array.from({ length: count }, async () => {
			inside.push(await pause.enter());
		}),
	);
	return { inside, entering };
};

describe('the shared pause', () => {
	it('holds nobody back while nothing was refused', async () => {
		const { time, pause } = createRig();
		const { inside } = enterAll(pause, 500);
		await flush();
		expect(inside).toHaveLength(500);
		expect(time.elapsed()).toBe(0);
	});

	it('makes one pause of many refusals that were under way together', async () => {
		const { time, pause } = createRig(0);
		const { inside } = enterAll(pause, 30);
		await flush();
		for (const permit of inside) permit.refused(undefined);
		await time.run(pause.enter());
		// Half of the first pause of 5 s, since the random part is 0 here.
		expect(time.elapsed()).toBe(2_500);
	});

	it('waits longer from round to round, and starts anew after a success', async () => {
		const { time, pause } = createRig(0);
		const waits: number[] = [];
		for (const isRefused of [true, true, true, false, true, true]) {
			const before = time.now();
			const permit = await time.run(pause.enter());
			waits.push(time.now() - before);
			if (isRefused) permit.refused(undefined);
			else permit.accepted();
		}
		expect(waits).toEqual([0, 2_500, 5_000, 10_000, 0, 2_500]);
	});

	it('honours Retry-After, the longest that any of the refused was told', async () => {
		const { time, pause } = createRig();
		const { inside } = enterAll(pause, 3);
		await flush();
		inside[0]?.refused('20');
		inside[1]?.refused('45');
		inside[2]?.refused(undefined);
		await time.run(pause.enter());
		expect(time.elapsed()).toBe(45_000);
	});

	it.each(['0', '0.001', '-5', 'soon'])(
		'does not hammer a service that refuses everything with Retry-After %s',
		async (retryAfter) => {
			const { time, pause } = createRig(0);
			let attempts = 0;
			while (time.elapsed() < 60_000) {
				(await time.run(pause.enter())).refused(retryAfter);
				attempts += 1;
				if (attempts > 1_000) break;
			}
			expect(attempts).toBeLessThanOrEqual(61);
		},
	);

	it('comes back one, two, four … at a time', async () => {
		const { time, pause } = createRig();
		const { inside } = enterAll(pause, 1);
		await flush();
		inside.shift()?.refused('10');
		const { inside: later, entering } = enterAll(pause, 100);
		await time.advance(10_000);
		const sizes: number[] = [];
		while (later.length > 0) {
			const together = later.splice(0);
			sizes.push(together.length);
			for (const permit of together) permit.accepted();
			await flush();
		}
		await entering;
		expect(sizes.slice(0, 5)).toEqual([1, 2, 4, 8, 16]);
		expect(sizes.reduce((sum, size) => sum + size)).toBe(100);
	});

	it('lets everyone have a turn before one that is refused again and again', async () => {
		const { time, pause } = createRig(0);
		const turns: string[] = [];
		const come = async (name: string, isRefused: boolean): Promise<void> => {
			const permit = await pause.enter();
			turns.push(name);
			// As a request does: it takes its time.
			await time.delay(10);
			if (isRefused) permit.refused(undefined);
			else permit.accepted();
			if (isRefused && turns.length < 8) await come(name, true);
		};
		const refused = come('refused', true);
		const others = ['a', 'b', 'c'].map(async (name) => {
			await time.delay(15);
			await come(name, false);
		});
		await time.run(Promise.all([refused, ...others]));
		expect(turns.slice(0, 5)).toEqual(['refused', 'refused', 'a', 'b', 'c']);
	});

	it('lets a kind of request have its turn, however many of another kind wait', async () => {
		const { time, gate, waiter } = createRig(0);
		const turns: string[] = [];
		const come = async (name: string, isRefused: boolean): Promise<void> => {
			const permit = await gate.enterBefore(waiter, Infinity, name);
			turns.push(name);
			await time.delay(10);
			if (isRefused) permit?.refused(undefined);
			else permit?.accepted();
		};
		await time.run(come('price', true));
		const prices = Array.from({ length: 50 }, async () => await come('price', true));
		const results = ['result', 'result'].map(async (name) => await come(name, false));
		await time.run(Promise.all([...prices, ...results]));
		expect(turns.slice(1, 6).filter((name) => name === 'result')).toHaveLength(2);
	});

	it('narrows again when a request of the slow start is refused', async () => {
		const { time, pause } = createRig();
		(await pause.enter()).refused('1');
		const { inside } = enterAll(pause, 20);
		await time.advance(1_000);
		inside.splice(0).forEach((permit) => permit.accepted());
		await flush();
		expect(inside).toHaveLength(2);
		inside.splice(0).forEach((permit) => permit.refused('1'));
		await flush();
		expect(inside).toHaveLength(0);
		await time.advance(1_000);
		expect(inside).toHaveLength(1);
	});

	it('is not opened by the late success of a request that left before the refusal', async () => {
		const { time, pause } = createRig();
		const early = await pause.enter();
		(await pause.enter()).refused('30');
		early.accepted();
		expect(pause.refusedSince()).toBe(time.now());
		const { inside } = enterAll(pause, 5);
		await time.advance(29_999);
		expect(inside).toHaveLength(0);
		await time.advance(1);
		expect(inside).toHaveLength(1);
	});

	it('takes no answer as a sign neither for nor against, and lets the next one in', async () => {
		const { time, pause } = createRig();
		(await pause.enter()).refused('1');
		const { inside } = enterAll(pause, 3);
		await time.advance(1_000);
		inside.splice(0).forEach((permit) => permit.release());
		await flush();
		expect(inside).toHaveLength(1);
		expect(pause.refusedSince()).toBeDefined();
	});

	it('counts the first word about a request only', async () => {
		const { time, pause } = createRig();
		const permit = await pause.enter();
		permit.accepted();
		permit.refused('60');
		permit.release();
		const { inside } = enterAll(pause, 3);
		await flush();
		expect(inside).toHaveLength(3);
		expect(time.elapsed()).toBe(0);
	});

	it('knows since when everything has been refused', async () => {
		const { time, pause } = createRig();
		expect(pause.refusedSince()).toBeUndefined();
		(await pause.enter()).refused('10');
		const since = time.now();
		(await time.run(pause.enter())).refused('10');
		expect(pause.refusedSince()).toBe(since);
		(await time.run(pause.enter())).accepted();
		expect(pause.refusedSince()).toBeUndefined();
	});

	it('frees those who pause and those who wait for their turn when the run is halted', async () => {
		const { time, cancellation, pause } = createRig();
		(await pause.enter()).refused('10');
		const { inside } = enterAll(pause, 1);
		await time.advance(10_000);
		expect(inside).toHaveLength(1);
		const behind = failureFrom(pause.enter());
		await flush();
		cancellation.cancel(stopped());
		expect((await behind).kind).toBe('stopped');
		expect((await failureFrom(pause.enter())).kind).toBe('stopped');

		const other = createRig();
		(await other.pause.enter()).refused('100');
		const pausing = failureFrom(other.pause.enter());
		await flush();
		other.cancellation.cancel(stopped());
		expect((await pausing).kind).toBe('stopped');
		expect(other.time.elapsed()).toBe(0);
	});

	describe('with a deadline', () => {
		it('gives up at the deadline when the pause lasts longer', async () => {
			const { time, pause } = createRig();
			(await pause.enter()).refused('100');
			const permit = await time.run(pause.enterBefore(time.now() + 30_000));
			expect(permit).toBeUndefined();
			expect(time.elapsed()).toBe(30_000);
		});

		it('lets in whoever has time until the end of the pause', async () => {
			const { time, pause } = createRig();
			(await pause.enter()).refused('30');
			const permit = await time.run(pause.enterBefore(time.now() + 30_000));
			expect(permit).toBeDefined();
		});

		it('gives up when those ahead in the slow start take until the deadline', async () => {
			const { time, pause } = createRig();
			(await pause.enter()).refused('1');
			const ahead = await time.run(pause.enter());
			const waiting = pause.enterBefore(time.now() + 5_000);
			void time.delay(20_000).then(() => ahead.accepted());
			expect(await time.run(waiting)).toBeUndefined();
		});

		it('forgets nobody when the one whose turn it is gives up', async () => {
			const { time, pause } = createRig();
			(await pause.enter()).refused('1');
			const ahead = await time.run(pause.enter());
			const impatient = pause.enterBefore(time.now() + 5_000);
			const patient = pause.enter();
			await flush();
			ahead.refused('60');
			expect(await time.run(impatient)).toBeUndefined();
			expect(await time.run(patient)).toBeDefined();
			expect(time.elapsed()).toBe(61_000);
		});
	});
});
