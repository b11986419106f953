import type { Clock } from './types.mts';

/** setTimeout turns anything longer into 1 ms. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Wall-clock time. A sleep that is aborted resolves early: whoever sleeps looks at the state again anyway. */
export const realClock: Clock = {
	now: () => Date.now(),
	sleep: (ms, signal) =>
		new Promise((resolve) => {
			if (signal?.aborted) return resolve();
			const finish = () => {
				clearTimeout(timer);
				signal?.removeEventListener('abort', finish);
				resolve();
			};
			const timer = setTimeout(finish, Math.min(Math.max(ms, 0), LONGEST_TIMER_MS));
			signal?.addEventListener('abort', finish, { once: true });
		}),
};
