import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Transform, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { newId, type StoredFile, type World } from './state.mts';

/** Thrown when a stream is longer than it may be. */
export interface TooLarge extends Error {
	tooLarge: true;
}

export function isTooLarge(error: unknown): error is TooLarge {
	return error instanceof Error && 'tooLarge' in error;
}

/** Streams to a file in the emulator's folder, hashing on the way; nothing stays behind if the stream breaks off. */
export async function storeStream(
	world: World,
	stream: Readable,
	contentType: string,
	limit: number,
): Promise<StoredFile> {
	const path = join(world.folder, newId());
	const hash = createHash('sha256');
	let bytes = 0;
	const counter = new Transform({
		transform(chunk: Buffer, _encoding, done) {
			bytes += chunk.length;
			hash.update(chunk);
			if (bytes <= limit) return done(null, chunk);
			done(Object.assign(new Error(`more than ${limit} bytes`), { tooLarge: true as const }));
		},
	});
	try {
		await pipeline(stream, counter, createWriteStream(path), { signal: world.closing.signal });
	} catch (error) {
		await rm(path, { force: true });
		throw error;
	}
	return { path, contentType, bytes, sha256: hash.digest('hex') };
}
