import { type Cancellation, untilResumed } from '../async/cancellation';

/** What the rows of a run cost together, decided in the order of the rows: which rows fit must not be chance. */
export interface Budget {
	/**
	 * Waits until all earlier rows are decided, unless the row was skipped before. Returns undefined if `costUsd` fits below `limitUsd` and is
	 * reserved now, else what the run has spent or reserved so far.
	 */
	decide(row: number, costUsd: number, limitUsd: number | undefined): Promise<number | undefined>;
	/** No row waits for this one any more: it failed, or was decided in an earlier attempt. */
	skip(row: number): void;
	/** The reserved money was not spent after all. */
	release(costUsd: number): void;
}

/** Sums of prices like 0.1 + 0.2 must not miss a limit of 0.3 by a rounding error. */
const SMALLEST_AMOUNT_USD = 1e-9;

export function createBudget(
	rowCount: number,
	alreadySpentUsd: number,
	cancellation: Cancellation,
): Budget {
	let spentUsd = alreadySpentUsd;
	const isDecided = new Array<boolean>(rowCount).fill(false);
	let nextUndecided = 0;
	const waiting = new Map<number, () => void>();

	const markDecided = (row: number): void => {
		isDecided[row] = true;
		while (isDecided[nextUndecided]) nextUndecided += 1;
		waiting.get(nextUndecided)?.();
		waiting.delete(nextUndecided);
	};
	return {
		async decide(row, costUsd, limitUsd) {
			if (row > nextUndecided && !isDecided[row]) {
				await untilResumed(cancellation, (resume) => {
					waiting.set(row, resume);
					return () => waiting.delete(row);
				});
			}
			const before = spentUsd;
			const fits = limitUsd === undefined || before + costUsd <= limitUsd + SMALLEST_AMOUNT_USD;
			if (fits) spentUsd += costUsd;
			markDecided(row);
			return fits ? undefined : before;
		},
		skip: markDecided,
		release(costUsd) {
			spentUsd -= costUsd;
		},
	};
}
