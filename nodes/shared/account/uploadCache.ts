import { ageOf, type Moment, momentOf } from '../async/moment';
import { SingleFlight } from '../async/singleFlight';
import type { Waiter } from '../async/waiter';
import { RETENTION_MS } from '../wavespeed/endpoints';
import { fail } from '../wavespeed/failures';

/** A row may wait for its turn for hours after its upload, and the service loads the file when the task begins. */
const MARGIN_MS = 24 * 60 * 60_000;
const KEPT_MS = RETENTION_MS - MARGIN_MS;

/** Addresses of some hundred characters each. Beyond that the ones used longest ago are uploaded again if need be. */
const MOST_KEPT = 1_000;

interface Upload {
	url: string;
	at: Moment;
}

/** One upload per content, however many rows and runs use the file, as long as the service keeps it. */
export class UploadCache {
	readonly #urls = new Map<string, Upload>();
	readonly #uploads = new SingleFlight<string>();

	/** The URL of the content with this key; `upload` runs only if nobody else has or is about to. */
	async urlOf(
		key: string,
		{ clock, cancellation }: Waiter,
		upload: () => Promise<string>,
	): Promise<string> {
		const known = this.#urls.get(key);
		this.#urls.delete(key);
		if (known && ageOf(known.at, clock) < KEPT_MS) {
			// Behind all others, so that the one in front is the one used longest ago.
			this.#urls.set(key, known);
			return known.url;
		}
		return await this.#uploads.run(key, cancellation, async () => {
			const url = await upload();
			// Two files at one address: one row would get the other one's voice, and pay for it.
			if (this.has(url)) fail('unavailable', 'uploadNotUnique', {});
			this.#urls.set(key, { url, at: momentOf(clock) });
			const [oldest] = this.#urls.keys();
			if (this.#urls.size > MOST_KEPT && oldest !== undefined) this.#urls.delete(oldest);
			return url;
		});
	}

	/** Whether a file that was uploaded is at this address. */
	has(url: string): boolean {
		return [...this.#urls.values()].some((known) => known.url === url);
	}

	/** The service could not load the file from there: whoever needs it next uploads it again. */
	forget(url: string): void {
		for (const [key, known] of this.#urls) if (known.url === url) this.#urls.delete(key);
	}
}
