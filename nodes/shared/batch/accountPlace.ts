import type { Cancellation } from '../async/cancellation';
import type { Batch } from './context';

/** One of the account's places for tasks, as a row holds it while it waits for its task. */
export class AccountPlace {
	readonly #batch: Batch;
	readonly #outage: Cancellation | undefined;
	#release: (() => void) | undefined;

	/**
	 * `outage`: while no task can be read, the places come free at the time limits only, an hour for each turn; whoever waits
	 * for one hears its reason.
	 */
	constructor(batch: Batch, outage: Cancellation | undefined) {
		this.#batch = batch;
		this.#outage = outage;
	}

	/** Waits for a place, unless the row has one. `isProbe`: it is to find out whether the outage is over. */
	async take(isProbe = false): Promise<void> {
		const { account, api } = this.#batch;
		const outage = isProbe ? undefined : this.#outage;
		this.#release ??= await account.places.acquire(api.cancellation, outage);
	}

	giveBack(): void {
		this.#release?.();
		this.#release = undefined;
	}
}
