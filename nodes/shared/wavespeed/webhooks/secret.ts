import { type ApiContext, type RetryBudget, requestWithRetry } from '../http/request';
import { PATHS } from '../endpoints';
import { failureOf, FailureError } from '../failures';
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
	const purpose = 'fetch the secret that WaveSpeed signs its callbacks with';
	const fetched = await settle(requestWithRetry(api, request, parseSecret, purpose, retryBudget));
	if (fetched.ok) return fetched.value;
	const failure = failureOf(fetched.error);
	// The usual advice for a refusal is about tasks.
	if (failure?.kind !== 'refused') throw fetched.error;
	throw new FailureError({
		...failure,
		paid: 'told',
		advice: 'Check the base URL in the WaveSpeed API credential, and the role of the key.',
	});
}

function parseSecret(data: unknown): string | undefined {
	const secret = isRecord(data) ? data.secret : undefined;
	return typeof secret === 'string' && /^(whsec_)?\S+$/.test(secret) && secret !== 'whsec_'
		? secret
		: undefined;
}
