import { passThrough } from '../../wavespeed/media/streams';
import { settle } from '../../async/settle';
import { systemTime } from '../session/clock';

/** For content whose end isn't known: at the least speed any other ends, sooner or later. */
const LONGEST_UNMEASURED_MS = 60 * 60_000;

/** A download as the HTTP client hands it over. */
export interface DownloadStream extends NodeJS.ReadableStream {
	destroyed?: boolean;
	destroy(): void;
}

export interface WatchOptions {
	/** Its length is known. */
	isMeasured: boolean;
	/** It is broken off after so many checks in a row between which less has arrived. */
	slowest: { everyMs: number; bytes: number; checks: number };
	/** Gives the error that it ends with if next to nothing arrives. */
	onSlow(): Error;
}

/**
 * Counts what passes, and breaks off a connection that delivers next to nothing: n8n's time limit ends with the headers,
 * so a body that stops coming would hold the workflow for ever. Destroying the stream is not enough, since the HTTP
 * client's own wrapper then waits for the chunk that doesn't come.
 */
export class WatchedStream {
	readonly stream: NodeJS.ReadableStream;
	readonly #source: DownloadStream;
	readonly #options: WatchOptions;
	#byteCount = 0;
	#isDone = false;
	#problem: string | undefined;
	#broken: Error | undefined;
	/** Set while the next chunk is awaited. */
	#reject: ((reason: Error) => void) | undefined;
	/** When whoever reads it was given the last chunk, or its end. */
	#givenAt = systemTime.now();

	constructor(source: DownloadStream, options: WatchOptions) {
		this.#source = source;
		this.#options = options;
		// A connection that breaks off is reported by n8n's storage; unheard, the same event would end n8n itself.
		const ignore = (): void => {};
		source.on('error', ignore);
		this.stream = passThrough(source, (content) => this.#count(content)).on('error', ignore);
		void this.#watchSpeed();
	}

	get byteCount(): number {
		return this.#byteCount;
	}

	/** For how long whoever reads it has asked for nothing more; the connection's own silence doesn't count. */
	get unreadMs(): number {
		return this.#reject === undefined ? systemTime.now() - this.#givenAt : 0;
	}

	/** What ended the stream before its time; undefined if that was not the connection. */
	get problem(): string | undefined {
		return this.#problem;
	}

	/** Ends the stream with an error, whatever it is waiting for. */
	breakOff(reason: Error): void {
		this.#broken ??= reason;
		this.#problem ??= reason.message;
		this.#reject?.(reason);
	}

	/** To be called when the stream has been read or given up. */
	finish(): void {
		this.#isDone = true;
		if (!this.#source.destroyed) this.#source.destroy();
	}

	async #watchSpeed(): Promise<void> {
		const { isMeasured, onSlow, slowest } = this.#options;
		const startedAt = systemTime.now();
		let slowChecks = 0;
		for (let seen = 0; !this.#isDone && !this.#broken; seen = this.#byteCount) {
			await systemTime.sleep(slowest.everyMs);
			const isLong = !isMeasured && systemTime.now() - startedAt >= LONGEST_UNMEASURED_MS;
			// While nothing is awaited, it is whoever reads it that takes its time.
			const isSlow = this.#byteCount - seen < slowest.bytes && this.#reject !== undefined;
			slowChecks = isSlow ? slowChecks + 1 : 0;
			if (this.#isDone) return;
			if (slowChecks >= slowest.checks) this.breakOff(onSlow());
			else if (isLong) this.breakOff(new Error('the video did not end within an hour'));
		}
	}

	async *#count(content: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
		const chunks = content[Symbol.asyncIterator]();
		for (;;) {
			const next = await settle(this.#readNext(chunks));
			if (!next.ok) {
				this.#problem ??= 'the connection broke off in the middle of the video';
				throw next.error;
			}
			if (next.value.done) {
				this.#isDone = true;
				return;
			}
			this.#byteCount += next.value.value.length;
			yield next.value.value;
		}
	}

	async #readNext(chunks: AsyncIterator<Buffer>): Promise<IteratorResult<Buffer>> {
		return await new Promise<IteratorResult<Buffer>>((resolve, reject) => {
			this.#reject = reject;
			if (this.#broken) reject(this.#broken);
			else chunks.next().then(resolve, reject);
		}).finally(() => {
			this.#reject = undefined;
			this.#givenAt = systemTime.now();
		});
	}
}
