import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import { Client as Newest } from 'wavespeed';
import { Client as Older } from 'wavespeed-0.2';
import Oldest from 'wavespeed-0.0';

import type { Emulator } from '../emulator/types.mts';
import { MODEL, PICTURE, VOICE, addInputs, startFastEmulator } from './emulator.mts';

/** The vendor's JavaScript SDK against the emulator: where it breaks, the emulator says what the service doesn't. */

let emulator: Emulator;
beforeEach(async () => {
	emulator = await startFastEmulator();
	// The SDK writes about its retries.
	for (const way of ['log', 'error'] as const) jest.spyOn(console, way).mockImplementation();
});
afterEach(async () => {
	jest.restoreAllMocks();
	await emulator.close();
});

const FAST = { pollInterval: 0.05, timeout: 20 };
const hashOf = (file: string) => createHash('sha256').update(readFileSync(file)).digest('hex');
const submits = () => emulator.requests().filter(({ step }) => step === 'submit');

describe.each([
	['0.3.2', Newest, 'ticket'],
	['0.2.3', Older, 'multipart'],
] as const)('version %s', (_, Client, via) => {
	const open = (apiKey = emulator.apiKey) =>
		new Client(apiKey, { baseUrl: emulator.url, retryInterval: 0.01 });

	test(`uploads by ${via}`, async () => {
		const urls = [await open().upload(PICTURE), await open().upload(VOICE)];
		expect(emulator.uploads()).toMatchObject([
			{ url: urls[0], sha256: hashOf(PICTURE), via },
			{ url: urls[1], sha256: hashOf(VOICE), via },
		]);
	});

	test('runs the model and waits for its video', async () => {
		const { outputs } = await open().run(MODEL, await addInputs(emulator), FAST);
		expect(outputs).toEqual([expect.stringMatching(/\.mp4$/)]);
		expect((await fetch(outputs[0])).status).toBe(200);
		expect(emulator.paidTasks()).toBe(1);
	});

	test('tells the error of a failed task, and its ID', async () => {
		const inputs = { ...(await addInputs(emulator)), image: 'http://127.0.0.1:1/none.png' };
		const { outputs, detail } = await open().runNoThrow(MODEL, inputs, FAST);
		expect(outputs).toBeNull();
		expect(detail).toMatchObject({ status: 'failed', taskId: emulator.tasks()[0]?.id });
		// An error in the newest version, its text in the older one.
		expect(String(detail.error)).toContain('Failed to download image');
	});

	test('tells a wrong key and a refused input', async () => {
		const inputs = await addInputs(emulator);
		await expect(open('wrong').run(MODEL, inputs, FAST)).rejects.toThrow(/401/);
		await expect(open().run(MODEL, { audio: inputs.audio }, FAST)).rejects.toThrow(/is missing/);
		expect(emulator.paidTasks()).toBe(0);
	});

	test('gets over results that break off', async () => {
		const inputs = await addInputs(emulator);
		if (Client === Newest) emulator.addFault({ step: 'result', kind: 'resetBefore', times: 2 });
		const { outputs } = await open().run(MODEL, inputs, FAST);
		expect(outputs).toHaveLength(1);
	});
});

test('the newest version submits once, also when the answer is lost', async () => {
	emulator.addFault({ step: 'submit', kind: 'resetAfter' });
	const client = new Newest(emulator.apiKey, { baseUrl: emulator.url, retryInterval: 0.01 });
	await expect(client.run(MODEL, await addInputs(emulator), FAST)).rejects.toThrow(/submi/i);
	expect(submits()).toHaveLength(1);
});

test('version 0.0.15 runs the model, and has its callback signed', async () => {
	const client = new Oldest(emulator.apiKey, { baseUrl: `${emulator.url}/api/v3/` });
	const inputs = await addInputs(emulator);
	const prediction = await client.create(MODEL, inputs, { webhook: 'http://127.0.0.1:9/hook' });
	while (emulator.tasks()[0]?.status !== 'completed') await sleep(20);
	expect(await prediction.reload()).toMatchObject({
		id: emulator.tasks()[0]?.id,
		status: 'completed',
	});
	expect(emulator.tasks()[0]?.webhookUrl).toBe('http://127.0.0.1:9/hook');
});
