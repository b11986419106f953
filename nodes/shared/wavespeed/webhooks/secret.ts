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

/** A secret may be replaced because it has become known, so an old one is not believed for longer. */
const MAX_AGE_MS = 10 * 60_000;

/** Anyone can send what doesn't fit: the API must not be asked each time. */
const RENEW_GAP_MS = 60_000;

interface Entry {
	secret: string | undefined;
	fetchedAt: number;
	/** When a signature that didn't fit last made us ask. */
	renewedAt: number;
	/** Callbacks that come together ask together. */
	asking: Promise<string> | undefined;
}

/** The secrets of the accounts in use, by account. */
export interface SecretCache {
	get(api: ApiContext, accountId: string, retryBudget: RetryBudget): Promise<string>;
	/**
	 * After `refused` didn't fit: the secret that has taken its place. Undefined if the API was asked within the last
	 * minute for this reason and there is nothing newer.
	 */
	renew(
		api: ApiContext,
		accountId: string,
		refused: string,
		retryBudget: RetryBudget,
	): Promise<string | undefined>;
	forget(accountId: string): void;
}

/** Keeps secrets in memory alone. */
export function createSecretCache(): SecretCache {
	const entries = new Map<string, Entry>();

	const open = (accountId: string): Entry => {
		const known = entries.get(accountId);
		if (known) return known;
		const entry = { secret: undefined, fetchedAt: 0, renewedAt: 0, asking: undefined };
		entries.set(accountId, entry);
		return entry;
	};
	const ask = async (api: ApiContext, entry: Entry, retryBudget: RetryBudget): Promise<string> => {
		entry.asking ??= fetchWebhookSecret(api, retryBudget)
			.then((secret) => {
				entry.secret = secret;
				entry.fetchedAt = api.clock.now();
				return secret;
			})
			.finally(() => {
				entry.asking = undefined;
			});
		return await entry.asking;
	};
	return {
		async get(api, accountId, retryBudget) {
			const entry = open(accountId);
			const isFresh = api.clock.now() - entry.fetchedAt < MAX_AGE_MS;
			if (entry.secret !== undefined && isFresh) return entry.secret;
			return await ask(api, entry, retryBudget);
		},
		async renew(api, accountId, refused, retryBudget) {
			const entry = open(accountId);
			if (entry.asking) return await entry.asking;
			if (entry.secret !== undefined && entry.secret !== refused) return entry.secret;
			if (api.clock.now() - entry.renewedAt < RENEW_GAP_MS) return undefined;
			entry.renewedAt = api.clock.now();
			return await ask(api, entry, retryBudget);
		},
		forget: (accountId) => void entries.delete(accountId),
	};
}
