import type { Clocks } from '../../async/clock';
import { momentOf } from '../../async/moment';

/**
 * What time it is at the service, told by the `Date` header of its answers. The machine's clock may be wrong by minutes
 * and may jump; a search by time for a lost task must not miss it for that. All times in and out are ms; `steady` is the
 * process's steady clock, which stands still while the machine sleeps: where it has lost the machine's, what an answer
 * told before says nothing any more, until the next one comes.
 */
export class ServiceClock {
	#offset: number | undefined;
	/** What the machine's clock was ahead of the steady one then. */
	#wallOffset = 0;

	isKnown(clock: Clocks): boolean {
		return (
			this.#offset !== undefined && Math.abs(aheadOf(clock) - this.#wallOffset) <= MOST_DRIFT_MS
		);
	}

	/**
	 * To be called when the answer has come. `askedAt`: when the request left; an answer that came while the machine slept is
	 * as old as the sleep.
	 */
	note(headers: Record<string, string>, clock: Clocks, askedAt = momentOf(clock)): void {
		if (Math.abs(aheadOf(clock) - (askedAt.wall - askedAt.steady)) > MOST_DRIFT_MS) return;
		const date = Date.parse(headers.date ?? '');
		// A cache says how old its copy is (RFC 9111, 5.1).
		const age = Number(headers.age ?? 0);
		if (Number.isNaN(date) || !(age >= 0)) return;
		this.#offset = date + HALF_SECOND_MS + age * 1000 - clock.now();
		this.#wallOffset = aheadOf(clock);
	}

	/** The service's time for a moment of the steady clock; undefined as long as no answer has told it. */
	timeAt(steady: number, clock: Clocks): number | undefined {
		return this.#offset === undefined || !this.isKnown(clock) ? undefined : steady + this.#offset;
	}
}

const aheadOf = (clock: Clocks): number => clock.wallTime() - clock.now();

/** More than clocks differ in days, and less than matters. */
const MOST_DRIFT_MS = 30_000;

/** The header has whole seconds, cut off. */
const HALF_SECOND_MS = 500;
