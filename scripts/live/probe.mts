import { createHmac, randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import axios, { type AxiosInstance, type AxiosResponse } from 'axios';

import { listAt, textAt, valueAt } from '../n8n/shape.mts';
import type { Answer } from './shapes.mts';
import { isRecord } from '../../nodes/shared/json';

/** The same questions to the service and to the emulator. What spends money stands in `makeVideo` alone. */

export const MODEL = 'wavespeed-ai/wan-2.2/speech-to-video';

export interface Service {
	http: AxiosInstance;
	/** Every answer, in the order of the questions. */
	answers: Answer[];
	ask(step: string, request: () => Promise<AxiosResponse>): Promise<unknown>;
}

export function openService(baseUrl: string, apiKey: string): Service {
	const http = axios.create({
		baseURL: `${baseUrl}/api/v3`,
		headers: { Authorization: `Bearer ${apiKey}` },
		timeout: 60_000,
		maxRedirects: 0,
		validateStatus: () => true,
	});
	const answers: Answer[] = [];
	return {
		http,
		answers,
		async ask(step, request) {
			const { status, data } = await request();
			const body: unknown = data;
			answers.push({ step, status, body });
			return body;
		},
	};
}

export interface Uploaded {
	image: string;
	audio: string;
}

/** Questions that cost nothing; most are about what happens when something is wrong. */
export async function askForFree(service: Service, baseUrl: string): Promise<void> {
	const { http, ask } = service;
	await ask('balance', () => http.get('/balance'));
	await ask('balance with a wrong key', () =>
		axios.get(`${baseUrl}/api/v3/balance`, {
			headers: { Authorization: `Bearer ${randomUUID()}` },
			validateStatus: () => true,
		}),
	);
	await ask('webhook secret', () => http.get('/webhook/secret'));
	await ask('task that does not exist', () => http.get(`/predictions/${randomUUID()}/result`));
	await ask('task list', () => http.post('/predictions', { page: 1, page_size: 5, model: MODEL }));
	await ask('task list with a page that is too large', () =>
		http.post('/predictions', { page: 1, page_size: 1_000, model: MODEL }),
	);
	// Refused before anything could be made: both inputs are required.
	await ask('submit without inputs', () => http.post(`/${MODEL}`, { prompt: 'nothing' }));
}

async function upload(service: Service, file: string, type: string): Promise<string> {
	const { http, ask } = service;
	const content = await readFile(file);
	const filename = file.split('/').at(-1) ?? '';
	const ticket = await ask('upload ticket', () =>
		http.post('/media/uploads', { filename, size: content.length, content_type: type }),
	);
	const url = textAt(ticket, 'data', 'upload', 'url');
	const headers = valueAt(ticket, 'data', 'upload', 'headers');
	const address = textAt(ticket, 'data', 'download_url');
	if (url === undefined || address === undefined || !isRecord(headers)) {
		throw new Error('The service gave no upload ticket; see the answers above.');
	}
	await ask('upload of the bytes', () =>
		axios.put(url, content, {
			headers: headers as Record<string, string>,
			maxRedirects: 0,
			validateStatus: () => true,
			transformResponse: () => undefined,
		}),
	);
	return address;
}

export async function uploadSamples(service: Service, media: string): Promise<Uploaded> {
	return {
		image: await upload(service, join(media, 'portrait.png'), 'image/png'),
		audio: await upload(service, join(media, 'speech.mp3'), 'audio/mpeg'),
	};
}

/** The price in USD, of both resolutions; the first is what `makeVideo` will cost. */
export async function quote(service: Service, inputs: Uploaded): Promise<number> {
	const prices: number[] = [];
	for (const resolution of ['480p', '720p']) {
		const body = { model_id: MODEL, inputs: { ...inputs, resolution } };
		const answer = await service.ask(`price at ${resolution}`, () =>
			service.http.post('/model/price', body),
		);
		const price = valueAt(answer, 'data', 'discounted_price') ?? valueAt(answer, 'data', 'price');
		if (typeof price !== 'number') throw new Error('The service gave no price.');
		prices.push(price);
	}
	return prices[0] ?? Number.NaN;
}

export interface MadeVideo {
	/** What can be learned besides the shapes of the answers. */
	notes: string[];
}

/** Spends money: one POST, never repeated. */
export async function makeVideo(
	service: Service,
	inputs: Uploaded,
	say: (text: string) => void,
	checkEveryMs: number,
): Promise<MadeVideo> {
	const { http, ask } = service;
	const notes: string[] = [];
	const submitted = await ask('submit', () =>
		http.post(`/${MODEL}`, { ...inputs, prompt: 'A calm speaker', resolution: '480p', seed: 7 }),
	);
	const id = textAt(submitted, 'data', 'id');
	if (id === undefined) throw new Error('The submit was not accepted; see its answer above.');
	say(`Task ${id} is accepted and paid for.`);

	const list = () => http.post('/predictions', { page: 1, page_size: 20, model: MODEL });
	const listed = await ask('task list after the submit', list);
	const isListed = listAt(listed, 'data', 'items').some((item) => textAt(item, 'id') === id);
	notes.push(`A new task is ${isListed ? '' : 'not '}in the list at once.`);

	const startedAt = Date.now();
	const statuses = new Set<string>();
	for (;;) {
		const { status, data } = await http.get(`/predictions/${encodeURIComponent(id)}/result`);
		const state = textAt(data, 'data', 'status') ?? `HTTP ${status}`;
		if (!statuses.has(state)) {
			statuses.add(state);
			say(`${Math.round((Date.now() - startedAt) / 1000)} s: ${state}`);
			service.answers.push({ step: `result, ${state}`, status, body: data });
		}
		if (['completed', 'failed', 'cancelled', 'timeout', 'deleted'].includes(state)) {
			const echoes = isRecord(valueAt(data, 'data', 'input'));
			notes.push(`A result ${echoes ? 'repeats' : 'does not repeat'} the task's input.`);
			await checkVideo(textAt(data, 'data', 'outputs', 0) ?? '', notes, say);
			break;
		}
		await sleep(checkEveryMs);
	}
	notes.push(`Statuses in order: ${[...statuses].join(', ')}.`);
	notes.push(`It took ${Math.round((Date.now() - startedAt) / 1000)} s.`);
	return { notes };
}

async function checkVideo(
	url: string,
	notes: string[],
	say: (text: string) => void,
): Promise<void> {
	if (url === '') return;
	say(`Video: ${url}`);
	const head = await axios.get<NodeJS.ReadableStream & { destroy(): void }>(url, {
		responseType: 'stream',
		validateStatus: () => true,
	});
	head.data.destroy();
	const type = String(head.headers['content-type']);
	const length = String(head.headers['content-length'] ?? 'unknown');
	notes.push(
		`The video's host answers HTTP ${head.status}, ${type}, ${length} bytes, without a key.`,
	);
}

/** The signature that a callback would carry: shows that the secret has the form that the node expects. */
export function describeSecret(secret: string): string {
	const isExpected = secret.startsWith('whsec_') && secret.length > 'whsec_'.length;
	const signed = createHmac('sha256', secret.slice('whsec_'.length)).update('1.1.{}').digest('hex');
	return isExpected && /^[\da-f]{64}$/.test(signed)
		? 'The signing secret has the expected form.'
		: 'The signing secret has another form than "whsec_…".';
}
