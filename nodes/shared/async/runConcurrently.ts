import { type Settled, settle } from './settle';

/**
 * Runs `work` for every row, `atOnce` side by side, and returns the outcomes in the order of the rows.
 * `order` says which row starts when; `onFailure` is told at once, so that it can cancel the others.
 */
export async function runConcurrently<T>(
	order: number[],
	atOnce: number,
	work: (row: number) => Promise<T>,
	onFailure: (row: number, error: unknown) => void,
): Promise<Settled<T>[]> {
	const outcomes: Settled<T>[] = new Array<Settled<T>>(order.length);
	const queue = order.values();
	const runQueue = async (): Promise<void> => {
		for (const row of queue) {
			const outcome = await settle(work(row));
			outcomes[row] = outcome;
			if (!outcome.ok) onFailure(row, outcome.error);
		}
	};
	await Promise.all(Array.from({ length: Math.min(atOnce, order.length) }, runQueue));
	return outcomes;
}
