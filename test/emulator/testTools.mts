import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import axios, { type AxiosRequestConfig } from 'axios';
import { startEmulator } from './emulator.mts';
import type { Clock, Emulator, EmulatorOptions } from './types.mts';

/** What the emulator's own tests share. Requests are written out by hand: no client of this package is involved. */

export const MODEL = 'wavespeed-ai/wan-2.2/speech-to-video';
export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const START = Date.UTC(2026, 10, 22, 8);

export interface VirtualClock extends Clock {
	/** Moves on, waking sleepers in order; each gets time to go to sleep again. */
	advance(ms: number): Promise<void>;
}

export function createVirtualClock(start = START): VirtualClock {
	let now = start;
	let sleepers: { at: number; wake: () => void }[] = [];
	return {
		now: () => now,
		sleep: (ms, signal) =>
			new Promise((resolve) => {
				const sleeper = { at: now + ms, wake: resolve };
				sleepers.push(sleeper);
				signal?.addEventListener('abort', () => {
					sleepers = sleepers.filter((one) => one !== sleeper);
					resolve();
				});
			}),
		async advance(ms) {
			const until = now + ms;
			for (;;) {
				await setImmediate();
				const [next] = sleepers.sort((a, b) => a.at - b.at);
				if (!next || next.at > until) break;
				sleepers.shift();
				now = Math.max(now, next.at);
				next.wake();
			}
			now = until;
			await setImmediate();
		},
	};
}

/** All that an answer of the API may hold; which of it is there depends on the request. */
export interface Body {
	code: number;
	message: string;
	data: {
		id: string;
		status: string;
		outputs: [string];
		error: string;
		code: number;
		created_at: string;
		has_nsfw_contents: boolean[] | null;
		urls: { get: string };
		input: object;
		items: { id: string }[];
		price: number;
		secret: string;
		download_url: string;
		upload: { method: string; url: string; headers: Record<string, string> };
	};
}

export interface Reply {
	status: number;
	headers: Record<string, unknown>;
	/** A text where it isn't JSON. */
	body: Body;
}

export interface Rig {
	emulator: Emulator;
	clock: VirtualClock;
	/** A request to the API with the key; the path without /api/v3. */
	call(method: string, path: string, body?: unknown, config?: AxiosRequestConfig): Promise<Reply>;
	submit(input?: object, query?: string): Promise<Reply>;
	result(id: string): Promise<Reply>;
	/** Uploads by ticket; returns the download URL. */
	upload(filename: string, contentType: string, bytes: Buffer): Promise<string>;
}

const open: { close(): Promise<void> }[] = [];

/** Closes after the test. */
export function closeLater<T extends { close(): Promise<void> }>(thing: T): T {
	open.push(thing);
	return thing;
}

export async function closeAll(): Promise<void> {
	await Promise.all(open.splice(0).map((thing) => thing.close()));
}

/** An emulator with a virtual clock, 60 s per task, no ffmpeg and two uploads to submit. */
export async function startRig(options: EmulatorOptions = {}): Promise<Rig> {
	const clock = createVirtualClock();
	const defaults = { clock, taskSeconds: 60, video: 'placeholder' as const };
	const emulator = closeLater(await startEmulator({ ...defaults, ...options }));
	const call: Rig['call'] = (method, path, body, config = {}) =>
		send({
			method,
			url: `${emulator.url}/api/v3${path}`,
			data: body,
			...config,
			headers: { Authorization: `Bearer ${emulator.apiKey}`, ...config.headers },
		});
	const upload: Rig['upload'] = async (filename, contentType, bytes) => {
		const ticket = await call('POST', '/media/uploads', {
			filename,
			size: bytes.length,
			content_type: contentType,
		});
		const { url, headers } = ticket.body.data.upload;
		await send({ method: 'PUT', url, data: bytes, headers });
		return ticket.body.data.download_url;
	};
	const image = await upload('face.png', 'image/png', readMedia('portrait2.png'));
	const audio = await upload('voice.wav', 'audio/wav', makeWav(4));
	return {
		emulator,
		clock,
		call,
		upload,
		submit: (input = { image, audio }, query = '') => call('POST', `/${MODEL}${query}`, input),
		result: (id) => call('GET', `/predictions/${id}/result`),
	};
}

const PLAIN = { validateStatus: () => true, maxRedirects: 0, proxy: false } as const;

export async function send(config: AxiosRequestConfig): Promise<Reply> {
	const { status, headers, data } = await axios.request<Body>({ ...PLAIN, ...config });
	return { status, headers: { ...headers }, body: data };
}

/** GETs a file. */
export async function download(url: string, headers: Record<string, string> = {}) {
	const config = { ...PLAIN, headers, responseType: 'arraybuffer' as const };
	const reply = await axios.get<Buffer>(url, config);
	return { status: reply.status, headers: { ...reply.headers }, bytes: reply.data };
}

export function readMedia(name: string): Buffer {
	return readFileSync(mediaPath(name));
}

export function mediaPath(name: string): string {
	return fileURLToPath(new URL(`../media/${name}`, import.meta.url));
}

export function sha256(bytes: Buffer): string {
	return createHash('sha256').update(bytes).digest('hex');
}

/** Silence: 8 kHz, mono, 8 bit. */
export function makeWav(seconds: number): Buffer {
	const bytes = Math.round(seconds * 8000);
	const wav = Buffer.alloc(44 + bytes, 128);
	wav.write('RIFF', 0);
	wav.writeUInt32LE(36 + bytes, 4);
	wav.write('WAVEfmt ', 8);
	wav.writeUInt32LE(16, 16);
	wav.writeUInt16LE(1, 20);
	wav.writeUInt16LE(1, 22);
	wav.writeUInt32LE(8000, 24);
	wav.writeUInt32LE(8000, 28);
	wav.writeUInt16LE(1, 32);
	wav.writeUInt16LE(8, 34);
	wav.write('data', 36);
	wav.writeUInt32LE(bytes, 40);
	return wav;
}
