import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { openRecording, openService, type Exchange } from '../../../scripts/live/exchange.mts';
import {
	FREE_PROBES,
	PAID_PROBES,
	askAll,
	newFindings,
	type Seen,
} from '../../../scripts/live/probes.mts';
import { toRecording, type Recording } from '../../../scripts/live/recording.mts';
import { toRows, toTable } from '../../../scripts/live/report.mts';
import { compareAnswers, printable } from '../../../scripts/live/shapes.mts';
import { startEmulator } from '../../emulator/emulator.mts';
import type { EmulatorOptions } from '../../emulator/types.mts';

/** What `npm run live -- --record` has kept. */
const FOLDER = join(process.cwd(), 'test/recorded');

const ALL = [...FREE_PROBES, ...PAID_PROBES];

interface Visit {
	exchanges: Exchange[];
	seen: Map<string, Seen>;
	paidBefore: number;
	paid: number;
	mediaUrl: string;
}

/** All questions of the live check to an emulator that stands for the service. */
async function visit(options: EmulatorOptions = {}): Promise<Visit> {
	const emulator = await startEmulator({ video: 'placeholder', taskSeconds: 0.1, ...options });
	try {
		const service = openService(emulator.url, emulator.apiKey);
		// Without the pauses between two looks at a task.
		service.api.clock.sleep = async () => await new Promise((resolve) => setTimeout(resolve, 20));
		const found = newFindings();
		await askAll(service, FREE_PROBES, found);
		const paidBefore = emulator.paidTasks();
		await askAll(service, PAID_PROBES, found);
		const { exchanges } = service;
		const visited = {
			exchanges,
			paidBefore,
			paid: emulator.paidTasks(),
			mediaUrl: emulator.mediaUrl,
		};
		// Once more, with a task for the lists to show.
		exchanges.length = 0;
		return { ...visited, seen: await askAll(service, ALL, found) };
	} finally {
		await emulator.close();
	}
}

const namesOf = (rows: { name: string; follows: string }[]): string[] =>
	rows.filter(({ follows }) => follows !== '').map(({ name }) => name);

describe('the live check', () => {
	it('pays for one video, and only after all the questions that cost nothing', async () => {
		const { seen, paidBefore, paid } = await visit();
		expect(seen.get('the price of five seconds at 480p')).toEqual({ value: '$0.15' });
		expect(paidBefore).toBe(0);
		expect(paid).toBe(1);
	});

	it('asks nothing in vain: every question sees something that can be compared', async () => {
		const { seen } = await visit();
		expect([...seen.keys()]).toEqual(ALL.map(({ name }) => name));
		for (const { value } of seen.values()) expect(value).not.toMatch(/^(broke off|.*no answer)/);
	});

	it('finds no difference between two services that answer alike', async () => {
		const [one, other] = [await visit(), await visit()];
		expect(namesOf(toRows(ALL, one.seen, other.seen))).toEqual([]);
		expect(compareAnswers(one.exchanges, other.exchanges)).toEqual([]);
	});

	it('names exactly what the service answers otherwise, and what follows', async () => {
		const expected = await visit();
		const service = await visit({
			clockSkewMs: 90_000,
			strictBody: true,
			includeInputs: 'refused',
			createdAtFormat: 'noZone',
			echoInput: true,
		});
		const rows = toRows(ALL, expected.seen, service.seen);
		expect(namesOf(rows)).toEqual([
			'the time in the header of answers',
			'a list with `include_inputs`: where a task has its inputs',
			'a list without it',
			'a submit without inputs and with an unknown key: what is complained about',
			'the submit of a video',
			'the statuses until its end, and what is there then',
		]);
		expect(rows.find(({ name }) => name.startsWith('the time'))?.seen).toMatch(
			/^(89|90|91) s ahead$/,
		);
		const table = toTable(rows);
		expect(table.split('\n')).toHaveLength(ALL.length + 2);
		expect(table.match(/\*\*differs\.\*\*/g)).toHaveLength(6);
		const fields = compareAnswers(expected.exchanges, service.exchanges);
		expect(fields).toContain('the submit of a video: data.input is new (object)');
	});

	it('tells an answer with another HTTP status', () => {
		const body = { code: 400 };
		const differences = compareAnswers(
			[{ step: 'submit', status: 400, body }],
			[{ step: 'submit', status: 422, body }],
		);
		expect(differences).toEqual(['submit: HTTP 422 instead of 400']);
	});

	it('keeps secrets and signatures out of what it writes', () => {
		const text = printable({
			secret: 'whsec_abc',
			upload: { url: 'https://host/put?X-Signature=abc', headers: { Authorization: 'Bearer abc' } },
		});
		expect(text).not.toContain('abc');
		expect(text).toContain('https://host/put');
	});
});

describe('a recording', () => {
	const replay = async ({ exchanges, seen }: Recording) => {
		const again = await askAll(openRecording(exchanges), asked(seen), newFindings());
		const valuesOf = (all: [string, Seen][]) => all.map(([name, { value }]) => [name, value]);
		return { again: valuesOf([...again]), seen: valuesOf(Object.entries(seen)) };
	};
	const asked = (seen: Recording['seen']) => ALL.filter(({ name }) => name in seen);

	it('holds neither keys nor addresses, and replays to the same answers', async () => {
		const service = await visit({ echoInput: true, createdAtFormat: 'ns' });
		const recording = toRecording(service.exchanges, service.seen, ['test-key']);
		const text = JSON.stringify(recording);
		expect(text).not.toMatch(/test-key|127\.0\.0\.1|whsec_(?!hidden)\w|[\da-f]{33}|A calm speaker/);
		expect(text).not.toContain(service.mediaUrl);
		const { again, seen } = await replay(JSON.parse(text) as Recording);
		expect(again).toEqual(seen);
	});

	it('is refused if a secret would stay in it', async () => {
		const exchange = { step: 'x', asked: 'GET /', at: 0, headers: { date: 'secret-1' } };
		expect(() => toRecording([exchange], new Map(), ['secret-1'])).toThrow(/nothing was written/);
	});

	it('that says something else than the parser reads now is noticed', async () => {
		const service = await visit();
		const recording = toRecording(service.exchanges, service.seen, []);
		const submit = recording.exchanges.find(({ step }) => step === 'the submit of a video');
		submit!.body = { code: 500, message: 'x' };
		const { again, seen } = await replay(recording);
		expect(again).not.toEqual(seen);
	});

	it.each(readdirSync(FOLDER).filter((name) => name.endsWith('.json')))(
		'of the service replays: %s',
		async (file) => {
			const { again, seen } = await replay(
				JSON.parse(await readFile(join(FOLDER, file), 'utf8')) as Recording,
			);
			expect(again).toEqual(seen);
		},
	);
});
