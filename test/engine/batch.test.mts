import {
	GENERATE,
	jsonOf,
	makeRow,
	makeRows,
	type Rig,
	startRig,
	storeAudio,
} from './harness/rig.mts';
import { sampleFile, storeFile } from './harness/engine.mts';

let rig: Rig;
afterEach(async () => await rig.close());

const steps = (step: string) => rig.emulator.requests().filter((request) => request.step === step);

test('never has more than two tasks in flight, nor two submits a minute, on a bronze account', async () => {
	rig = await startRig({ accountLevel: 'bronze', taskSeconds: 20 });
	const result = await rig.run({ items: await makeRows(7), parameters: GENERATE });
	expect(result.error).toBeUndefined();
	expect(rig.emulator.maxInFlight()).toBe(2);
	expect(rig.emulator.paidTasks()).toBe(7);
	expect(steps('submit').map(({ status }) => status)).toEqual(Array(7).fill(200));
	const times = steps('submit').map(({ at }) => at);
	times
		.slice(2)
		.forEach((time, index) => expect(time - times[index]!).toBeGreaterThanOrEqual(60_000));
});

test('keeps the order of the rows whatever order their tasks end in', async () => {
	rig = await startRig({
		taskSeconds: (input) => 100 - 10 * Number(String(input.prompt).split(' ')[1]),
	});
	const result = await rig.run({ items: await makeRows(8), parameters: GENERATE });
	expect(jsonOf(result.items).map(({ prompt }) => prompt)).toEqual(
		Array.from({ length: 8 }, (_, row) => `row ${row}`),
	);
	expect(result.items.map(({ pairedItem }) => pairedItem)).toEqual(
		Array.from({ length: 8 }, (_, item) => ({ item })),
	);
});

test('runs as many side by side as the options say, whatever the account level says', async () => {
	rig = await startRig({ taskSeconds: 30 });
	await rig.run({
		items: await makeRows(9),
		parameters: { ...GENERATE, options: { maxTasksInFlight: 3, maxSubmitsPerMinute: 100 } },
	});
	expect(rig.emulator.maxInFlight()).toBe(3);
});

test('uploads a file once that a hundred rows share, and one of equal content only once', async () => {
	rig = await startRig();
	const shared = await makeRow();
	const items = await Promise.all(
		Array.from({ length: 100 }, async (_, row) => ({
			json: { prompt: `row ${row}` },
			binary: {
				image: shared.binary!.image!,
				// Another stored file with the same content.
				audio: await storeFile(sampleFile('speech.mp3'), `copy ${row}.mp3`, 'audio/mpeg'),
			},
		})),
	);
	const result = await rig.run({ items, parameters: GENERATE });
	expect(result.items).toHaveLength(100);
	expect(rig.emulator.uploads()).toHaveLength(2);
	expect(rig.emulator.paidTasks()).toBe(100);
});

test('a service that allows less than the credential says slows the batch down, but refuses no row', async () => {
	rig = await startRig({ accountLevel: 'bronze', taskSeconds: 30 });
	rig.credential.accountLevel = 'silver';
	const result = await rig.run({ items: await makeRows(6), parameters: GENERATE });
	expect(result.error).toBeUndefined();
	expect(rig.emulator.paidTasks()).toBe(6);
	const refused = steps('submit').filter(({ status }) => status === 429);
	expect(refused.length).toBeLessThanOrEqual(15);
});

test('honours Retry-After', async () => {
	rig = await startRig();
	rig.emulator.addFault({ step: 'submit', kind: 'tooManyRequests', retryAfter: '90' });
	const result = await rig.run({ items: await makeRows(1), parameters: GENERATE });
	expect(result.items).toHaveLength(1);
	const [first, second] = steps('submit');
	expect(second!.at - first!.at).toBeGreaterThanOrEqual(90_000);
});

describe('uploads', () => {
	beforeEach(async () => {
		rig = await startRig();
	});

	test('go by ticket, and the key never reaches the other host', async () => {
		await rig.run({
			items: [await makeRow()],
			parameters: { ...GENERATE, options: { downloadVideo: true } },
		});
		const media = rig.emulator.requests().filter(({ origin }) => origin === 'media');
		expect(media.map(({ method }) => method).sort()).toEqual(['GET', 'PUT', 'PUT']);
		for (const { headers } of media) {
			expect(JSON.stringify(headers)).not.toContain(rig.emulator.apiKey);
		}
	});

	test.each([404, 405] as const)(
		'use the multipart endpoint where tickets answer %d',
		async (status) => {
			await rig.close();
			rig = await startRig({ ticketUploads: status });
			const result = await rig.run({ items: [await makeRow()], parameters: GENERATE });
			expect(result.error).toBeUndefined();
			const bytes = rig.emulator.uploads().map((upload) => [upload.via, upload.bytes]);
			expect(bytes).toEqual(
				expect.arrayContaining([
					['multipart', sampleFile('portrait.png').length],
					['multipart', sampleFile('speech.mp3').length],
				]),
			);
		},
	);

	test.each(['status', 'resetBefore', 'resetAfter', 'hang'] as const)(
		'are tried again with a new ticket when the file store ends in %s',
		async (kind) => {
			rig.emulator.addFault({ step: 'put', kind });
			const result = await rig.run({ items: [await makeRow()], parameters: GENERATE });
			expect(result.error).toBeUndefined();
			expect(steps('ticket')).toHaveLength(3);
			expect(rig.emulator.paidTasks()).toBe(1);
		},
	);

	test('that fail for good fail the row, name the field and cost nothing', async () => {
		rig.emulator.addFault({ step: 'put', kind: 'status', status: 500, times: Infinity });
		const result = await rig.run({ items: [await makeRow()], parameters: GENERATE });
		expect(result.error?.message).toMatch(
			/Could not upload the file in "(image|audio)".*HTTP status 500/,
		);
		expect(result.error?.description).toMatch(/Nothing was paid/);
		expect(rig.emulator.paidTasks()).toBe(0);
	});

	test("give n8n's .mpga the name that the service knows", async () => {
		const audio = await storeFile(sampleFile('speech.mp3'), 'voice.mpga', 'audio/mpeg');
		const { binary } = await makeRow();
		await rig.run({ items: [{ json: {}, binary: { ...binary, audio } }], parameters: GENERATE });
		expect(rig.emulator.uploads().map(({ filename }) => filename)).toContain('voice.mp3');
		expect(await storeAudio()).toBeDefined();
	});
});
