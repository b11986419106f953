import { passThrough } from '../../wavespeed/media/streams';
import { systemTime } from '../session/clock';

/** A connection that delivers nothing for so long is dead, however large the file is. */
const SILENCE_TIMEOUT_MS = 60_000;

/** A download as the HTTP client hands it over. */
export interface DownloadStream extends NodeJS.ReadableStream {
	destroyed?: boolean;
	destroy(): void;
}

export interface WatchedStream {
	stream: NodeJS.ReadableStream;
	byteCount(): number;
	/** Ends the stream with an error, whatever it is waiting for. */
	breakOff(reason: Error): void;
	/** To be called when the stream has been read or given up. */
	finish(): void;
}

/**
 * Counts what passes, and breaks off a connection that has gone silent: n8n's time limit ends with the headers, so a
 * body that stops coming would hold the workflow for ever. Destroying the stream is not enough, since the HTTP
 * client's own wrapper then waits for the chunk that doesn't come.
 */
export function watch(source: DownloadStream): WatchedStream {
	let byteCount = 0;
	let lastAt = systemTime.now();
	let isDone = false;
	let broken: Error | undefined;
	let reject: ((reason: Error) => void) | undefined;
	const breakOff = (reason: Error): void => {
		broken = reason;
		reject?.(reason);
	};
	const watchSilence = async (): Promise<void> => {
		while (!isDone && !broken) {
			await systemTime.sleep(SILENCE_TIMEOUT_MS);
			const isSilent = systemTime.now() - lastAt >= SILENCE_TIMEOUT_MS;
			if (isSilent && !isDone) breakOff(new Error('No data arrived for a minute'));
		}
	};
	const readNext = async (chunks: AsyncIterator<Buffer>): Promise<IteratorResult<Buffer>> =>
		await new Promise((resolve, fail) => {
			reject = fail;
			if (broken) fail(broken);
			else chunks.next().then(resolve, fail);
		});
	const count = async function* (content: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
		const chunks = content[Symbol.asyncIterator]();
		for (;;) {
			const next = await readNext(chunks);
			if (next.done) return;
			byteCount += next.value.length;
			lastAt = systemTime.now();
			yield next.value;
		}
	};
	// A connection that breaks off is reported by n8n's storage; unheard, the same event would end n8n itself.
	const ignore = (): void => {};
	source.on('error', ignore);
	const stream = passThrough(source, count).on('error', ignore);
	void watchSilence();
	return {
		stream,
		breakOff,
		byteCount: () => byteCount,
		finish() {
			isDone = true;
			if (!source.destroyed) source.destroy();
		},
	};
}
