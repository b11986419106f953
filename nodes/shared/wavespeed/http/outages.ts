import { LONGEST_RETRY_AFTER_MS } from '../../async/backoff';
import type { Clock } from '../../async/clock';
import type { FailureError } from '../failures';

/**
 * Which endpoints and hosts do not answer at the moment. Without it a batch meets an outage row after row, each with all
 * its attempts: 1,000 rows would fail in hours instead of minutes. A row that fails frees its place for the next one, so
 * an outage that is believed too soon fails the whole batch in a moment, for the sake of the few bad files that stand in
 * front of it. Times are ms on the steady clock.
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
		const begunAt = now();
		// A large file may take longer than what was noted is remembered: what was known at its beginning is not forgotten.
		const keep = (): unknown => this.#get(endpoint, now(), begunAt);
		return {
			whyDown: () => this.whyDown(endpoint, now()),
			throwIfDown: () => {
				const known = this.whyDown(endpoint, now());
				if (known) throw known;
			},
			noteNoAnswer: (status) => {
				keep();
				return this.noteNoAnswer(endpoint, status, now());
			},
			noteTurnedAway: (failure) => this.noteTurnedAway(endpoint, failure, now(), begunAt),
			noteHeldBack: () => this.#noteHeldBack(endpoint, now()),
			noteAnswer: () => this.noteAnswer(endpoint),
			noteDown: (failure) => {
				keep();
				this.noteDown(endpoint, target, failure, now());
			},
		};
	}

	/**
	 * One attempt without a usable answer; `status`: the HTTP status that came in its place. True as soon as that goes on for
	 * so long that waiting is no use.
	 */
	noteNoAnswer(endpoint: string, status: number | undefined, now: number): boolean {
		const known = this.#get(endpoint, now);
		known.turnedAwaySince = undefined;
		known.attempts += 1;
		known.isRefusing = status !== undefined && !GATEWAY_TIMEOUTS.has(status);
		return known.attempts >= FEWEST_ATTEMPTS && now - known.since >= LONGEST_SILENCE_MS;
	}

	/**
	 * "Too many requests". That slows all down and is waited for; but where nothing else is said for as long as one request
	 * waits, each wave of rows would wait for as long again.
	 */
	noteTurnedAway(endpoint: string, failure: FailureError, now: number, begunAt = now): void {
		const known = this.#get(endpoint, now);
		// Since then nobody has even waited for a turn.
		if (begunAt - known.turnedAwayAt > LONGEST_GAP_MS) known.turnedAwaySince = undefined;
		known.turnedAwayAt = now;
		known.turnedAwaySince ??= now;
		if (now - known.turnedAwaySince >= LONGEST_TURNED_AWAY_MS) this.#believe(known, failure, now);
	}

	/** A request had to wait for others' "too many requests" until it was too late for it. */
	#noteHeldBack(endpoint: string, now: number): void {
		const known = this.#endpoints.get(endpoint);
		if (known?.turnedAwaySince !== undefined) known.turnedAwayAt = now;
	}

	/**
	 * A request was given up. As soon as that goes on for a while, whatever is asked for, those that follow need not find out
	 * for themselves. `target`: what exactly was asked for.
	 */
	noteDown(endpoint: string, target: string, failure: FailureError, now: number): void {
		const known = this.#get(endpoint, now);
		// Told by `whyDown`: a failure that is passed on is no news, and would keep itself alive for ever.
		if (known.failure === failure) return;
		known.givenUp += 1;
		const fewest = known.isRefusing ? FEWEST_REFUSED : FEWEST_SILENT;
		if (known.targets.size < fewest) known.targets.add(target);
		const isOneAlone = known.targets.size < fewest && known.givenUp < fewest * TRIES_OF_ONE;
		if (isOneAlone || now - known.since < LONGEST_SILENCE_MS) return;
		this.#believe(known, failure, now);
	}

	#believe(known: Endpoint, failure: FailureError, now: number): void {
		known.failure = failure;
		known.downUntil = now + BELIEVED_MS;
	}

	noteAnswer(endpoint: string): void {
		this.#endpoints.delete(endpoint);
	}

	/** `begunAt`: when the work began that is now noted. */
	#get(endpoint: string, now: number, begunAt = now): Endpoint {
		const nothing = {
			since: now,
			turnedAwaySince: undefined,
			turnedAwayAt: -Infinity,
			notedAt: now,
			attempts: 0,
			isRefusing: false,
			givenUp: 0,
			targets: new Set<string>(),
			downUntil: 0,
		};
		const found = this.#endpoints.get(endpoint);
		const known = found && begunAt - found.notedAt < FORGOTTEN_MS ? found : nothing;
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
	throwIfDown(): void;
	/** True if nothing has been heard for so long that further attempts are no use. */
	noteNoAnswer(status: number | undefined): boolean;
	/** `failure`: what others are told if that goes on. */
	noteTurnedAway(failure: FailureError): void;
	/** It had no turn before its deadline, because of "too many requests". */
	noteHeldBack(): void;
	noteAnswer(): void;
	/** It was given up. */
	noteDown(failure: FailureError): void;
}

interface Endpoint {
	/** The first attempt without an answer after the last with one. */
	since: number;
	/** The first "too many requests" after which nothing else was said. */
	turnedAwaySince: number | undefined;
	/** The last one. */
	turnedAwayAt: number;
	/** The last. */
	notedAt: number;
	attempts: number;
	/** The last one was answered, with an error. */
	isRefusing: boolean;
	/** Requests, each with all its attempts, and the first things that they asked for. */
	givenUp: number;
	targets: Set<string>;
	failure?: FailureError;
	downUntil: number;
}

/** Whoever names the hosts may name a new one for each file. */
const MOST_KEPT = 100;

/** Bad rows are refused one by one in seconds, and so many may stand in front of the good ones. */
const FEWEST_REFUSED = 21;

/** One more than the uploads side by side: others are tried before all are given up. Each may take two minutes to find out. */
const FEWEST_SILENT = 5;

/** A gateway has waited in vain, as we would have. */
export const GATEWAY_TIMEOUTS: ReadonlySet<number> = new Set([408, 504]);

/** Rows that ask for the same tell an outage all the same, if they do so more often than Retry On Fail (five times). */
const TRIES_OF_ONE = 2;
const FEWEST_ATTEMPTS = 5;
const LONGEST_SILENCE_MS = 90_000;
/** No less than one request waits. */
const LONGEST_TURNED_AWAY_MS = 10 * 60_000;
/** Longer than the longest pause and a request: for so long nobody has asked, so that one of before says nothing. */
const LONGEST_GAP_MS = LONGEST_RETRY_AFTER_MS + 60_000;
/** What was noted so long ago says nothing about now: a bad file of yesterday must not cut today's attempts short. */
const FORGOTTEN_MS = 10 * 60_000;
/** After that the next request tries again, with all its attempts. */
const BELIEVED_MS = 30_000;
