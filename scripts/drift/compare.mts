import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import axios from 'axios';

import { toParameters } from './parameters.mts';

export const KNOWN_FOLDER = join(import.meta.dirname, 'known');

interface Source {
	title: string;
	path: string;
	/** The copy's name in `known/`. */
	file: string;
	/** What of the page is kept. */
	read(page: string): string;
}

const MODEL = 'wavespeed-ai/wan-2.2/speech-to-video';

export const SOURCES: Source[] = [
	{
		title: 'The model’s description for machines (llms.txt)',
		path: `/models/${MODEL}/llms.txt`,
		file: 'llms.txt',
		read: (page) => `${page.replaceAll('\r', '').trim()}\n`,
	},
	{
		title: 'The parameters on the model’s page',
		path: '/docs/docs-api/wavespeed-ai/wan-2.2-speech-to-video',
		file: 'parameters.txt',
		read: (page) => `${toParameters(page).join('\n')}
`,
	},
];

export interface Comparison {
	found: { file: string; text: string }[];
	/** Markdown; empty if nothing differs. */
	report: string;
	isUnreadable: boolean;
}

export async function compareSources(baseUrl: string, knownFolder: string): Promise<Comparison> {
	const found: Comparison['found'] = [];
	const parts: string[] = [];
	let isUnreadable = false;
	for (const { title, path, file, read } of SOURCES) {
		const page = await fetchPage(`${baseUrl}${path}`);
		if ('problem' in page) {
			isUnreadable = true;
			parts.push(`## ${title}\n\n${baseUrl}${path} can't be read: ${page.problem}`);
			continue;
		}
		const text = read(page.text);
		found.push({ file, text });
		const known = await readFile(join(knownFolder, file), 'utf8').catch(() => undefined);
		if (text === known) continue;
		const what =
			known === undefined
				? `There is no copy of it yet. It says:\n\n${fence(text)}`
				: fence(diffLines(known, text));
		parts.push(`## ${title}\n\n${baseUrl}${path}\n\n${what}`);
	}
	const help =
		'Look whether the node, the emulator and docs/wavespeed-api.md still say the truth. Then `npm run drift -- --accept` and commit the copies.';
	return {
		found,
		isUnreadable,
		report: parts.length === 0 ? '' : `${parts.join('\n\n')}\n\n${help}\n`,
	};
}

const TRIES = 3;

async function fetchPage(url: string): Promise<{ text: string } | { problem: string }> {
	let problem = '';
	for (let count = 0; count < TRIES; count += 1) {
		try {
			const { data } = await axios.get<string>(url, {
				responseType: 'text',
				transformResponse: (text: string) => text,
				timeout: 30_000,
			});
			return { text: data };
		} catch (error) {
			problem = error instanceof Error ? error.message : String(error);
		}
	}
	return { problem };
}

/** Longer than any row of back quotes in the text. */
const fence = (text: string): string => `~~~~diff\n${text.trimEnd()}\n~~~~`;

/** Lines that only one of both has, in the order of the new text, with a sign before each. */
function diffLines(known: string, text: string): string {
	const [before, after] = [known.split('\n'), text.split('\n')];
	const [had, has] = [new Set(before), new Set(after)];
	const gone = before.filter((line) => !has.has(line)).map((line) => `- ${line}`);
	const come = after.filter((line) => !had.has(line)).map((line) => `+ ${line}`);
	return [...gone, ...come].join('\n') || '  the same lines in another order';
}
