import { type ApiContext, type Patience, readFromApi } from './apiRead';
import { PATHS } from './endpoints';
import { isRecord } from './envelope';
import { failureOf, FailureError, settle } from './failures';

/**
 * The secret that the service signs the account's callbacks with (`whsec_…`). Whoever knows it can forge callbacks, so
 * it must reach no item, error or log. Throws a FailureError. Docs: Verify Webhooks.
 */
export async function fetchWebhookSecret(api: ApiContext, patience: Patience): Promise<string> {
	const request = { method: 'GET', target: { path: PATHS.webhookSecret } } as const;
	const purpose = 'fetch the secret that WaveSpeed signs its callbacks with';
	const fetched = await settle(readFromApi(api, request, parseSecret, purpose, patience));
	if (fetched.ok) return fetched.value;
	const failure = failureOf(fetched.error);
	// The usual advice for a refusal is about tasks.
	if (failure?.kind !== 'refused') throw fetched.error;
	throw new FailureError({
		...failure,
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
	get(api: ApiContext, accountId: string, patience: Patience): Promise<string>;
	/**
	 * After `refused` didn't fit: the secret that has taken its place. Undefined if the API was asked within the last
	 * minute for this reason and there is nothing newer.
	 */
	renew(
		api: ApiContext,
		accountId: string,
		refused: string,
		patience: Patience,
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
	const ask = async (api: ApiContext, entry: Entry, patience: Patience): Promise<string> => {
		entry.asking ??= fetchWebhookSecret(api, patience)
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
		async get(api, accountId, patience) {
			const entry = open(accountId);
			const isFresh = api.clock.now() - entry.fetchedAt < MAX_AGE_MS;
			if (entry.secret !== undefined && isFresh) return entry.secret;
			return await ask(api, entry, patience);
		},
		async renew(api, accountId, refused, patience) {
			const entry = open(accountId);
			if (entry.asking) return await entry.asking;
			if (entry.secret !== undefined && entry.secret !== refused) return entry.secret;
			if (api.clock.now() - entry.renewedAt < RENEW_GAP_MS) return undefined;
			entry.renewedAt = api.clock.now();
			return await ask(api, entry, patience);
		},
		forget: (accountId) => void entries.delete(accountId),
	};
}
