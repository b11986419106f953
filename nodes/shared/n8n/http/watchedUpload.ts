import type { HttpRequest } from '../../wavespeed/http/types';
import { classOf, closeStream, type ReadableClass } from '../../wavespeed/media/streams';
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

	/** `streams`: a class of streams for a file that is none, as in n8n's mode that keeps files in memory. */
	constructor(
		{ body, byteCount }: UploadedFile,
		longestSilenceMs: number,
		streams: ReadableClass | undefined,
	) {
		const isBuffer = Buffer.isBuffer(body);
		const streamClass = isBuffer ? streams : classOf(body);
		// A buffer goes out in one piece, and nothing tells how far it has come.
		this.#longestSilenceMs = streamClass ? longestSilenceMs : Infinity;
		const source = isBuffer ? toParts(body) : (body as AsyncIterable<Buffer>);
		// The HTTP client hears the first error only; unheard, a second one would end n8n.
		const watched = streamClass?.from(this.#note(source)).on('error', () => {});
		this.file = { body: watched ?? body, byteCount };
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

async function* toParts(buffer: Buffer): AsyncIterable<Buffer> {
	yield buffer;
}
