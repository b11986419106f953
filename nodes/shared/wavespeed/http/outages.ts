import type { FailureError } from '../failures';

/**
 * Which endpoints do not answer at the moment. Without it a batch meets an outage row after row, each with all its
 * attempts: 1,000 rows would fail in hours instead of minutes. Times are ms on the steady clock.
 */
export class Outages {
	readonly #endpoints = new Map<string, Endpoint>();

	/** Throws if the endpoint is known to be down; what it was like when that was found out. */
	throwIfDown(endpoint: string, now: number): void {
		const known = this.#endpoints.get(endpoint);
		if (known?.failure && now < known.downUntil) throw known.failure;
	}

	/** One attempt without a usable answer. True as soon as that goes on for so long that waiting is no use. */
	noteNoAnswer(endpoint: string, now: number): boolean {
		const known = this.#get(endpoint, now);
		known.attempts += 1;
		return known.attempts >= FEWEST_ATTEMPTS && now - known.since >= LONGEST_SILENCE_MS;
	}

	/**
	 * A request was given up. As soon as it is not this one alone, those that follow need not find out for themselves: one
	 * task that can't be read must not fail the others. `target`: what exactly was asked for.
	 */
	noteDown(endpoint: string, target: string, failure: FailureError, now: number): void {
		const known = this.#get(endpoint, now);
		// Told by `throwIfDown`: a failure that is passed on is no news, and would keep itself alive for ever.
		if (known.failure === failure) return;
		known.givenUp += 1;
		if (known.targets.size < 2) known.targets.add(target);
		if (known.targets.size < 2 && known.givenUp < MOST_TRIES_OF_ONE) return;
		known.failure = failure;
		known.downUntil = now + BELIEVED_MS;
	}

	noteAnswer(endpoint: string): void {
		this.#endpoints.delete(endpoint);
	}

	#get(endpoint: string, now: number): Endpoint {
		const nothing = {
			since: now,
			attempts: 0,
			givenUp: 0,
			targets: new Set<string>(),
			downUntil: 0,
		};
		const known = this.#endpoints.get(endpoint) ?? nothing;
		this.#endpoints.set(endpoint, known);
		return known;
	}
}

interface Endpoint {
	/** The first attempt without an answer after the last with one. */
	since: number;
	attempts: number;
	/** Requests, each with all its attempts, and the first two things that they asked for. */
	givenUp: number;
	targets: Set<string>;
	failure?: FailureError;
	downUntil: number;
}

/** Retry On Fail asks up to five times; rows that ask for the same tell an outage all the same. */
const MOST_TRIES_OF_ONE = 5;
const FEWEST_ATTEMPTS = 5;
const LONGEST_SILENCE_MS = 90_000;
/** After that the next request tries again, with all its attempts. */
const BELIEVED_MS = 30_000;
