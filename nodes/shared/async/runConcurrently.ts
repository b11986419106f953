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
	await mapConcurrently(order, atOnce, async (row) => {
		const outcome = await settle(work(row));
		outcomes[row] = outcome;
		if (!outcome.ok) onFailure(row, outcome.error);
	});
	return outcomes;
}

/** The outcomes in the order of the items; they begin in that order, `atOnce` side by side. */
export async function mapConcurrently<I, T>(
	items: readonly I[],
	atOnce: number,
	work: (item: I) => Promise<T>,
): Promise<Settled<T>[]> {
	const outcomes: Settled<T>[] = new Array<Settled<T>>(items.length);
	const queue = items.entries();
	const runQueue = async (): Promise<void> => {
		for (const [index, item] of queue) outcomes[index] = await settle(work(item));
	};
	await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, runQueue));
	return outcomes;
}
