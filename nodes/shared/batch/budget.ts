import { type Cancellation, untilResumed } from '../async/cancellation';

/** Sums of prices like 0.1 + 0.2 must not miss a limit of 0.3 by a rounding error. */
const SMALLEST_AMOUNT_USD = 1e-9;

/**
 * What the rows of a run cost together, decided in the order of the rows: which rows fit must not be chance. A row waits
 * for the decisions of the rows before it that have begun, and never for one that has not: that one may be waiting for
 * the very place that this row holds.
 */
export class Budget {
	#spentUsd: number;
	readonly #cancellation: Cancellation;
	/** Begun and not decided. */
	readonly #undecided = new Set<number>();
	/** No undecided row comes before it, and none after `#last`. */
	#first = 0;
	#last = -1;
	readonly #waiting = new Map<number, () => void>();

	constructor(alreadySpentUsd: number, cancellation: Cancellation) {
		this.#spentUsd = alreadySpentUsd;
		this.#cancellation = cancellation;
	}

	/** The row is worked on from now on. */
	begin(row: number): void {
		this.#undecided.add(row);
		this.#first = Math.min(this.#first, row);
		this.#last = Math.max(this.#last, row);
	}

	/**
	 * Waits until the rows before it are decided. Returns undefined if `costUsd` fits below `limitUsd` and is reserved now,
	 * else what the run has spent or reserved so far.
	 */
	async decide(
		row: number,
		costUsd: number,
		limitUsd: number | undefined,
	): Promise<number | undefined> {
		while (this.#undecided.has(row) && this.#findFirst() < row) {
			await untilResumed(this.#cancellation, (resume) => {
				this.#waiting.set(row, resume);
				return () => this.#waiting.delete(row);
			});
		}
		const before = this.#spentUsd;
		const fits = limitUsd === undefined || before + costUsd <= limitUsd + SMALLEST_AMOUNT_USD;
		if (fits) this.#spentUsd += costUsd;
		this.skip(row);
		return fits ? undefined : before;
	}

	/** No row waits for this one any more: it failed, or was decided in an earlier attempt. */
	skip(row: number): void {
		if (!this.#undecided.delete(row)) return;
		const next = this.#findFirst();
		this.#waiting.get(next)?.();
		this.#waiting.delete(next);
	}

	/** Spent by another execution meanwhile, for a row of this one. */
	add(costUsd: number): void {
		this.#spentUsd += costUsd;
	}

	/** The reserved money was not spent after all. */
	release(costUsd: number): void {
		this.#spentUsd -= costUsd;
	}

	#findFirst(): number {
		while (this.#first <= this.#last && !this.#undecided.has(this.#first)) this.#first += 1;
		return this.#first;
	}
}
