import { type Settled, settle } from './settle';

/**
 * Runs `work` for every row, `limit` of them concurrently, and returns the outcomes in the order of the rows.
 * `order` says which row starts when; `onFailure` is told immediately, so that it can cancel the others.
 */
export async function runConcurrently<T>(
	order: number[],
	limit: number,
	work: (row: number) => Promise<T>,
	onFailure: (row: number, error: unknown) => void,
): Promise<Settled<T>[]> {
	const outcomes: Settled<T>[] = new Array<Settled<T>>(order.length);
	await mapConcurrently(order, limit, async (row) => {
		const outcome = await settle(work(row));
		outcomes[row] = outcome;
		if (!outcome.ok) onFailure(row, outcome.error);
	});
	return outcomes;
}

/** The outcomes in the order of the items; they begin in that order, `limit` of them concurrently. */
export async function mapConcurrently<I, T>(
	items: readonly I[],
	limit: number,
	work: (item: I) => Promise<T>,
): Promise<Settled<T>[]> {
	const outcomes: Settled<T>[] = new Array<Settled<T>>(items.length);
	const queue = items.entries();
	const runQueue = async (): Promise<void> => {
		for (const [index, item] of queue) outcomes[index] = await settle(work(item));
	};
	await Promise.all(Array.from({ length: Math.min(limit, items.length) }, runQueue));
	return outcomes;
}
