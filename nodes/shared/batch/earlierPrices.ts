import { mapConcurrently } from '../async/runConcurrently';
import { settle } from '../async/settle';
import { SingleFlight } from '../async/singleFlight';
import type { ApiContext } from '../wavespeed/http/request';
import { FailureError, failureOf, makeFailure } from '../wavespeed/failures';
import { quotePrice } from '../wavespeed/tasks/quotePrice';
import { inputOf, type Ledger } from './ledger';

/** Besides the questions of the run's own rows. */
const QUOTES_AT_ONCE = 10;

/**
 * What an earlier attempt has submitted without asking for its price, since it had no cost limit. A run that has one counts
 * it all the same: "Max Cost per Run" would else be for what comes from now on.
 */
export class EarlierPrices {
	readonly #api: ApiContext;
	readonly #ledger: Ledger;
	readonly #flight = new SingleFlight<void>();
	#areKnown = false;

	constructor(api: ApiContext, ledger: Ledger) {
		this.#api = api;
		this.#ledger = ledger;
	}

	/** Throws if one of them can't be had: then nobody can tell what the run has spent. */
	async learn(): Promise<void> {
		if (this.#areKnown) return;
		await this.#flight.run('', this.#api.cancellation, async () => {
			await this.#askForAll();
			this.#areKnown = true;
		});
	}

	async #askForAll(): Promise<void> {
		const unpriced = this.#ledger
			.entriesOfRun()
			.filter(({ entry: { costUsd, isUnpaid } }) => costUsd === undefined && !isUnpaid);
		let isFailed = false;
		const asked = await mapConcurrently(unpriced, QUOTES_AT_ONCE, async ({ row, entry }) => {
			// The others would fail for the same reason, one after the other.
			if (isFailed) return;
			const quoted = await settle(quotePrice(this.#api, inputOf(entry)));
			if (quoted.ok) entry.costUsd = quoted.value;
			else {
				isFailed = true;
				throw toUnknownPrice(row, quoted.error);
			}
		});
		for (const outcome of asked) if (!outcome.ok) throw outcome.error;
	}
}

/** It ends other rows than the one that it is about, whose own inputs are all right. */
function toUnknownPrice(row: number, error: unknown): unknown {
	const cause = failureOf(error);
	if (!cause || cause.kind === 'stopped' || cause.kind === 'abandoned') return error;
	const more = { paid: 'nothingForThisRow' } as const;
	return new FailureError(makeFailure('costLimit', 'earlierPriceUnknown', { row, cause }, more));
}
