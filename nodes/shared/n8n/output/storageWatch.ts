/** More than a few files that happen to hang, and less than the downloads side by side. */
const FEWEST_SILENT = 5;

/** After that the next download tries again. */
const BELIEVED_MS = 30_000;

/**
 * Whether n8n's storage takes files, as all downloads of the process find it. Each finds out in minutes that it does not,
 * so a batch would wait for one wave of downloads after the other. Times are ms on the steady clock.
 */
export class StorageWatch {
	/** Given up since the last file that was stored. */
	#givenUp = 0;
	#silentUntil = -Infinity;

	isSilent(now: number): boolean {
		return now < this.#silentUntil;
	}

	noteSilent(now: number): void {
		this.#givenUp += 1;
		if (this.#givenUp >= FEWEST_SILENT) this.#silentUntil = now + BELIEVED_MS;
	}

	noteStored(): void {
		this.#givenUp = 0;
		this.#silentUntil = -Infinity;
	}
}

export const STORAGE = new StorageWatch();
