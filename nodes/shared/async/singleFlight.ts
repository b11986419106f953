import { type Cancellation, untilResumed } from './cancellation';
import { settle, type Settled } from './settle';

/**
 * Work that several callers want at the same moment is done once, and all get its result or its failure. Nothing is
 * kept after its end. If the run that does the work is cancelled, one of those who wait does it anew: another run's Stop
 * must not be their failure.
 */
export class SingleFlight<T> {
	/** Undefined as the outcome: the run that did it was cancelled. */
	readonly #underWay = new Map<string, Promise<Settled<T> | undefined>>();

	get isIdle(): boolean {
		return this.#underWay.size === 0;
	}

	async run(key: string, cancellation: Cancellation, work: () => Promise<T>): Promise<T> {
		for (;;) {
			cancellation.throwIfCancelled();
			const running = this.#underWay.get(key);
			const outcome = running
				? await waitFor(running, cancellation)
				: await this.#lead(key, cancellation, work);
			if (!outcome) continue;
			if (outcome.ok) return outcome.value;
			throw outcome.error;
		}
	}

	#lead(
		key: string,
		cancellation: Cancellation,
		work: () => Promise<T>,
	): Promise<Settled<T> | undefined> {
		const running = settle(work()).then((outcome) => {
			this.#underWay.delete(key);
			return !outcome.ok && cancellation.reason() ? undefined : outcome;
		});
		this.#underWay.set(key, running);
		return running;
	}
}

async function waitFor<T>(running: Promise<T>, cancellation: Cancellation): Promise<T> {
	await untilResumed(cancellation, (resume) => void running.then(resume));
	return await running;
}
