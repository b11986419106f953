import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';

import axios from 'axios';

import { textAt } from './shape.mts';

const SAMPLES = ['portrait.png', 'portrait2.png', 'portrait3.png', 'speech.mp3', 'speech.wav'];

/** Copies the sample pictures and voices to where the examples read their files. */
export async function copySamples(mediaFolder: string, filesFolder: string): Promise<void> {
	await mkdir(filesFolder, { recursive: true });
	for (const name of SAMPLES) await cp(join(mediaFolder, name), join(filesFolder, name));
}

export interface Service {
	url: string;
	apiKey: string;
}

/** Puts a file into the service's own store, which costs nothing, and gives its URL. */
export async function uploadFile({ url, apiKey }: Service, file: string): Promise<string> {
	const form = new FormData();
	form.append('file', new Blob([await readFile(file)]), basename(file));
	const answer = await axios.post<unknown>(`${url}/api/v3/media/upload/binary`, form, {
		headers: { authorization: `Bearer ${apiKey}` },
		proxy: false,
	});
	const found = textAt(answer.data, 'data', 'download_url');
	if (found === undefined) throw new Error(`${basename(file)} was uploaded, but no URL came back.`);
	return found;
}

export const SHEET_COLUMNS = [
	...['row', 'name', 'image_url', 'audio_url', 'prompt'],
	...['status', 'video_url', 'cost_usd', 'error'],
] as const;

export type SheetRow = Partial<Record<(typeof SHEET_COLUMNS)[number], string>>;

/** Writes a sheet for the spreadsheet example. */
export async function writeSheet(file: string, rows: SheetRow[]): Promise<void> {
	const quote = (value = '') => (/[",\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);
	const lines = rows.map((row) => SHEET_COLUMNS.map((column) => quote(row[column])).join(','));
	await writeFile(file, `${[SHEET_COLUMNS.join(','), ...lines].join('\n')}\n`);
}
