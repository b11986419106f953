import type { HttpRequest } from '../../wavespeed/http/types';
import { closeStream, passThrough } from '../../wavespeed/media/streams';
import { systemTime } from '../session/clock';

type UploadedFile = NonNullable<HttpRequest['file']>;

/** A part as large as the whole file would be under way for as long as the whole file. */
const PART_BYTES = 64 * 1024;

/**
 * A file on its way: notes when the connection has last taken a part of it. A connection that is only slow takes one part
 * after the other; a silent one would be noticed at the time limit of the whole file, which is an hour for a large one.
 */
export class WatchedUpload {
	readonly file: UploadedFile;
	readonly #longestSilenceMs: number;
	#movedAt = systemTime.now();

	constructor({ body, byteCount }: UploadedFile, longestSilenceMs: number) {
		this.#longestSilenceMs = longestSilenceMs;
		// A buffer goes out in one piece, and nothing tells how far it has come.
		if (Buffer.isBuffer(body)) {
			this.#longestSilenceMs = Infinity;
			this.file = { body, byteCount };
			return;
		}
		// The HTTP client hears the first error only; unheard, a second one would end n8n.
		const watched = passThrough(body, (source) => this.#note(source)).on('error', () => {});
		this.file = { body: watched, byteCount };
	}

	/** How long it may go on like this, ms. */
	leftMs(): number {
		return this.#movedAt + this.#longestSilenceMs - systemTime.now();
	}

	/** To be called when the request has ended. */
	finish(): void {
		if (!Buffer.isBuffer(this.file.body)) closeStream(this.file.body);
	}

	async *#note(source: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
		for await (const chunk of source) {
			for (let from = 0; from < chunk.length; from += PART_BYTES) {
				this.#movedAt = systemTime.now();
				yield chunk.subarray(from, from + PART_BYTES);
			}
		}
		this.#movedAt = systemTime.now();
	}
}
