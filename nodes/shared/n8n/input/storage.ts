import type { IExecuteFunctions } from 'n8n-workflow';

import type { Cancellation } from '../../async/cancellation';
import type { Waiter } from '../../async/waiter';
import { FailureError, failureOf, makeFailure } from '../../wavespeed/failures';
import type { Outages, OutageWatch } from '../../wavespeed/http/outages';
import { closeStream } from '../../wavespeed/media/streams';
import { settle } from '../../async/settle';
import { type DownloadStream, WatchedStream } from '../http/watchedStream';
import { withTimeout } from '../http/withTimeout';

/**
 * A storage that works at all delivers within seconds. In several looks, since a process that was held up has not waited
 * for its storage; less than an upload's own time limit, which would blame the file store.
 */
const LOOK_EVERY_MS = 5_000;
const MOST_LOOKS = 10;

/** n8n's storage of files: a folder, a database, or an object store behind a network. */
export class Storage {
	readonly #ctx: IExecuteFunctions;
	readonly #waiter: Waiter;
	readonly #outages: Outages;

	/** `outages`: of all storages, for all runs of the process. */
	constructor(ctx: IExecuteFunctions, waiter: Waiter, outages: Outages) {
		this.#ctx = ctx;
		this.#waiter = waiter;
		this.#outages = outages;
	}

	async byteCountOf(id: string, field: string): Promise<number> {
		const outage = this.#watch(id, field, 'metadata');
		const asking = this.#ctx.helpers.getBinaryMetadata(id);
		const { fileSize } = await untilTimeout(asking, this.#cancellation, () =>
			giveUp(outage, field),
		);
		outage.noteAnswer();
		return fileSize;
	}

	/**
	 * Does the work with a stream of the file. Throws (`unavailable`) if the storage stops in the middle of it: nothing else
	 * ends such a wait, and it holds one of the few places for files.
	 */
	async read<T>(
		id: string,
		field: string,
		work: (stream: NodeJS.ReadableStream) => Promise<T>,
	): Promise<T> {
		const stream = await this.open(id, field);
		const read = await settle(work(stream));
		closeStream(stream);
		if (!read.ok) throw read.error;
		return read.value;
	}

	/** Ends with an error on Stop, and when the storage delivers nothing any more. */
	async open(id: string, field: string): Promise<NodeJS.ReadableStream> {
		const outage = this.#watch(id, field, 'content');
		const opening = this.#ctx.helpers.getBinaryStream(id) as Promise<NodeJS.ReadableStream>;
		const source = await untilTimeout(opening, this.#cancellation, () => {
			// One that comes all the same would stay open.
			opening.then(closeStream, () => {});
			return giveUp(outage, field);
		});
		const watched = new WatchedStream(source as DownloadStream, {
			isMeasured: true,
			slowest: { everyMs: LOOK_EVERY_MS, bytes: 1, checks: MOST_LOOKS },
			onSlow: () => giveUp(outage, field),
		});
		const forget = this.#cancellation.onCancel((reason) => watched.breakOff(reason));
		watched.stream.on('end', () => outage.noteAnswer());
		watched.stream.on('close', () => {
			forget();
			watched.finish();
		});
		return watched.stream;
	}

	get #cancellation(): Cancellation {
		return this.#waiter.cancellation;
	}

	/** Throws if others have just found out that this storage has stopped. A part that works tells nothing of the other. */
	#watch(id: string, field: string, part: string): OutageWatch {
		const [mode] = id.split(':');
		const watch = this.#outages.watch(`storage ${mode} ${part}`, id, this.#waiter.clock);
		if (watch.whyDown()) throw toFailure(field);
		return watch;
	}
}

function giveUp(outage: OutageWatch, field: string): FailureError {
	const failure = toFailure(field);
	outage.noteDown(failure);
	return failure;
}

const toFailure = (field: string): FailureError =>
	new FailureError(makeFailure('unavailable', 'storageStopped', { field }));

async function untilTimeout<T>(
	work: Promise<T>,
	cancellation: Cancellation,
	onTimeout: () => FailureError,
): Promise<T> {
	for (let look = 1; look <= MOST_LOOKS; look += 1) {
		const outcome = await withTimeout(LOOK_EVERY_MS, cancellation, work);
		if (outcome !== 'timedOut') return outcome;
	}
	throw onTimeout();
}

/** What says more than "can't be read": the storage has stopped, or the run was. */
export function rethrowFailure(error: unknown): void {
	if (failureOf(error)) throw error;
}
