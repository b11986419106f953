import { type Cancellation, untilResumed } from './cancellation';
import { FairQueue } from './fairQueue';
import type { Waiter } from './waiter';

/** Who waits for a place. */
interface Entrant {
	/** With a place, unless `refuse` was called before. */
	resume(): void;
	refuse(reason: Error | 'tooLate'): void;
	/** On the steady clock, ms. */
	deadline: number;
}

/** A number of places. Who waits for one gets it in the order of coming, the runs in turn. */
export class Semaphore {
	#capacity: number;
	#held = 0;
	readonly #waiting = new FairQueue<Entrant>();
	/** The first deadline of those who wait, and the clock that it goes by. */
	#earliest = Infinity;
	#now = (): number => -Infinity;

	constructor(capacity: number) {
		this.#capacity = capacity;
	}

	/** Whether nobody holds a place or waits for one. */
	get isIdle(): boolean {
		return this.#held === 0 && this.#waiting.isEmpty;
	}

	/** Whether who comes now has to wait. */
	get isFull(): boolean {
		return this.#held >= this.#capacity || !this.#waiting.isEmpty;
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
		await this.#enter(cancellation, Infinity, outage);
		return this.#createRelease();
	}

	/**
	 * As above; undefined if `deadline` (ms on the steady clock) comes first. Who waits hears of that when a place comes
	 * free: a timer for each of thousands would outlive its wait.
	 */
	async acquireBefore(
		{ clock, cancellation }: Waiter,
		deadline: number,
	): Promise<(() => void) | undefined> {
		cancellation.throwIfCancelled();
		this.#now = () => clock.now();
		const refusal = await this.#enter(cancellation, deadline);
		return refusal === 'tooLate' ? undefined : this.#createRelease();
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

	async #enter(
		cancellation: Cancellation,
		deadline: number,
		outage?: Cancellation,
	): Promise<'tooLate' | undefined> {
		if (this.#held < this.#capacity && this.#waiting.isEmpty) {
			this.#held += 1;
			return undefined;
		}
		let refusal: Error | 'tooLate' | undefined;
		let forget = (): unknown => undefined;
		await untilResumed(cancellation, (resume) => {
			const leave = (): void => this.#waiting.delete(cancellation, entrant);
			const refuse = (reason: Error | 'tooLate'): void => {
				leave();
				refusal = reason;
				resume();
			};
			const entrant: Entrant = { resume, refuse, deadline };
			this.#waiting.add(cancellation, entrant);
			this.#earliest = Math.min(this.#earliest, deadline);
			forget = outage?.onCancel(refuse) ?? forget;
			return leave;
		}).finally(() => forget());
		if (refusal === undefined || refusal === 'tooLate') return refusal;
		throw refusal;
	}

	#createRelease(): () => void {
		let isHeld = true;
		return () => {
			if (!isHeld) return;
			isHeld = false;
			this.#held -= 1;
			this.#serve();
		};
	}

	#serve(): void {
		if (this.#now() >= this.#earliest) this.#refuseLate(this.#now());
		while (this.#held < this.#capacity) {
			const entrant = this.#waiting.shift();
			if (!entrant) return;
			this.#held += 1;
			entrant.resume();
		}
	}

	#refuseLate(now: number): void {
		this.#earliest = Infinity;
		for (const [, entrant] of [...this.#waiting]) {
			if (now >= entrant.deadline) entrant.refuse('tooLate');
			else this.#earliest = Math.min(this.#earliest, entrant.deadline);
		}
	}
}
