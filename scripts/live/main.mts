/**
 * `npm run live`: does the real service answer as the emulator does? Asks both the same, prints where they differ, and makes
 * one short video, for which it asks first. Needs WAVESPEED_API_KEY; the answers without secrets are kept in output/.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { fileURLToPath } from 'node:url';

import { startEmulator } from '../../test/emulator/emulator.mts';
import { textAt } from '../n8n/shape.mts';
import {
	askForFree,
	describeSecret,
	makeVideo,
	openService,
	quote,
	type Service,
	uploadSamples,
} from './probe.mts';
import { compareAnswers, printable } from './shapes.mts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const MEDIA = join(ROOT, 'test', 'media');
const CHECK_EVERY_MS = 5_000;

const say = (text: string): void => console.log(text);

async function confirm(question: string): Promise<boolean> {
	if (!process.stdin.isTTY) return false;
	const terminal = createInterface({ input: process.stdin, output: process.stdout });
	const answer = await terminal.question(`${question} Type "pay" to go on: `);
	terminal.close();
	return answer.trim() === 'pay';
}

/** What the emulator answers to the same, a video included: there it costs nothing. */
async function askEmulator(): Promise<Service> {
	const emulator = await startEmulator({
		video: 'placeholder',
		taskSeconds: 2,
		accountLevel: 'ultra',
	});
	const service = openService(emulator.url, emulator.apiKey);
	await askForFree(service, emulator.url);
	const inputs = await uploadSamples(service, MEDIA);
	await quote(service, inputs);
	await makeVideo(service, inputs, () => {}, 500);
	await emulator.close();
	return service;
}

const apiKey = process.env.WAVESPEED_API_KEY?.trim() ?? '';
if (apiKey === '') {
	console.error(
		'Set WAVESPEED_API_KEY to a key of wavespeed.ai. Nothing is paid before you have agreed to the price.',
	);
	process.exit(2);
}
const baseUrl = (process.env.WAVESPEED_BASE_URL ?? 'https://api.wavespeed.ai').replace(/\/+$/, '');

const expected = await askEmulator();
const live = openService(baseUrl, apiKey);
const notes: string[] = [];
const outcome = await (async () => {
	say(`Asking ${baseUrl} what costs nothing …`);
	await askForFree(live, baseUrl);
	const secret = live.answers.find(({ step }) => step === 'webhook secret')?.body;
	notes.push(describeSecret(textAt(secret, 'data', 'secret') ?? textAt(secret, 'data') ?? ''));
	const inputs = await uploadSamples(live, MEDIA);
	const price = await quote(live, inputs);
	if (await confirm(`One video of five seconds costs $${price}.`)) {
		notes.push(...(await makeVideo(live, inputs, say, CHECK_EVERY_MS)).notes);
	} else {
		say('No video was made and nothing was paid.');
	}
})().then(
	() => undefined,
	(error: unknown) => (error instanceof Error ? error.message : String(error)),
);

const differences = compareAnswers(expected.answers, live.answers);
say(`\n${differences.length} differences from the emulator:`);
for (const difference of differences) say(`- ${difference}`);
say('\nNotes:');
for (const note of notes) say(`- ${note}`);
await mkdir(join(ROOT, 'output'), { recursive: true });
const file = join(ROOT, 'output', 'live-answers.json');
await writeFile(file, printable(live.answers).replaceAll(apiKey, '(hidden)'));
say(`\nAll answers, without secrets: ${file}`);
if (outcome !== undefined) console.error(`\nStopped early: ${outcome}`);
process.exit(outcome === undefined ? 0 : 1);
