import { untilResumed } from '../async/cancellation';
import type { Clock } from '../async/clock';
import { settle } from '../async/settle';
import type { Waiter } from '../async/waiter';
import { fail, failureOf } from '../wavespeed/failures';

/** So many rows one after the other without an answer or a task are no accident: the service, or the way to it, is down. */
const MOST_FAILED_ROWS = 3;

/** After that the next submit tries again. */
const BELIEVED_MS = 60_000;

/** Nothing was sent, so only time is at stake: all rows that wait for a connection fail now, and a retry soon tries. */
const UNREACHABLE_MS = 1_000;

/**
 * Keeps submits back while the service doesn't answer them. Each one that is sent then may be paid for and has to be
 * looked for, and a batch would find out row after row. Times are ms on the steady clock.
 */
export class SubmitBreaker {
	/** Lost submits for which nobody knows yet whether the service is there at all. */
	#suspicions = 0;
	/** Since the last accepted submit; the one that failed longest ago comes first. */
	readonly #failedRows = new Set<unknown>();
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
			await untilResumed(cancellation, (resume) => {
				this.#waiting.add(resume);
				return () => this.#waiting.delete(resume);
			});
		}
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

	/**
	 * A search has found no task for a lost submit. `row`: the same for all tries of a row. One row whose submits the
	 * service never answers must not keep others back.
	 */
	noteNothingFound(clock: Clock, reason: string, row: unknown): void {
		this.#noteFailed(clock, reason, { row, believedMs: BELIEVED_MS });
	}

	/** The service could not be reached. */
	noteNotSent(clock: Clock, reason: string): void {
		this.#noteFailed(clock, reason, { row: {}, believedMs: UNREACHABLE_MS });
	}

	#noteFailed(
		clock: Clock,
		reason: string,
		{ row, believedMs }: { row: unknown; believedMs: number },
	): void {
		this.#failedRows.delete(row);
		this.#failedRows.add(row);
		if (this.#failedRows.size < MOST_FAILED_ROWS) return;
		// One more like these is enough then.
		const [oldest] = this.#failedRows;
		this.#failedRows.delete(oldest);
		this.#open(clock, reason, believedMs);
		this.#wake();
	}

	/** A submit has made a task, whether its answer came or not. */
	noteAccepted(): void {
		this.#failedRows.clear();
		this.#downUntil = 0;
		this.#wake();
	}

	#open(clock: Clock, reason: string, believedMs: number): void {
		this.#downUntil = Math.max(this.#downUntil, clock.now() + believedMs);
		this.#reason = reason;
	}

	#wake(): void {
		const waiting = [...this.#waiting];
		this.#waiting.clear();
		for (const resume of waiting) resume();
	}
}
