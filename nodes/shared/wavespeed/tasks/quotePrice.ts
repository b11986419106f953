import { type ApiContext, inputBudget, requestWithRetry } from '../http/request';
import { MODEL_ID, PATHS } from '../endpoints';
import type { SubmitInput } from './submitTask';
import { isRecord } from '../../json';

/**
 * What a task would cost now, in USD. Asking is free and locks nothing; the service itself measures the
 * audio behind the URL (docs: Pricing API). `discounted_price` is the amount due.
 */
export async function quotePrice(api: ApiContext, input: SubmitInput): Promise<number> {
	const parse = (data: unknown): number | undefined => {
		if (!isRecord(data)) return undefined;
		const price = data.discounted_price ?? data.price;
		return typeof price === 'number' && Number.isFinite(price) && price >= 0 ? price : undefined;
	};
	const { image, audio, resolution } = input;
	const json = { model_id: MODEL_ID, inputs: { image, audio, resolution } };
	const request = { method: 'POST', target: { path: PATHS.price }, json } as const;
	const purpose = { action: 'quote' } as const;
	return await requestWithRetry(api, { purpose, request, parse }, inputBudget(api.clock));
}
