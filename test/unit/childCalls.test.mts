import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import { type CallChild, ChildCalls } from '../../nodes/shared/n8n/waiting/childCalls';
import { createVirtualTime } from './support/virtualTime.mts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const URL_OF_CHILD = 'http://127.0.0.1:5678/webhook-waiting/2/wan22';

function createScene(answer: (call: number) => boolean = () => true) {
	const time = createVirtualTime();
	const calls: Array<{ at: number; taskIds: string[] }> = [];
	const call: CallChild = async (_url, taskIds) => {
		calls.push({ at: time.elapsed(), taskIds });
		return await Promise.resolve(answer(calls.length));
	};
	const childCalls = new ChildCalls(time.clock);
	const note = (taskId: string, callbacks: number, url = URL_OF_CHILD) =>
		childCalls.note({ url, callbacks }, taskId, call);
	return { time, calls, note };
}

it('the children of many runs that end together are called a few at a time', async () => {
	const time = createVirtualTime();
	const childCalls = new ChildCalls(time.clock);
	let [underWay, most, calls] = [0, 0, 0];
	const call: CallChild = async () => {
		calls += 1;
		underWay += 1;
		most = Math.max(most, underWay);
		await time.clock.sleep(300);
		underWay -= 1;
		return true;
	};
	for (let run = 0; run < 300; run += 1) {
		childCalls.note({ url: `${URL_OF_CHILD}/${run}`, callbacks: 1 }, `task-${run}`, call);
	}
	await time.advance(120_000);
	expect(calls).toBe(300);
	expect(most).toBeLessThanOrEqual(4);
});

describe('the calls of a parked run’s child', () => {
	it('are one for a burst of all callbacks, half a second after it', async () => {
		const { time, calls, note } = createScene();
		for (const id of ['a', 'b', 'c']) note(id, 3);
		await time.advance(60_000);
		expect(calls).toEqual([{ at: 500, taskIds: ['a', 'b', 'c'] }]);
	});

	it('are few for callbacks that come one by one, and soon after the last', async () => {
		const { time, calls, note } = createScene();
		for (let row = 0; row < 20; row += 1) {
			note(`task-${row}`, 20);
			await time.advance(1_000);
		}
		expect(calls.map(({ at }) => at)).toEqual([4_000, 8_000, 12_000, 16_000, 19_500]);
		expect(calls.flatMap(({ taskIds }) => taskIds)).toHaveLength(20);
	});

	it('are soon for every task that calls back besides those that were counted, as after a retry', async () => {
		const { time, calls, note } = createScene();
		for (let row = 0; row < 20; row += 1) {
			note(`task-${row}`, 15);
			await time.advance(12_000);
		}
		expect(calls.slice(-6).map(({ at }) => at % 12_000)).toEqual(Array(6).fill(500));
		expect(calls.at(-1)?.taskIds).toEqual(['task-19']);
	});

	it('come also where the last callback is missed', async () => {
		const { time, calls, note } = createScene();
		note('a', 2);
		await time.advance(60_000);
		expect(calls).toEqual([{ at: 4_000, taskIds: ['a'] }]);
		note('a', 2);
		await time.advance(60_000);
		expect(calls.at(-1)).toEqual({ at: 64_000, taskIds: ['a'] });
	});

	it('come within some seconds also where a restart, or another process, has seen some of the callbacks', async () => {
		for (let gap = 1_000; gap < 15_000; gap += 500) {
			const { time, calls, note } = createScene();
			// One of 20 came to another process.
			for (let row = 1; row < 20; row += 1) {
				note(`task-${row}`, 20);
				if (row < 19) await time.advance(gap);
			}
			const lastAt = time.elapsed();
			await time.advance(60_000);
			const told = calls.find(({ taskIds }) => taskIds.includes('task-19'))?.at ?? Infinity;
			// What is left of the five seconds is for n8n.
			expect(told - lastAt).toBeLessThanOrEqual(4_000);
		}
	});

	it('are about one a second for all runs together before their last callbacks', async () => {
		const { time, calls, note } = createScene();
		for (let second = 0; second < 60; second += 1) {
			for (let run = 0; run < 20; run += 1) note(`task-${second}`, 100, `${URL_OF_CHILD}/${run}`);
			await time.advance(1_000);
		}
		expect(calls.length).toBeGreaterThanOrEqual(40);
		expect(calls.length).toBeLessThanOrEqual(70);
	});

	it('find a child soon after a check that took long', async () => {
		for (const checkMs of [5_500, 10_000, 18_000]) {
			const freeAt = 500 + checkMs;
			const { time, calls, note } = createScene(() => time.elapsed() >= freeAt);
			note('a', 1);
			await time.advance(120_000);
			expect((calls.at(-1)?.at ?? Infinity) - freeAt).toBeLessThanOrEqual(4_000);
		}
	});

	it('hold what n8n has made for one callback only, and nothing when they have ended', async () => {
		const { time } = createScene();
		const childCalls = new ChildCalls(time.clock);
		const held: Array<WeakRef<object>> = [];
		const note = (child: number): void => {
			const execution = { child };
			held.push(new WeakRef(execution));
			const call: CallChild = async () => await Promise.resolve(execution.child >= 0);
			childCalls.note({ url: `${URL_OF_CHILD}/${child}`, callbacks: 2 }, 'a', call);
		};
		for (let child = 0; child < 20; child += 1) note(child);
		const count = async (): Promise<number> => {
			// What was read of a reference stays until the event loop has turned.
			await new Promise((resolve) => setImmediate(resolve));
			collect();
			return held.filter((reference) => reference.deref() !== undefined).length;
		};
		expect(await count()).toBe(1);
		await time.advance(60_000);
		expect(await count()).toBe(0);
	});

	it('are soon for every task of a run that has asked for fewer callbacks', async () => {
		const { time, calls, note } = createScene();
		for (const id of ['a', 'b']) {
			note(id, 0);
			await time.advance(10_000);
		}
		expect(calls.map(({ at }) => at)).toEqual([500, 10_500]);
	});

	it('are repeated while the child does not hear, with what has come meanwhile', async () => {
		const { time, calls, note } = createScene((call) => call === 3);
		note('a', 1);
		await time.advance(900);
		note('b', 1);
		await time.advance(60_000);
		expect(calls).toEqual([
			{ at: 500, taskIds: ['a'] },
			{ at: 1_000, taskIds: ['a', 'b'] },
			{ at: 1_500, taskIds: ['a', 'b'] },
		]);
	});

	it('end where the child never hears, and begin anew with the next callback', async () => {
		const { time, calls, note } = createScene(() => false);
		note('a', 1);
		await time.advance(600_000);
		expect(calls).toHaveLength(19);
		note('b', 1);
		await time.advance(600_000);
		expect(calls.at(-1)?.taskIds).toEqual(['b']);
		expect(calls).toHaveLength(38);
	});

	it('leave what is too much to the timers, and forget those that are done', async () => {
		const { time, calls, note } = createScene();
		for (let child = 0; child < 600; child += 1) note('a', 1, `${URL_OF_CHILD}/${child}`);
		await time.advance(10_000);
		expect(calls).toHaveLength(500);
		// Half of their callbacks have come; the oldest makes room.
		for (let child = 0; child < 600; child += 1) {
			note('a', 2, `${URL_OF_CHILD}/${child}`);
			await time.advance(5_000);
		}
		expect(calls).toHaveLength(1_100);
	});
});
