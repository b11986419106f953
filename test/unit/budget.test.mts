import fc from 'fast-check';

import { Budget } from '../../nodes/shared/batch/budget';
import { Cancellation } from '../../nodes/shared/async/cancellation';
import { failureFrom, stopped } from './support/api.mts';
import { createVirtualTime, flush } from './support/virtualTime.mts';

/** A budget whose rows have all begun. */
function createBudget(rowCount: number, spentUsd: number, cancellation: Cancellation): Budget {
	const budget = new Budget(spentUsd, cancellation);
	for (let row = 0; row < rowCount; row += 1) budget.begin(row);
	return budget;
}

describe('the budget of a run', () => {
	it('decides in the order of the rows, however late a row knows its price', async () => {
		const budget = createBudget(3, 0, new Cancellation());
		const decided: number[] = [];
		const decide = async (row: number) => {
			const spent = await budget.decide(row, 1, 2);
			decided.push(row);
			return spent;
		};
		const third = decide(2);
		const second = decide(1);
		await flush();
		expect(decided).toEqual([]);
		const first = decide(0);
		expect(await Promise.all([first, second, third])).toEqual([undefined, undefined, 2]);
		expect(decided).toEqual([0, 1, 2]);
	});

	it('does not wait for rows that were skipped', async () => {
		const budget = createBudget(4, 0, new Cancellation());
		const last = budget.decide(3, 1, 1);
		budget.skip(1);
		budget.skip(0);
		budget.skip(0);
		budget.skip(2);
		expect(await last).toBeUndefined();
	});

	it('does not let a row wait that was skipped itself', async () => {
		const budget = createBudget(3, 0, new Cancellation());
		budget.skip(2);
		expect(await budget.decide(2, 1, 1)).toBeUndefined();
	});

	it('is not spent by a row that was refused', async () => {
		const budget = createBudget(3, 0, new Cancellation());
		expect(await budget.decide(0, 3, 2)).toBe(0);
		expect(await budget.decide(1, 2, 2)).toBeUndefined();
		expect(await budget.decide(2, 1, 2)).toBe(2);
	});

	it('counts what was spent before, and what is not spent after all', async () => {
		const budget = createBudget(3, 1.5, new Cancellation());
		expect(await budget.decide(0, 1, 2)).toBe(1.5);
		budget.release(0.5);
		expect(await budget.decide(1, 1, 2)).toBeUndefined();
		budget.release(1);
		expect(await budget.decide(2, 1, 2)).toBeUndefined();
	});

	it('has no limit where there is none, and still counts', async () => {
		const budget = createBudget(2, 0, new Cancellation());
		expect(await budget.decide(0, 1_000_000, undefined)).toBeUndefined();
		expect(await budget.decide(1, 1, 1_000_000)).toBe(1_000_000);
	});

	it('does not miss a limit by a rounding error: 0.1 three times are 0.3', async () => {
		const budget = createBudget(4, 0, new Cancellation());
		for (const row of [0, 1, 2]) expect(await budget.decide(row, 0.1, 0.3)).toBeUndefined();
		expect(await budget.decide(3, 0.01, 0.3)).toBeCloseTo(0.3);
	});

	it('lets the same rows through whatever the order in which prices come', async () => {
		const row = fc.record({
			cents: fc.integer({ min: 0, max: 100 }),
			after: fc.integer({ min: 0, max: 50 }),
			skips: fc.boolean(),
		});
		await fc.assert(
			fc.asyncProperty(
				fc.array(row, { minLength: 1, maxLength: 12 }),
				fc.integer({ min: 0, max: 300 }),
				async (rows, limit) => {
					const time = createVirtualTime();
					const budget = createBudget(rows.length, 0, new Cancellation());
					const work = rows.map(async ({ cents, after, skips }, index) => {
						await time.delay(after);
						if (skips) return void budget.skip(index);
						return (await budget.decide(index, cents / 100, limit / 100)) === undefined;
					});
					const results = await time.run(Promise.all(work));
					let spent = 0;
					const expected = rows.map(({ cents, skips }) => {
						if (skips) return undefined;
						if (spent + cents > limit) return false;
						spent += cents;
						return true;
					});
					expect(results).toEqual(expected);
				},
			),
		);
	});

	it('frees those who wait when the run is halted', async () => {
		const cancellation = new Cancellation();
		const budget = createBudget(2, 0, cancellation);
		const waiting = failureFrom(budget.decide(1, 1, 1));
		cancellation.cancel(stopped());
		expect((await waiting).kind).toBe('stopped');
	});

	it('lets no row wait for one that has not begun', async () => {
		const budget = new Budget(0, new Cancellation());
		budget.begin(5);
		expect(await budget.decide(5, 1, 1)).toBeUndefined();
		budget.begin(0);
		expect(await budget.decide(0, 1, 1)).toBe(1);
	});
});
