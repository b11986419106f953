import { type Cancellation, untilResumed } from '../async/cancellation';
import type { Ledger, RowKey } from './ledger';

/** Sums of prices like 0.1 + 0.2 must not miss a limit of 0.3 by a rounding error. */
const SMALLEST_AMOUNT_USD = 1e-9;

/**
 * Whether a row's price still fits into what the run may cost, decided in the order of the rows: which rows fit must not be chance. A row waits
 * for the decisions of the rows before it that have begun, and never for one that has not: that one may be waiting for
 * the very place that this row holds.
 */
export class Budget {
	readonly #ledger: Pick<Ledger, 'spentUsd' | 'reserve'>;
	readonly #cancellation: Cancellation;
	/** Begun and not decided. */
	readonly #undecided = new Set<number>();
	/** No undecided row comes before it, and none after `#last`. */
	#first = 0;
	#last = -1;
	readonly #waiting = new Map<number, () => void>();

	constructor(ledger: Pick<Ledger, 'spentUsd' | 'reserve'>, cancellation: Cancellation) {
		this.#ledger = ledger;
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
		{ row, hash }: RowKey,
		costUsd: number,
		limitUsd: number | undefined,
	): Promise<number | undefined> {
		while (this.#undecided.has(row) && this.#findFirst() < row) {
			await untilResumed(this.#cancellation, (resume) => {
				this.#waiting.set(row, resume);
				return () => this.#waiting.delete(row);
			});
		}
		const before = this.#ledger.spentUsd();
		const fits = limitUsd === undefined || before + costUsd <= limitUsd + SMALLEST_AMOUNT_USD;
		if (fits) this.#ledger.reserve(row, hash, costUsd);
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

	#findFirst(): number {
		while (this.#first <= this.#last && !this.#undecided.has(this.#first)) this.#first += 1;
		return this.#first;
	}
}
