import { Readable } from 'node:stream';
import axios from 'axios';
import { isRecord } from './answers.mts';
import { storeStream } from './files.mts';
import { proxyFor } from './loopback.mts';
import { findDefect } from './probe.mts';
import { WEEK_MS, type StoredFile, type Upload, type World } from './state.mts';

/** Real time, also with a virtual clock: the host at the other end is real. */
const FETCH_TIMEOUT_MS = 8_000;
const FETCH_LIMIT_BYTES = 300 * 2 ** 20;
/** Some hosts refuse clients without one. */
const USER_AGENT = 'Mozilla/5.0 (compatible; wavespeed-emulator)';

export interface Fetched {
	file?: StoredFile;
	/** Why there is no file, in the words of the service. */
	failure?: string;
}

/** Gets a task's picture or voice: an upload of the emulator's own, else a real GET. Never rejects. */
export async function fetchMedia(
	world: World,
	url: string,
	wanted: 'image' | 'audio',
): Promise<Fetched> {
	try {
		const file = url.startsWith(`${world.mediaUrl}/media/`)
			? ownUpload(world, url)
			: await download(world, url);
		const defect = await findDefect(world, file, wanted);
		return defect === undefined ? { file } : fail(wanted, url, defect);
	} catch (error) {
		return fail(wanted, url, error instanceof Error ? error.message : String(error));
	}
}

/** The upload behind a path of the media origin; undefined if there is none or its 7 days are over. */
export function findUpload(world: World, urlPath: string): Upload | undefined {
	const upload = world.uploads.get(urlPath);
	const isAlive = upload && world.clock.now() < upload.createdAt + WEEK_MS;
	return isAlive ? upload : undefined;
}

function ownUpload(world: World, url: string): Upload {
	const upload = findUpload(world, new URL(url).pathname);
	if (!upload) throw new Error('404 Not Found');
	return upload;
}

async function download(world: World, url: string): Promise<StoredFile> {
	if (!/^https?:\/\//i.test(url)) throw new Error('unsupported URL');
	const timeout = AbortSignal.timeout(FETCH_TIMEOUT_MS);
	const signal = AbortSignal.any([timeout, world.closing.signal]);
	try {
		const { status, statusText, headers, data } = await axios.get<unknown>(url, {
			responseType: 'stream',
			headers: { 'User-Agent': USER_AGENT },
			validateStatus: () => true,
			proxy: proxyFor(url),
			signal,
		});
		if (!(data instanceof Readable)) throw new Error('no body');
		if (status < 200 || status > 299) {
			data.destroy();
			throw new Error(`${status} ${statusText}`);
		}
		data.once('error', () => undefined);
		signal.addEventListener('abort', () => data.destroy(new Error('timeout')), { once: true });
		const type: unknown = isRecord(headers) ? headers['content-type'] : undefined;
		return await storeStream(world, data, String(type ?? ''), FETCH_LIMIT_BYTES);
	} catch (error) {
		throw timeout.aborted ? new Error(`timeout after ${FETCH_TIMEOUT_MS / 1000} s`) : error;
	}
}

/** WaveSpeedAI docs, Error Codes: 1402 "Failed to download image…". */
function fail(wanted: 'image' | 'audio', url: string, reason: string): Fetched {
	return { failure: `Failed to download ${wanted} from ${url}: ${reason}` };
}
