import type { VideoRequest } from './request';
import type { Batch } from './context';
import { fail } from '../wavespeed/failures';
import type { SubmitInput } from '../wavespeed/tasks/submitTask';
import { quotePrice } from '../wavespeed/tasks/quotePrice';

/** The price of the row, checked against its limits; undefined if nobody wants to know it. Reserves the money. */
export async function quoteWithinLimits(
	batch: Batch,
	row: number,
	request: VideoRequest,
	input: SubmitInput,
): Promise<number | undefined> {
	const { maxCostPerVideo, maxCostPerRun } = request;
	if (maxCostPerVideo === undefined && maxCostPerRun === undefined) return undefined;
	const costUsd = await quotePrice(batch.api, input);
	if (maxCostPerVideo !== undefined && costUsd > maxCostPerVideo) {
		fail(
			'costLimit',
			`The video would cost ${dollars(costUsd)}, more than "Max Cost per Video" allows (${dollars(maxCostPerVideo)})`,
			`Raise the limit, shorten the audio or choose 480p.`,
			{ details: { costUsd } },
		);
	}
	const spentUsd = await batch.budget.decide(row, costUsd, maxCostPerRun);
	if (spentUsd !== undefined && maxCostPerRun !== undefined) {
		fail(
			'costLimit',
			`The video would cost ${dollars(costUsd)} and take the run above "Max Cost per Run" (${dollars(maxCostPerRun)}): ${dollars(spentUsd)} are spent or promised to earlier rows`,
			'For this row nothing was paid. Raise the limit or run it another time.',
			{ details: { costUsd }, paid: 'told' },
		);
	}
	return costUsd;
}

/** At least cents, and more digits only where the price has them. */
const dollars = (usd: number): string =>
	`$${usd.toFixed(Math.abs(usd * 100 - Math.round(usd * 100)) < 1e-6 ? 2 : 4)}`;
