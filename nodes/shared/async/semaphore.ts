import { type Cancellation, untilResumed } from './cancellation';
import { FairQueue } from './fairQueue';

/** A number of places. Who waits for one gets it in the order of coming, the runs in turn. */
export class Semaphore {
	#capacity: number;
	#held = 0;
	readonly #waiting = new FairQueue<() => void>();

	constructor(capacity: number) {
		this.#capacity = capacity;
	}

	/** Whether nobody holds a place or waits for one. */
	get isIdle(): boolean {
		return this.#held === 0 && this.#waiting.isEmpty;
	}

	resize(capacity: number): void {
		this.#capacity = capacity;
		this.#serve();
	}

	/**
	 * Waits for a place; the function returned gives it back (once, further calls do nothing). The cancellation is that of
	 * the run, and tells the runs apart. Throws its reason if the run is cancelled. `outage`: when it is no use to wait,
	 * with or without a place; its reason is thrown then.
	 */
	async acquire(cancellation: Cancellation, outage?: Cancellation): Promise<() => void> {
		cancellation.throwIfCancelled();
		outage?.throwIfCancelled();
		if (this.#held < this.#capacity && this.#waiting.isEmpty) this.#held += 1;
		else await this.#waitForPlace(cancellation, outage);
		let isHeld = true;
		return () => {
			if (!isHeld) return;
			isHeld = false;
			this.#held -= 1;
			this.#serve();
		};
	}

	/** Does the work with a place. */
	async run<T>(
		cancellation: Cancellation,
		work: () => Promise<T>,
		outage?: Cancellation,
	): Promise<T> {
		const release = await this.acquire(cancellation, outage);
		return await work().finally(release);
	}

	async #waitForPlace(cancellation: Cancellation, outage?: Cancellation): Promise<void> {
		let refusal: Error | undefined;
		let forget = (): unknown => undefined;
		await untilResumed(cancellation, (resume) => {
			const leave = (): void => this.#waiting.delete(cancellation, resume);
			this.#waiting.add(cancellation, resume);
			forget =
				outage?.onCancel((reason) => {
					leave();
					refusal = reason;
					resume();
				}) ?? forget;
			return leave;
		}).finally(() => forget());
		if (refusal) throw refusal;
	}

	#serve(): void {
		while (this.#held < this.#capacity) {
			const resume = this.#waiting.shift();
			if (!resume) return;
			this.#held += 1;
			resume();
		}
	}
}
