import type { Random } from './clock';

/** The first pause after a passing failure; each further one is twice as long. */
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;

/** A rate window lasts a minute (docs: Account levels), so a longer pause than this gains nothing. */
const LONGEST_RATE_LIMIT_PAUSE_MS = 65_000;
const FIRST_RATE_LIMIT_PAUSE_MS = 5_000;

/** A service that asks for hours must not hang a workflow: it is asked again earlier. */
export const LONGEST_RETRY_AFTER_MS = 120_000;
/** One that asks for no wait at all, and refuses again, must not be asked in a tight loop. */
const SHORTEST_RETRY_AFTER_MS = 1_000;

/**
 * The pause in ms before the attempt after `attempt` failures (1 = the first failed).
 * Half of it is random, so that rows that failed together don't come back together.
 */
export function pauseBeforeRetry(attempt: number, random: Random): number {
	return jitter(Math.min(FIRST_PAUSE_MS * 2 ** (attempt - 1), LONGEST_PAUSE_MS), random);
}

/** As above, for answers that say "too many requests". */
export function pauseAfterRateLimit(attempt: number, random: Random): number {
	const full = Math.min(
		FIRST_RATE_LIMIT_PAUSE_MS * 2 ** (attempt - 1),
		LONGEST_RATE_LIMIT_PAUSE_MS,
	);
	return jitter(full, random);
}

const jitter = (ms: number, random: Random): number => ms / 2 + random() * (ms / 2);

/**
 * The wait that a `Retry-After` header asks for, in ms: seconds or an HTTP date (RFC 9110, 10.2.3).
 * Undefined if there is none or it makes no sense.
 */
export function parseRetryAfter(value: string | undefined, nowMs: number): number | undefined {
	const text = value?.trim() ?? '';
	if (text === '') return undefined;
	const wait = /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1000 : Date.parse(text) - nowMs;
	if (!Number.isFinite(wait) || wait < 0) return undefined;
	return Math.min(Math.max(wait, SHORTEST_RETRY_AFTER_MS), LONGEST_RETRY_AFTER_MS);
}
