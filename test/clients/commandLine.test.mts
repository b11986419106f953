import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import type { Emulator } from '../emulator/types.mts';
import { MODEL, PICTURE, PRICE_USD, VOICE, addInputs, startFastEmulator } from './emulator.mts';

/** The vendor's command line against the emulator. It keeps its base URL in a file of its own folder. */

const CLI = require.resolve('@wavespeed/cli/package.json').replace('package.json', 'dist/cli.js');

let emulator: Emulator;
let home: string;
beforeEach(async () => {
	emulator = await startFastEmulator();
	home = await mkdtemp(join(tmpdir(), 'wavespeed-cli-'));
	// Where the command line looks on Linux, on macOS and on Windows.
	const folders = [
		'.config/wavespeed-nodejs',
		'Library/Preferences/wavespeed-nodejs',
		'wavespeed-nodejs/Config',
	];
	for (const file of folders.map((folder) => join(home, folder, 'config.json'))) {
		await mkdir(dirname(file), { recursive: true });
		await writeFile(file, JSON.stringify({ baseUrl: emulator.url }));
	}
});
afterEach(async () => {
	await emulator.close();
	await rm(home, { recursive: true, force: true });
});

async function run(args: string[], apiKey = emulator.apiKey) {
	const env = {
		PATH: process.env.PATH,
		HOME: home,
		APPDATA: home,
		XDG_CONFIG_HOME: join(home, '.config'),
		WAVESPEED_API_KEY: apiKey,
		NO_COLOR: '1',
	};
	return await new Promise<{ code: number; text: string; json: unknown }>((resolve) => {
		execFile(process.execPath, [CLI, ...args], { env, cwd: home }, (error, stdout, stderr) => {
			resolve({ code: error ? 1 : 0, text: stdout + stderr, json: parse(stdout) });
		});
	});
}

function parse(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		return undefined;
	}
}

const pairs = (inputs: object) =>
	Object.entries(inputs).flatMap(([name, value]) => ['--input', `${name}=${value}`]);

test('tells the balance, and that a key is wrong', async () => {
	expect(await run(['balance', '--json'])).toMatchObject({ json: { balance: 100 } });
	expect(await run(['balance'], 'wrong')).toMatchObject({ code: 1 });
});

test('uploads files', async () => {
	for (const file of [PICTURE, VOICE])
		expect(await run(['upload', file])).toMatchObject({ code: 0 });
	expect(emulator.uploads()).toHaveLength(2);
});

test('lists the model, and shows its schema', async () => {
	expect((await run(['models', '--json'])).text).toContain(MODEL);
	const { text } = await run(['schema', MODEL]);
	for (const name of ['image', 'audio', 'prompt', 'resolution', 'seed'])
		expect(text).toContain(name);
});

test('tells the price, runs the model, and finds the task in its history', async () => {
	const inputs = { ...(await addInputs(emulator)), prompt: 'she smiles', seed: 7 };
	expect(await run(['price', MODEL, ...pairs(inputs), '--json'])).toMatchObject({
		json: { unit_price: PRICE_USD },
	});
	expect(await run(['run', MODEL, ...pairs(inputs), '--json'])).toMatchObject({
		code: 0,
		json: { outputs: [expect.stringMatching(/\.mp4$/)] },
	});
	const [{ id } = { id: '' }] = emulator.tasks();
	expect((await run(['history', '--json'])).json).toMatchObject({
		items: [{ id, inputs: { prompt: 'she smiles', seed: 7 } }],
	});
	expect((await run(['history'])).text).toContain('she smiles');
	expect((await run(['show', id])).text).toContain('completed');
	expect(await run(['delete', id, '--yes'])).toMatchObject({ code: 0 });
	expect((await run(['history', '--json'])).json).toMatchObject({ items: [] });
});

test('tells why a task was refused or failed', async () => {
	const { audio } = await addInputs(emulator);
	expect((await run(['run', MODEL, ...pairs({ audio }), '--json'])).text).toMatch(/400|"?image/);
	const inputs = pairs({ audio, image: 'http://127.0.0.1:1/none.png' });
	const failed = await run(['run', MODEL, ...inputs, '--json']);
	expect(failed).toMatchObject({ code: 1 });
	expect(failed.text).toContain('Failed to download image');
});
