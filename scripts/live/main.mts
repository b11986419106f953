/**
 * `npm run live`: does the real service answer as the emulator does? Asks both the same and prints a table that can be
 * pasted into an issue. Then it offers to make one short video, and asks before it pays.
 *
 *   --free     asks only what is free
 *   --record   keeps the answers, without keys and addresses, in test/recorded/: the tests read them from then on
 *
 * Needs WAVESPEED_API_KEY; WAVESPEED_BASE_URL names another service, such as the emulator.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { parseArgs } from 'node:util';

import { startEmulator } from '../../test/emulator/emulator.mts';
import { openService, type Service } from './exchange.mts';
import { FREE_PROBES, PAID_PROBES, askAll, newFindings, type Probe, type Seen } from './probes.mts';
import { toRecording } from './recording.mts';
import { toRows, toTable } from './report.mts';
import { compareAnswers, printable } from './shapes.mts';

const ROOT = join(import.meta.dirname, '../..');

const say = (text: string): void => console.log(text);

async function confirm(question: string): Promise<boolean> {
	if (!process.stdin.isTTY) return false;
	const terminal = createInterface({ input: process.stdin, output: process.stdout });
	const answer = await terminal.question(`${question} Type "pay" to go on: `);
	terminal.close();
	return answer.trim() === 'pay';
}

/** What the emulator answers to the same, a video included: there it costs nothing. */
async function askEmulator(): Promise<{ service: Service; seen: Map<string, Seen> }> {
	const emulator = await startEmulator({ video: 'placeholder', taskSeconds: 1 });
	const service = openService(emulator.url, emulator.apiKey);
	const found = newFindings();
	// A task for the lists to show, as most accounts have some.
	await askAll(service, [...FREE_PROBES, ...PAID_PROBES], found);
	service.exchanges.length = 0;
	const seen = await askAll(service, [...FREE_PROBES, ...PAID_PROBES], found);
	await emulator.close();
	return { service, seen };
}

const { values } = parseArgs({
	options: { free: { type: 'boolean' }, record: { type: 'boolean' } },
});
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
const found = newFindings();
say(`Asking ${baseUrl} what costs nothing …`);
const seen = await askAll(live, FREE_PROBES, found);
const asked: Probe[] = [...FREE_PROBES];
const price = seen.get('the price of five seconds at 480p')?.value ?? 'an unknown price';
if (
	!values.free &&
	found.audio !== '' &&
	(await confirm(`One video of five seconds costs ${price}.`))
) {
	for (const [name, one] of await askAll(live, PAID_PROBES, found)) seen.set(name, one);
	asked.push(...PAID_PROBES);
} else {
	say('No video was made and nothing was paid.');
}

const rows = toRows(asked, expected.seen, seen);
const shapes = compareAnswers(expected.service.exchanges, live.exchanges);
const different = rows.filter(({ follows }) => follows !== '').length;
const report = [
	`${rows.length - different} of ${rows.length} answers as expected.`,
	toTable(rows),
	...(shapes.length > 0 ? ['Fields that are there, missing or of another kind:'] : []),
	shapes.map((line) => `- ${line}`).join('\n'),
].join('\n\n');
say(`\n${report}`);

await mkdir(join(ROOT, 'output'), { recursive: true });
const answers = join(ROOT, 'output', 'live-answers.json');
await writeFile(answers, printable(live.exchanges).replaceAll(apiKey, '(hidden)'));
await writeFile(join(ROOT, 'output', 'live-report.md'), `${report}\n`);
say(`\nAll answers, without secrets: ${answers}`);
if (values.record) {
	const recording = toRecording(live.exchanges, seen, [apiKey, new URL(baseUrl).host]);
	const folder = join(ROOT, 'test', 'recorded');
	await mkdir(folder, { recursive: true });
	const file = join(folder, `${recording.recordedAt.slice(0, 10)}.json`);
	await writeFile(file, `${JSON.stringify(recording, undefined, '\t')}\n`);
	say(`Recorded for the tests: ${file}`);
}
// 3: the service has changed, or was never as expected. For whoever runs this by the clock.
process.exit(different === 0 && shapes.length === 0 ? 0 : 3);
