import type { VideoRequest } from './request';
import type { Batch } from './context';
import { fail } from '../wavespeed/failures';
import type { SubmitInput } from '../wavespeed/tasks/submitTask';
import type { RowKey } from './ledger';
import { quotePrice } from '../wavespeed/tasks/quotePrice';

/** The price of the row, checked against its limits; undefined if nobody wants to know it. Reserves the money. */
export async function quoteWithinLimits(
	batch: Batch,
	key: RowKey,
	request: VideoRequest,
	input: SubmitInput,
): Promise<number | undefined> {
	const { maxCostPerVideo, maxCostPerRun } = request;
	if (maxCostPerVideo === undefined && maxCostPerRun === undefined) return undefined;
	const costUsd = await quotePrice(batch.api, input);
	if (maxCostPerVideo !== undefined && costUsd > maxCostPerVideo) {
		fail(
			'costLimit',
			'aboveCostPerVideo',
			{ costUsd, limitUsd: maxCostPerVideo },
			{ details: { costUsd } },
		);
	}
	if (maxCostPerRun !== undefined) await batch.earlierPrices.learn();
	const spentUsd = await batch.budget.decide(key, costUsd, maxCostPerRun);
	if (spentUsd !== undefined && maxCostPerRun !== undefined) {
		fail(
			'costLimit',
			'aboveCostPerRun',
			{ costUsd, limitUsd: maxCostPerRun, spentUsd },
			{ details: { costUsd }, paid: 'nothingForThisRow' },
		);
	}
	return costUsd;
}
