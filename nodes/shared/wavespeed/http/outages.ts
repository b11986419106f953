import type { Clock } from '../../async/clock';
import type { FailureError } from '../failures';

/**
 * Which endpoints and hosts do not answer at the moment. Without it a batch meets an outage row after row, each with all
 * its attempts: 1,000 rows would fail in hours instead of minutes. Times are ms on the steady clock.
 */
export class Outages {
	readonly #endpoints = new Map<string, Endpoint>();

	/** What others have found out within the last half minute, if the endpoint is down. */
	whyDown(endpoint: string, now: number): FailureError | undefined {
		const known = this.#endpoints.get(endpoint);
		return known && now < known.downUntil ? known.failure : undefined;
	}

	/** The same for one piece of work. `target`: what exactly is asked for. */
	watch(endpoint: string, target: string, { now }: Clock): OutageWatch {
		return {
			whyDown: () => this.whyDown(endpoint, now()),
			noteNoAnswer: () => this.noteNoAnswer(endpoint, now()),
			noteAnswer: () => this.noteAnswer(endpoint),
			noteDown: (failure) => this.noteDown(endpoint, target, failure, now()),
		};
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
		// Told by `whyDown`: a failure that is passed on is no news, and would keep itself alive for ever.
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
			notedAt: now,
			attempts: 0,
			givenUp: 0,
			targets: new Set<string>(),
			downUntil: 0,
		};
		const found = this.#endpoints.get(endpoint);
		const known = found && now - found.notedAt < FORGOTTEN_MS ? found : nothing;
		known.notedAt = now;
		// The one in front is the one that nothing was heard of for longest.
		this.#endpoints.delete(endpoint);
		this.#endpoints.set(endpoint, known);
		const [oldest] = this.#endpoints.keys();
		if (this.#endpoints.size > MOST_KEPT && oldest !== undefined) this.#endpoints.delete(oldest);
		return known;
	}
}

/** What a piece of work hears from others that want the same endpoint, and tells them. */
export interface OutageWatch {
	whyDown(): FailureError | undefined;
	/** True if nothing has been heard for so long that further attempts are no use. */
	noteNoAnswer(): boolean;
	noteAnswer(): void;
	/** It was given up. */
	noteDown(failure: FailureError): void;
}

interface Endpoint {
	/** The first attempt without an answer after the last with one. */
	since: number;
	/** The last. */
	notedAt: number;
	attempts: number;
	/** Requests, each with all its attempts, and the first two things that they asked for. */
	givenUp: number;
	targets: Set<string>;
	failure?: FailureError;
	downUntil: number;
}

/** Whoever names the hosts may name a new one for each file. */
const MOST_KEPT = 100;

/** Retry On Fail asks up to five times; rows that ask for the same tell an outage all the same. */
const MOST_TRIES_OF_ONE = 5;
const FEWEST_ATTEMPTS = 5;
const LONGEST_SILENCE_MS = 90_000;
/** What was noted so long ago says nothing about now: a bad file of yesterday must not cut today's attempts short. */
const FORGOTTEN_MS = 10 * 60_000;
/** After that the next request tries again, with all its attempts. */
const BELIEVED_MS = 30_000;
