import { type Cancellation, untilResumed } from '../async/cancellation';
import type { Clock } from '../async/clock';
import { settle } from '../async/settle';
import type { Waiter } from '../async/waiter';
import { fail, failureOf } from '../wavespeed/failures';

/**
 * So many rows one after the other without an answer or a task are no accident: the service is suspected to be down. From
 * then on one submit at a time tries: each may be paid for.
 */
const SUSPECTED_AFTER_ROWS = 3;

/**
 * So many bad rows may stand in front of the good ones. Each submit without an answer may be paid for, and a new account sends
 * two a minute: with more of them, a service that is down would take more money and more than five minutes.
 */
const MOST_FAILED_ROWS = 10;

/** Where nobody answers a submit for so long, further ones are no use. A silent one takes two minutes to find out. */
const LONGEST_SILENCE_MS = 4 * 60_000;

/** What was noted so long ago says nothing about now: the bad rows of yesterday must not count for today's. */
const FORGOTTEN_MS = 10 * 60_000;

/** After that the next submit tries again. */
const BELIEVED_MS = 60_000;

/** Most gaps without a connection end by then: a restart of a router, of a proxy, of the service. */
const LONGEST_UNREACHABLE_MS = 90_000;

/** Meanwhile one submit tries after such pauses, each twice as long as the one before. */
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 15_000;

/** Nothing was sent, so only time is at stake: all rows that wait for a connection fail then, and a retry soon tries. */
const UNREACHABLE_MS = 1_000;

/** In one gap there are some ten; who never gets a connection must not try for ever, once in each of its turns. */
const MOST_TRIES = 30;

/** Of a submit that could not leave. */
interface Tries {
	/** When the first one of the present gap was sent, and when the last one was noted. */
	since: number;
	at: number;
	/** In all gaps. */
	count: number;
}

/** A submit without a clear answer. */
export interface LostAnswer {
	/** What came in the place of an answer. */
	said: string;
	/** Nobody has said anything. */
	isSilent: boolean;
	sentAt: number;
}

/**
 * Keeps submits back while the service doesn't answer them. Each one that is sent then may be paid for and has to be
 * looked for, and a batch would find out row after row. Times are ms on the steady clock.
 */
export class SubmitBreaker {
	/** Lost submits for which nobody knows yet whether the service is there at all. */
	#suspicions = 0;
	/** Those whose search goes on: most likely they fail. */
	readonly #lostRows = new Set<unknown>();
	/** Since the last accepted submit; the one that failed longest ago comes first. */
	readonly #failedRows = new Set<unknown>();
	/** When the youngest submit that has made a task was sent: what came of older ones says nothing about now. */
	#acceptedSentAt = -Infinity;
	/** When the first of them was sent, and when the last was noted. */
	#failingSince = 0;
	#failedAt = 0;
	/** When the first submit that could not even leave was tried, since the last one that could; and when the last was noted. */
	#unreachableSince: number | undefined;
	#notSentAt = -Infinity;
	/** The same by submit, for one that never gets a connection when others do. */
	readonly #tries = new WeakMap<object, Tries>();
	#nextTryAt = -Infinity;
	#pauseMs = FIRST_PAUSE_MS;
	/** The submit that tries for all while the service is suspected. */
	#probe: object | undefined;
	#downUntil = 0;
	#reason = '';
	readonly #waiting = new Set<() => void>();

	/** Waits while it is being found out whether the service is there. Throws (`unavailable`) if it isn't. */
	async enter({ clock, cancellation }: Waiter): Promise<void> {
		for (;;) {
			cancellation.throwIfCancelled();
			if (clock.now() < this.#downUntil) {
				fail('unavailable', 'submitsHeldBack', { said: this.#reason });
			}
			if (this.#suspicions === 0) return;
			await this.#untilWoken(cancellation);
		}
	}

	/** As above, and waits for its turn while one submit tries for all. `leave` gives the turn back. */
	async enterInTurn(waiter: Waiter, submit: object): Promise<void> {
		const { clock, cancellation } = waiter;
		for (;;) {
			await this.enter(waiter);
			const pauseMs = this.#nextTryAt - clock.now();
			if (!this.#isTurnOf(submit, clock.now())) await this.#untilWoken(cancellation);
			else if (pauseMs > 0) await clock.sleep(pauseMs);
			else return;
		}
	}

	/** Whether the submit may leave now: also one that came in before there was a suspicion. */
	takeTurn(submit: object, now: number): boolean {
		return this.#isTurnOf(submit, now) && now >= this.#nextTryAt;
	}

	#isTurnOf(submit: object, now: number): boolean {
		if (now - this.#failedAt >= FORGOTTEN_MS) this.#failedRows.clear();
		const isSuspected = this.#lostRows.size + this.#failedRows.size >= SUSPECTED_AFTER_ROWS;
		if (!isSuspected && this.#unreachableSince === undefined) return true;
		this.#probe ??= submit;
		return this.#probe === submit;
	}

	/** To be called when it is known what came of a submit: the next one tries. */
	leave(submit: object): void {
		if (this.#probe !== submit) return;
		this.#probe = undefined;
		this.#wake();
	}

	/**
	 * A submit had no clear answer. Others wait until `probe`, the first reading of the task list, has ended: if that can't be
	 * had either, they are not sent.
	 */
	async suspect<T>(clock: Clock, reason: string, probe: () => Promise<T>): Promise<T> {
		this.#suspicions += 1;
		const outcome = await settle(probe());
		this.#suspicions -= 1;
		// A run that was stopped in the middle of it has found out nothing.
		if (!outcome.ok && failureOf(outcome.error)?.kind === 'unavailable')
			this.#open(clock, reason, BELIEVED_MS);
		this.#wake();
		if (outcome.ok) return outcome.value;
		throw outcome.error;
	}

	/** A submit had no clear answer, and its task is looked for. `row`: the same for all tries of a row. */
	noteLost({ sentAt }: LostAnswer, row: unknown): void {
		if (sentAt > this.#acceptedSentAt) this.#lostRows.add(row);
	}

	/** The search for its task is over, whatever has come of it. */
	noteSearched(row: unknown): void {
		this.#lostRows.delete(row);
		this.#wake();
	}

	/**
	 * A search has ended without a task for a lost submit. A few rows whose submits the service never answers must not keep
	 * others back.
	 */
	noteNothingFound(clock: Clock, { said, isSilent, sentAt }: LostAnswer, row: unknown): void {
		if (sentAt <= this.#acceptedSentAt) return;
		const now = clock.now();
		if (now - this.#failedAt >= FORGOTTEN_MS) this.#failedRows.clear();
		if (this.#failedRows.size === 0) this.#failingSince = sentAt;
		this.#failedAt = now;
		this.#failedRows.delete(row);
		this.#failedRows.add(row);
		const isTooLong = isSilent && now - this.#failingSince >= LONGEST_SILENCE_MS;
		const most = isTooLong ? SUSPECTED_AFTER_ROWS - 1 : MOST_FAILED_ROWS;
		if (this.#failedRows.size <= most) return;
		// One more like these is enough then.
		const [oldest] = this.#failedRows;
		if (this.#failedRows.size > MOST_FAILED_ROWS) this.#failedRows.delete(oldest);
		this.#open(clock, said, BELIEVED_MS);
	}

	/**
	 * A submit could not even leave, so it may be sent again. One tries for all then, with pauses. False: that has gone on for
	 * too long, and whoever waits fails as well.
	 */
	noteNotSent(
		clock: Clock,
		{ said, sentAt }: Pick<LostAnswer, 'said' | 'sentAt'>,
		submit: object,
	): boolean {
		const now = clock.now();
		if (now - this.#notSentAt >= FORGOTTEN_MS) this.noteReached();
		this.#notSentAt = now;
		this.#unreachableSince ??= sentAt;
		const tries = this.#noteTry(submit, sentAt, now);
		if (now - this.#unreachableSince >= LONGEST_UNREACHABLE_MS) {
			// Whoever comes then tries immediately, and fails immediately.
			this.#nextTryAt = now;
			this.#open(clock, said, UNREACHABLE_MS);
		} else if (now >= this.#nextTryAt) {
			// The first of those that were under way together; the others are the same event.
			this.#nextTryAt = now + this.#pauseMs;
			this.#pauseMs = Math.min(2 * this.#pauseMs, LONGEST_PAUSE_MS);
		}
		if (tries.count >= MOST_TRIES) return false;
		return now - Math.min(this.#unreachableSince, tries.since) < LONGEST_UNREACHABLE_MS;
	}

	/** A gap long after the last one is another one: between them the submit has waited for its turn again. */
	#noteTry(submit: object, sentAt: number, now: number): Tries {
		const before = this.#tries.get(submit);
		const isSameGap = before && sentAt - before.at < LONGEST_UNREACHABLE_MS;
		const since = isSameGap ? before.since : sentAt;
		const tries = { since, at: now, count: (before?.count ?? 0) + 1 };
		this.#tries.set(submit, tries);
		return tries;
	}

	/** A submit has left, whatever has come of it. */
	noteReached(): void {
		if (this.#unreachableSince === undefined) return;
		this.#unreachableSince = undefined;
		this.#nextTryAt = -Infinity;
		this.#pauseMs = FIRST_PAUSE_MS;
		this.#wake();
	}

	/** A submit has made a task, whether its answer came or not. */
	noteAccepted(sentAt: number): void {
		this.#acceptedSentAt = Math.max(this.#acceptedSentAt, sentAt);
		this.#lostRows.clear();
		this.#failedRows.clear();
		this.#downUntil = 0;
		this.#wake();
	}

	#open(clock: Clock, reason: string, believedMs: number): void {
		this.#downUntil = Math.max(this.#downUntil, clock.now() + believedMs);
		this.#reason = reason;
		this.#wake();
	}

	async #untilWoken(cancellation: Cancellation): Promise<void> {
		await untilResumed(cancellation, (resume) => {
			this.#waiting.add(resume);
			return () => this.#waiting.delete(resume);
		});
	}

	#wake(): void {
		const waiting = [...this.#waiting];
		this.#waiting.clear();
		for (const resume of waiting) resume();
	}
}
