import type { Clock } from '../async/clock';
import { type Cancellation, untilResumed } from '../async/cancellation';

/** What the account allows (docs: Account levels). `submitsPerMinute` is the figure for videos. */
export const ACCOUNT_LIMITS = {
	bronze: { tasksInFlight: 2, submitsPerMinute: 2 },
	silver: { tasksInFlight: 300, submitsPerMinute: 500 },
	gold: { tasksInFlight: 3000, submitsPerMinute: 3000 },
	ultra: { tasksInFlight: 10_000, submitsPerMinute: 5000 },
} as const;

export type AccountLevel = keyof typeof ACCOUNT_LIMITS;

/** Places that are given out in the order of asking. */
export interface Slots {
	/** Waits for a place; the function returned gives it back (once, further calls do nothing). */
	take(): Promise<() => void>;
}

export function createSlots(count: number, cancellation: Cancellation): Slots {
	let free = count;
	const waiting = new Set<() => void>();

	const giveBack = (): void => {
		const next = waiting.values().next();
		if (next.done) free += 1;
		else {
			waiting.delete(next.value);
			next.value();
		}
	};
	return {
		async take() {
			cancellation.throwIfCancelled();
			if (free > 0) free -= 1;
			else {
				await untilResumed(cancellation, (resume) => {
					waiting.add(resume);
					return () => waiting.delete(resume);
				});
			}
			let isHeld = true;
			return () => {
				if (isHeld) giveBack();
				isHeld = false;
			};
		},
	};
}

const MINUTE_MS = 60_000;

/** At most `count` submits in any 60 seconds. */
export interface RateWindow {
	/** Waits for a turn; call the function returned when the submit has been answered. */
	enter(): Promise<() => void>;
}

/**
 * A submit counts from its answer on, not from its sending: the service sees it somewhere in between, and two
 * that were sent 60 s apart may arrive closer together. `earlier`: the submits of an earlier attempt, ms since the epoch.
 */
export function createRateWindow(
	count: number,
	clock: Clock,
	cancellation: Cancellation,
	earlier: number[] = [],
): RateWindow {
	const turn = createSlots(1, cancellation);
	let answeredAt = [...earlier].sort((a, b) => a - b);
	let underWay = 0;
	let wake: (() => void) | undefined;

	const hasRoom = (): boolean => {
		answeredAt = answeredAt.filter((time) => time > clock.now() - MINUTE_MS);
		return underWay + answeredAt.length < count;
	};
	const waitForRoom = async (): Promise<void> => {
		while (!hasRoom()) {
			const oldest = answeredAt[0];
			if (oldest !== undefined) {
				await clock.sleep(Math.max(1, oldest + MINUTE_MS - clock.now()));
				continue;
			}
			await untilResumed(cancellation, (resume) => {
				wake = resume;
			});
		}
		// Before the turn is given back: the next caller must not look before this one counts.
		underWay += 1;
	};
	return {
		async enter() {
			const giveBack = await turn.take();
			await waitForRoom().finally(giveBack);
			return () => {
				underWay -= 1;
				answeredAt.push(clock.now());
				wake?.();
			};
		},
	};
}

/** Submits run side by side, a search for a lost task alone: else it could take another row's task for its own. */
export interface SubmitLock {
	shared<T>(work: () => Promise<T>): Promise<T>;
	exclusive<T>(work: () => Promise<T>): Promise<T>;
}

export function createSubmitLock(): SubmitLock {
	let running = 0;
	let lastExclusive: Promise<unknown> = Promise.resolve();
	let idle: (() => void)[] = [];

	const leave = (): void => {
		running -= 1;
		if (running > 0) return;
		const waiting = idle;
		idle = [];
		for (const wake of waiting) wake();
	};
	return {
		async shared(work) {
			for (let seen; seen !== lastExclusive; ) {
				seen = lastExclusive;
				await seen;
			}
			running += 1;
			return await work().finally(leave);
		},
		async exclusive(work) {
			const turn = lastExclusive.then(async () => {
				if (running > 0) await new Promise<void>((resolve) => idle.push(resolve));
				return await work();
			});
			lastExclusive = turn.then(
				() => {},
				() => {},
			);
			return await turn;
		},
	};
}
