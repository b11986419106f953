import type { Cancellation } from '../async/cancellation';
import type { Batch } from './context';

/** One of the account's places for tasks, as a row holds it while it waits for its task. */
export class AccountPlace {
	readonly #batch: Batch;
	#release: (() => void) | undefined;

	constructor(batch: Batch) {
		this.#batch = batch;
	}

	/**
	 * Waits for a place, unless the row has one. While no task can be read, the places come free at the time limits only, an
	 * hour for each turn; whoever waits for one hears the reason. `isProbe`: it is to find out whether that is over. `left`: ends
	 * the wait with its reason, as the place is needed no more.
	 */
	async take(isProbe = false, left?: Cancellation): Promise<void> {
		if (this.#release) return;
		const { account, api } = this.#batch;
		const outage = isProbe ? undefined : outageOf(this.#batch);
		const forget = left && outage?.onCancel((reason) => left.cancel(reason));
		const acquired = account.places.acquire(api.cancellation, left ?? outage);
		this.#release = await acquired.finally(() => forget?.());
	}

	giveBack(): void {
		this.#release?.();
		this.#release = undefined;
	}
}

/** The outage of now: one that is over says nothing any more. */
export const outageOf = ({ account, api }: Batch): Cancellation =>
	account.taskReads.outageAt(api.clock.now());
