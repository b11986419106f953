import type { Clock, Random } from './clock';
import { type Cancellation, untilResumed } from './cancellation';
import { parseRetryAfter, pauseAfterRateLimit } from './backoff';

/** Permission for one request; tell it how that ended, once. */
export interface Permit {
	/** 429: everyone waits. */
	refused(retryAfter: string | undefined): void;
	/** Any other answer, which shows that the limit no longer applies. */
	accepted(): void;
	/** No answer: says nothing about the limit. */
	release(): void;
}

/**
 * One pause for all rows of a run after "too many requests": they slow down together, once, instead of each finding
 * out for itself. Afterwards they come back one, two, four … at a time, so that a limit that is lower than
 * the credential says doesn't end in a burst of refusals.
 */
export interface BackoffGate {
	enter(): Promise<Permit>;
	/**
	 * As above; undefined if `deadline` (ms since the epoch) comes while everyone has to wait. Behind a request that
	 * is under way, the caller hears of it when that request ends.
	 */
	enterBefore(deadline: number): Promise<Permit | undefined>;
	/** Since when every request has been refused (ms since the epoch); undefined if the last was not. */
	refusedSince(): number | undefined;
}

/** Wide enough for any account; from here on nothing is held back any more. */
const WIDEST = 64;

interface Waiter {
	/** ms since the epoch. */
	deadline: number;
	/** Set while it waits for a place. */
	wake?: () => void;
}

export function createBackoffGate(
	clock: Clock,
	random: Random,
	cancellation: Cancellation,
): BackoffGate {
	let openAt = 0;
	let round = 0;
	let refusals = 0;
	let since: number | undefined;
	let width = Infinity;
	let underWay = 0;
	/** Who is not in yet, in the order of coming: one that is refused again and again must not keep all others out. */
	const line = new Set<Waiter>();

	const isTurnOf = (waiter: Waiter): boolean => {
		if (width === Infinity) return true;
		let places = width - underWay;
		for (const other of line) {
			if (places <= 0) return false;
			if (other === waiter) return true;
			places -= 1;
		}
		return false;
	};

	/** Wakes as many as there are places, and those who are too late, to give up. */
	const wakeWaiting = (): void => {
		const now = clock.now();
		// In a pause everyone waits for its end alone: if the one with the next place gave up, nobody would wake the rest.
		let places = now < openAt ? line.size : width - underWay;
		for (const waiter of line) {
			if (places <= 0 && now < waiter.deadline) continue;
			// Who is not asleep here comes by itself, and takes the place.
			if (now < waiter.deadline) places -= 1;
			waiter.wake?.();
			waiter.wake = undefined;
		}
	};
	const leave = (): void => {
		underWay -= 1;
		wakeWaiting();
	};
	const waitForPlace = async (waiter: Waiter): Promise<void> => {
		await untilResumed(cancellation, (resume) => {
			waiter.wake = resume;
			return () => (waiter.wake = undefined);
		});
	};
	const createPermit = (enteredIn: number): Permit => {
		let isOpen = true;
		const once = (change: () => void) => (): void => {
			if (!isOpen) return;
			isOpen = false;
			change();
			leave();
		};
		const noteRefusal = (retryAfter: string | undefined): void => {
			const asked = parseRetryAfter(retryAfter, clock.now());
			width = 1;
			if (enteredIn === round) {
				// The first of those that were under way together; the others are the same event.
				round += 1;
				refusals += 1;
				since ??= clock.now();
				openAt = clock.now() + (asked ?? pauseAfterRateLimit(refusals, random));
			} else if (asked !== undefined) {
				openAt = Math.max(openAt, clock.now() + asked);
			}
		};
		return {
			refused: (retryAfter) => once(() => noteRefusal(retryAfter))(),
			accepted: once(() => {
				if (enteredIn !== round) return;
				refusals = 0;
				since = undefined;
				// One more for each that comes through: so every round is twice as wide as the one before.
				width = width + 1 >= WIDEST ? Infinity : width + 1;
			}),
			release: once(() => {}),
		};
	};
	const enterInTurn = async (waiter: Waiter): Promise<Permit | undefined> => {
		const { deadline } = waiter;
		for (;;) {
			cancellation.throwIfCancelled();
			const now = clock.now();
			if (now >= openAt && isTurnOf(waiter)) break;
			if (now >= deadline) return undefined;
			if (now < openAt) await clock.sleep(Math.min(openAt, deadline) - now);
			else {
				await waitForPlace(waiter);
				if (clock.now() >= deadline) return undefined;
			}
		}
		// Both at once: whoever looks next must not count it twice.
		line.delete(waiter);
		underWay += 1;
		return createPermit(round);
	};
	const enterBefore = async (deadline: number): Promise<Permit | undefined> => {
		const waiter: Waiter = { deadline };
		line.add(waiter);
		let permit: Permit | undefined;
		try {
			permit = await enterInTurn(waiter);
			return permit;
		} finally {
			line.delete(waiter);
			if (!permit) wakeWaiting();
		}
	};
	return {
		enterBefore,
		enter: async () => (await enterBefore(Infinity)) as Permit,
		refusedSince: () => since,
	};
}
