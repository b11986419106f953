import { type CallChild, ChildCalls } from '../../nodes/shared/n8n/waiting/childCalls';
import { createVirtualTime } from './support/virtualTime.mts';

const URL_OF_CHILD = 'http://127.0.0.1:5678/webhook-waiting/2/wan22';

function createScene(answer: (call: number) => boolean = () => true) {
	const time = createVirtualTime();
	const calls: Array<{ at: number; taskIds: string[] }> = [];
	const call: CallChild = async (taskIds) => {
		calls.push({ at: time.elapsed(), taskIds });
		return await Promise.resolve(answer(calls.length));
	};
	const childCalls = new ChildCalls(time.clock);
	const note = (taskId: string, callbacks: number, url = URL_OF_CHILD) =>
		childCalls.note({ url, callbacks }, taskId, call);
	return { time, calls, note };
}

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
		expect(calls.map(({ at }) => at)).toEqual([3_000, 9_000, 19_500]);
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
		expect(calls).toEqual([{ at: 3_000, taskIds: ['a'] }]);
		note('a', 2);
		await time.advance(60_000);
		expect(calls.at(-1)).toEqual({ at: 66_000, taskIds: ['a'] });
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
		expect(calls).toHaveLength(10);
		note('b', 1);
		await time.advance(600_000);
		expect(calls.at(-1)?.taskIds).toEqual(['b']);
		expect(calls).toHaveLength(20);
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
