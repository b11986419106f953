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
		const known = this.#endpoints.get(endpoint) ?? { since: now, attempts: 0, downUntil: 0 };
		known.attempts += 1;
		this.#endpoints.set(endpoint, known);
		return known.attempts >= FEWEST_ATTEMPTS && now - known.since >= LONGEST_SILENCE_MS;
	}

	/** A request was given up: those that follow soon need not find out for themselves. */
	noteDown(endpoint: string, failure: FailureError, now: number): void {
		const known = this.#endpoints.get(endpoint) ?? { since: now, attempts: 0, downUntil: 0 };
		this.#endpoints.set(endpoint, { ...known, failure, downUntil: now + BELIEVED_MS });
	}

	noteAnswer(endpoint: string): void {
		this.#endpoints.delete(endpoint);
	}
}

interface Endpoint {
	/** The first attempt without an answer after the last with one. */
	since: number;
	attempts: number;
	failure?: FailureError;
	downUntil: number;
}

const FEWEST_ATTEMPTS = 5;
const LONGEST_SILENCE_MS = 90_000;
/** After that the next request tries again, with all its attempts. */
const BELIEVED_MS = 30_000;
