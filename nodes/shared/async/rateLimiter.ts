import { untilResumed } from './cancellation';
import { Semaphore } from './semaphore';
import { settle, type Settled } from './settle';
import type { Waiter } from './waiter';

const MINUTE_MS = 60_000;

/**
 * At most so many pieces of work in any 60 seconds. A piece counts from its end on, not from its beginning: the service
 * sees a request somewhere in between, and two that were sent 60 s apart may arrive closer together.
 */
export class RateLimiter {
	#count: number;
	/** When the pieces of the last minute ended, on the steady clock. */
	#endedAt: number[] = [];
	#underWay = 0;
	readonly #turn = new Semaphore(1);
	#wake: (() => void) | undefined;

	constructor(count: number) {
		this.#count = count;
	}

	get isIdle(): boolean {
		return this.#underWay === 0 && this.#turn.isIdle;
	}

	resize(count: number): void {
		this.#count = count;
		this.#wake?.();
	}

	/** Counts work that this limiter has not seen, such as before a restart of n8n. */
	noteEarlier(endedAt: readonly number[]): void {
		this.#endedAt = [...this.#endedAt, ...endedAt].sort((a, b) => a - b);
	}

	/** `counts`: false for work that turned out not to have been done; the next in line has its turn then. */
	async run<T>(
		waiter: Waiter,
		work: () => Promise<T>,
		counts: (outcome: Settled<T>) => boolean = () => true,
	): Promise<T> {
		const giveTurn = await this.#turn.acquire(waiter.cancellation);
		await this.#waitForRoom(waiter).finally(giveTurn);
		const outcome = await settle(work());
		this.#underWay -= 1;
		if (counts(outcome)) this.#endedAt.push(waiter.clock.now());
		this.#wake?.();
		if (outcome.ok) return outcome.value;
		throw outcome.error;
	}

	async #waitForRoom({ clock, cancellation }: Waiter): Promise<void> {
		for (;;) {
			const now = clock.now();
			this.#endedAt = this.#endedAt.filter((time) => time > now - MINUTE_MS && time <= now);
			if (this.#underWay + this.#endedAt.length < this.#count) break;
			const [oldest] = this.#endedAt;
			if (oldest !== undefined) await clock.sleep(Math.max(1, oldest + MINUTE_MS - now));
			else {
				await untilResumed(cancellation, (resume) => {
					this.#wake = resume;
					return () => (this.#wake = undefined);
				});
			}
		}
		// Before the turn is given on: the next in line must not look before this one counts.
		this.#underWay += 1;
	}
}
