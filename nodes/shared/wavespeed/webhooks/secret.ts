import { type ApiContext, type RetryBudget, requestWithRetry } from '../http/request';
import { PATHS } from '../endpoints';
import { fail, failureOf } from '../failures';
import { isRecord } from '../../json';
import { settle } from '../../async/settle';

/**
 * The secret that the service signs the account's callbacks with (`whsec_…`). Whoever knows it can forge callbacks, so
 * it must reach no item, error or log. Throws a FailureError. Docs: Verify Webhooks.
 */
export async function fetchWebhookSecret(
	api: ApiContext,
	retryBudget: RetryBudget,
): Promise<string> {
	const request = { method: 'GET', target: { path: PATHS.webhookSecret } } as const;
	const call = { purpose: { action: 'fetchSecret' }, request, parse: parseSecret } as const;
	const fetched = await settle(requestWithRetry(api, call, retryBudget));
	if (fetched.ok) return fetched.value;
	const failure = failureOf(fetched.error);
	// What is said of other refusals is about tasks and money.
	if (failure?.reason !== 'requestRefused') throw fetched.error;
	const { httpStatus, facts } = failure;
	return fail('refused', 'secretRefused', { said: facts.said }, { httpStatus, paid: 'told' });
}

function parseSecret(data: unknown): string | undefined {
	const secret = isRecord(data) ? data.secret : undefined;
	return typeof secret === 'string' && /^(whsec_)?\S+$/.test(secret) && secret !== 'whsec_'
		? secret
		: undefined;
}
