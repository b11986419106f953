import fc from 'fast-check';

import { Cancellation } from '../../nodes/shared/async/cancellation';
import { Budget } from '../../nodes/shared/batch/budget';
import { Ledger } from '../../nodes/shared/batch/ledger';
import { sentEntry } from './support/ledger.mts';
import { failureFrom, stopped } from './support/api.mts';
import { createVirtualTime, flush } from './support/virtualTime.mts';

interface Rig {
	ledger: Ledger;
	budget: Budget;
	/** As the run does it; 'fits', or what is spent by then. */
	decide(row: number, costUsd: number, limitUsd: number | undefined): Promise<number | 'fits'>;
}

function createRig(store = {}, cancellation = new Cancellation()): Rig {
	const ledger = new Ledger(store, 0);
	const budget = new Budget(ledger, cancellation);
	return {
		...{ ledger, budget },
		decide: async (row, costUsd, limitUsd) =>
			(await budget.decide({ row, hash: 'a' }, costUsd, limitUsd)) ?? 'fits',
	};
}

/** All rows have begun. */
function begin(rowCount: number, rig = createRig()): Rig {
	for (let row = 0; row < rowCount; row += 1) rig.budget.begin(row);
	return rig;
}

describe('the budget of a run', () => {
	it('decides in the order of the rows, however late a row knows its price', async () => {
		const rig = begin(3);
		const decided: number[] = [];
		const decide = async (row: number) => {
			const spent = await rig.decide(row, 1, 2);
			decided.push(row);
			return spent;
		};
		const third = decide(2);
		const second = decide(1);
		await flush();
		expect(decided).toEqual([]);
		const first = decide(0);
		expect(await Promise.all([first, second, third])).toEqual(['fits', 'fits', 2]);
		expect(decided).toEqual([0, 1, 2]);
	});

	it('does not wait for rows that were skipped', async () => {
		const { budget, decide } = begin(4);
		const last = decide(3, 1, 1);
		budget.skip(1);
		budget.skip(0);
		budget.skip(0);
		budget.skip(2);
		expect(await last).toBe('fits');
	});

	it('does not let a row wait that was skipped itself', async () => {
		const { budget, decide } = begin(3);
		budget.skip(2);
		expect(await decide(2, 1, 1)).toBe('fits');
	});

	it('is not spent by a row that was refused', async () => {
		const { decide } = begin(3);
		expect(await decide(0, 3, 2)).toBe(0);
		expect(await decide(1, 2, 2)).toBe('fits');
		expect(await decide(2, 1, 2)).toBe(2);
	});

	it('counts what was paid before, and what two executions of one stored copy pay together', async () => {
		const store = {};
		const [one, other] = [begin(3, createRig(store)), begin(3, createRig(store))];
		one.ledger.noteSent(0, 'a', sentEntry(1, 0.5));
		for (const { budget } of [one, other]) budget.skip(0);
		expect(await other.decide(1, 0.5, 1)).toBe('fits');
		one.budget.skip(1);
		expect(await one.decide(2, 0.5, 1)).toBe(1);
	});

	it('gives back at the row’s end what was reserved and not sent', async () => {
		const { ledger, decide } = begin(2);
		const isFirst = await ledger.hold(0, new Cancellation(), async () => await decide(0, 1, 1));
		expect(isFirst).toBe('fits');
		expect(await decide(1, 1, 1)).toBe('fits');
	});

	it('counts a submit whose outcome is unknown, until none is found, and again when one is', async () => {
		const { ledger, decide } = begin(4);
		await ledger.hold(0, new Cancellation(), async () => {
			expect(await decide(0, 1, 1)).toBe('fits');
			ledger.noteSent(0, 'a', sentEntry(1, 1));
		});
		expect(await decide(1, 1, 1)).toBe(1);
		ledger.noteUnpaid(0, 'a');
		expect(ledger.spentUsd()).toBe(0);
		// The next attempt looks again.
		ledger.doubtUnpaid();
		expect(ledger.spentUsd()).toBe(1);
		ledger.noteUnpaid(0, 'a');
		ledger.noteAccepted(0, 'a', 'late');
		expect(ledger.spentUsd()).toBe(1);
	});

	it('counts a row’s second task, not the refunded first, and neither once the second is refused', () => {
		const { ledger } = createRig();
		ledger.noteSent(0, 'a', sentEntry(1, 1));
		ledger.noteAccepted(0, 'a', 'failed');
		ledger.noteUnpaid(0, 'a');
		ledger.doubtUnpaid();
		expect(ledger.spentUsd()).toBe(0);
		ledger.noteSent(0, 'a', sentEntry(2, 3));
		expect(ledger.spentUsd()).toBe(3);
		ledger.noteRefused(0, 'a');
		expect(ledger.spentUsd()).toBe(0);
	});

	it('counts the rounds of a loop each for itself', () => {
		const store = {};
		new Ledger(store, 1).noteSent(0, 'a', sentEntry(1, 1));
		new Ledger(store, 10).reserve(0, 'a', 1);
		expect(new Ledger(store, 0).spentUsd()).toBe(0);
		expect(new Ledger(store, 1).spentUsd()).toBe(1);
	});

	it('has no limit where there is none, and still counts', async () => {
		const { decide } = begin(2);
		expect(await decide(0, 1_000_000, undefined)).toBe('fits');
		expect(await decide(1, 1, 1_000_000)).toBe(1_000_000);
	});

	it('does not miss a limit by a rounding error: 0.1 three times are 0.3', async () => {
		const { decide } = begin(4);
		for (const row of [0, 1, 2]) expect(await decide(row, 0.1, 0.3)).toBe('fits');
		expect(await decide(3, 0.01, 0.3)).toBeCloseTo(0.3);
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
					const { budget, decide } = begin(rows.length);
					const work = rows.map(async ({ cents, after, skips }, index) => {
						await time.delay(after);
						if (skips) return void budget.skip(index);
						return (await decide(index, cents / 100, limit / 100)) === 'fits';
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
		const { decide } = begin(2, createRig({}, cancellation));
		const waiting = failureFrom(decide(1, 1, 1));
		cancellation.cancel(stopped());
		expect((await waiting).kind).toBe('stopped');
	});

	it('lets no row wait for one that has not begun', async () => {
		const { budget, decide } = createRig();
		budget.begin(5);
		expect(await decide(5, 1, 1)).toBe('fits');
		budget.begin(0);
		expect(await decide(0, 1, 1)).toBe(1);
	});
});
