import { isRecord } from '../json';
import { PATHS } from './endpoints';
import { type ApiContext, preparationBudget, requestWithRetry } from './http/request';

/** What is left on the account, USD. */
export async function readBalance(api: ApiContext): Promise<number> {
	const parse = (data: unknown): number | undefined =>
		isRecord(data) && typeof data.balance === 'number' && Number.isFinite(data.balance)
			? data.balance
			: undefined;
	const request = { method: 'GET', target: { path: PATHS.balance } } as const;
	const purpose = { action: 'readBalance' } as const;
	return await requestWithRetry(api, { purpose, request, parse }, preparationBudget(api.clock));
}
