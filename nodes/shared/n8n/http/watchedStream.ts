import { passThrough } from '../../wavespeed/media/streams';
import { settle } from '../../async/settle';
import { systemTime } from '../session/clock';

const CHECK_EVERY_MS = 60_000;

/**
 * The least that has to arrive between two checks. 32 downloads that share a line of 1 Mbit/s get more, and a host that
 * sends a byte a minute must not hold one of few places for ever.
 */
const LEAST_BYTES = 64 * 1024;

/** For content whose end isn't known: at the least speed any other ends, sooner or later. */
const LONGEST_UNMEASURED_MS = 60 * 60_000;

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
	/** What ended the stream before its time; undefined if that was not the connection. */
	problem(): string | undefined;
	/** To be called when the stream has been read or given up. */
	finish(): void;
}

/**
 * Counts what passes, and breaks off a connection that delivers next to nothing: n8n's time limit ends with the headers,
 * so a body that stops coming would hold the workflow for ever. Destroying the stream is not enough, since the HTTP
 * client's own wrapper then waits for the chunk that doesn't come. `isMeasured`: its length is known.
 */
export function watch(source: DownloadStream, isMeasured: boolean): WatchedStream {
	let byteCount = 0;
	let isDone = false;
	let problem: string | undefined;
	let broken: Error | undefined;
	/** Set while the next chunk is awaited. */
	let reject: ((reason: Error) => void) | undefined;
	const breakOff = (reason: Error): void => {
		broken ??= reason;
		problem ??= reason.message;
		reject?.(reason);
	};
	const watchSpeed = async (): Promise<void> => {
		const startedAt = systemTime.now();
		for (let seen = 0; !isDone && !broken; seen = byteCount) {
			await systemTime.sleep(CHECK_EVERY_MS);
			const isLong = !isMeasured && systemTime.now() - startedAt >= LONGEST_UNMEASURED_MS;
			// While nothing is awaited, it is n8n's storage that takes its time.
			const isSlow = byteCount - seen < LEAST_BYTES && reject !== undefined;
			if (isDone) return;
			if (isSlow) breakOff(new Error('the video arrived too slowly'));
			else if (isLong) breakOff(new Error('the video did not end within an hour'));
		}
	};
	const readNext = async (chunks: AsyncIterator<Buffer>): Promise<IteratorResult<Buffer>> =>
		await new Promise<IteratorResult<Buffer>>((resolve, fail) => {
			reject = fail;
			if (broken) fail(broken);
			else chunks.next().then(resolve, fail);
		}).finally(() => (reject = undefined));
	const count = async function* (content: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
		const chunks = content[Symbol.asyncIterator]();
		for (;;) {
			const next = await settle(readNext(chunks));
			if (!next.ok) {
				problem ??= 'the connection broke off in the middle of the video';
				throw next.error;
			}
			if (next.value.done) {
				isDone = true;
				return;
			}
			byteCount += next.value.value.length;
			yield next.value.value;
		}
	};
	// A connection that breaks off is reported by n8n's storage; unheard, the same event would end n8n itself.
	const ignore = (): void => {};
	source.on('error', ignore);
	const stream = passThrough(source, count).on('error', ignore);
	void watchSpeed();
	return {
		stream,
		breakOff,
		byteCount: () => byteCount,
		problem: () => problem,
		finish() {
			isDone = true;
			if (!source.destroyed) source.destroy();
		},
	};
}
