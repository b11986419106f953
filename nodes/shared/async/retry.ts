import { pauseBeforeRetry } from './backoff';
import type { Clock, Random } from './clock';

/** What came of an attempt. */
export type Attempt<T> =
	| { kind: 'done'; value: T }
	/** No further attempt helps. */
	| { kind: 'failed' }
	/** The reason may pass. `askedMs`: the pause that the other side has asked for. `isFree`: doesn't count as an attempt. */
	| { kind: 'transient'; askedMs?: number; isFree?: boolean }
	/** Told to come again later: the wait is somebody else's, and doesn't count as an attempt. */
	| { kind: 'turnedAway' };

export interface RetryLimits {
	/** Give up after so many attempts that failed for a reason that may pass. */
	maxAttempts?: number;
	/** Give up rather than pause beyond this time, on the steady clock. */
	deadline?: number;
	/** Asked before each pause. */
	goesOn?: () => boolean;
}

/**
 * The one loop that does something again: until it is done, with growing pauses. Undefined if it was given up; the
 * caller knows what the last attempt has found.
 */
export async function retry<T>(
	{ clock, random }: { clock: Clock; random: Random },
	{ maxAttempts = Infinity, deadline = Infinity, goesOn = () => true }: RetryLimits,
	attemptOnce: () => Promise<Attempt<T>>,
): Promise<T | undefined> {
	let counted = 0;
	for (let attempt = 1; ; ) {
		const outcome = await attemptOnce();
		if (outcome.kind === 'done') return outcome.value;
		if (outcome.kind === 'failed') return undefined;
		if (outcome.kind === 'turnedAway') continue;
		const pauseMs = Math.max(outcome.askedMs ?? 0, pauseBeforeRetry(attempt, random));
		if (!outcome.isFree) counted += 1;
		if (counted >= maxAttempts || clock.now() + pauseMs >= deadline || !goesOn()) return undefined;
		await clock.sleep(pauseMs);
		attempt += 1;
	}
}
