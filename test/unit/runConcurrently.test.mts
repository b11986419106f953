import { runConcurrently } from '../../nodes/shared/async/runConcurrently';
import { createVirtualTime } from './support/virtualTime.mts';

describe('running rows', () => {
	it('returns outcomes in the order of the rows, whatever the order of starts and ends', async () => {
		const time = createVirtualTime();
		const started: number[] = [];
		const ended: number[] = [];
		const work = async (row: number): Promise<string> => {
			started.push(row);
			await time.delay([30, 10, 40, 20][row] ?? 0);
			ended.push(row);
			return `row ${row}`;
		};
		const outcomes = await time.run(runConcurrently([2, 0, 1, 3], 2, work, () => {}));
		expect(outcomes).toEqual([0, 1, 2, 3].map((row) => ({ ok: true, value: `row ${row}` })));
		expect(started).toEqual([2, 0, 1, 3]);
		expect(ended).toEqual([0, 2, 1, 3]);
	});

	it('runs no more than so many side by side, and no fewer', async () => {
		const time = createVirtualTime();
		let running = 0;
		let most = 0;
		const work = async (): Promise<void> => {
			running += 1;
			most = Math.max(most, running);
			await time.delay(100);
			running -= 1;
		};
		await time.run(runConcurrently([0, 1, 2, 3, 4, 5, 6], 3, work, () => {}));
		expect(most).toBe(3);
		expect(time.elapsed()).toBe(300);
	});

	it('tells of a failure at once and goes on with the others', async () => {
		const time = createVirtualTime();
		const told: [number, unknown, number][] = [];
		const work = async (row: number): Promise<number> => {
			await time.delay(row * 10);
			if (row === 1) throw new Error('broken');
			return row;
		};
		const outcomes = await time.run(
			runConcurrently(
				[0, 1, 2],
				3,
				work,
				(row, error) => void told.push([row, error, time.elapsed()]),
			),
		);
		expect(told).toEqual([[1, new Error('broken'), 10]]);
		expect(outcomes.map(({ ok }) => ok)).toEqual([true, false, true]);
	});

	it('has nothing to do without rows', async () => {
		const work = async (): Promise<never> => await Promise.reject(new Error('not expected'));
		expect(await runConcurrently([], 5, work, () => {})).toEqual([]);
	});
});
