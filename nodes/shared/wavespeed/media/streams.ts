import { failureOf } from '../failures';

/** What a stream's class can do that its type doesn't say. */
export interface ReadableClass {
	from: (
		source: AsyncIterable<Buffer>,
		options?: { objectMode: true; highWaterMark: number },
	) => NodeJS.ReadableStream;
}

/** n8n allows no import of node:stream in a node, but every readable stream's class inherits `Readable.from`. */
export const classOf = (stream: NodeJS.ReadableStream): ReadableClass =>
	stream.constructor as unknown as ReadableClass;

/**
 * A stream whose content passes through `transform` on its way. (`compose` of the stream itself would be shorter; on a
 * connection that breaks off it raises an error event that nobody can listen to, which ends the process.) Nothing is
 * read ahead, so that `transform` is asked for a chunk when its reader asks: the streams below have buffers of their own.
 */
export function passThrough(
	stream: NodeJS.ReadableStream,
	transform: (source: AsyncIterable<Buffer>) => AsyncIterable<Buffer>,
): NodeJS.ReadableStream {
	const content = transform(stream as AsyncIterable<Buffer>);
	return classOf(stream).from(content, { objectMode: true, highWaterMark: 0 });
}

/**
 * Closes the file behind a stream that a request may not have read to its end, or not at all: n8n ends when a file is
 * left to the garbage collector (Node.js: DEP0137).
 */
export function closeStream(stream: NodeJS.ReadableStream | Buffer): void {
	if ('destroy' in stream && typeof stream.destroy === 'function') stream.destroy();
}

/**
 * The failure that a stream ends with, which the HTTP client would report as one of the network, and the upload would be
 * tried again: a storage that has stopped, or Stop.
 */
export function hearFailure(stream: NodeJS.ReadableStream | Buffer): () => unknown {
	let heard: unknown;
	if ('on' in stream) stream.on('error', (error) => (heard = failureOf(error) ? error : undefined));
	return () => heard;
}
