import {
	GENERATE,
	jsonOf,
	makeRow,
	type Rig,
	START,
	startRig,
	storeAudio,
	storeImage,
} from './harness/rig.mts';
import { readStored, sampleFile, storeFile } from './harness/engine.mts';

let rig: Rig;
beforeEach(async () => {
	rig = await startRig();
});
afterEach(async () => await rig.close());

test('three rows with different pictures, voices, prompts, resolutions and seeds give three tasks with exactly those inputs', async () => {
	const names = [
		['portrait.png', 'speech.mp3'],
		['portrait2.png', 'speech2.mp3'],
		['portrait3.png', 'speech3.mp3'],
	] as const;
	const wanted = [
		{ prompt: 'waves a hand', resolution: '480p', seed: 0 },
		{ prompt: '', resolution: '720p', seed: 2147483647 },
		{ prompt: 'äöü "quoted" \n two lines', resolution: '480p', seed: 42 },
	];
	const items = await Promise.all(
		names.map(async ([image, audio], row) => ({
			json: { ...wanted[row] },
			binary: { image: await storeImage(image), audio: await storeAudio(audio) },
		})),
	);
	const result = await rig.run({
		items,
		parameters: {
			operation: 'generate',
			prompt: '={{ $json.prompt }}',
			resolution: '={{ $json.resolution }}',
			seed: '={{ $json.seed }}',
		},
	});

	expect(result.error).toBeUndefined();
	expect(rig.emulator.paidTasks()).toBe(3);
	const uploads = new Map(rig.emulator.uploads().map((upload) => [upload.url, upload]));
	result.items.forEach((item, row) => {
		expect(item.json).toMatchObject({ status: 'completed', ...wanted[row] });
		expect(item.pairedItem).toEqual({ item: row });
		const task = rig.emulator.tasks().find(({ id }) => id === item.json.taskId);
		expect(task?.input).toMatchObject({ ...wanted[row] });
		const [image, audio] = [String(task?.input.image), String(task?.input.audio)];
		expect(uploads.get(image)?.bytes).toBe(sampleFile(names[row]![0]).length);
		expect(uploads.get(audio)?.bytes).toBe(sampleFile(names[row]![1]).length);
		expect(item.json).toMatchObject({ imageUrl: image, audioUrl: audio });
	});
});

test('gives one item with every field that the contract names', async () => {
	const result = await rig.run({ items: [await makeRow()], parameters: { operation: 'generate' } });
	const [task] = rig.emulator.tasks();
	expect(jsonOf(result.items)).toEqual([
		{
			taskId: task?.id,
			status: 'completed',
			videoUrl: task?.outputs[0],
			videoUrls: task?.outputs,
			videoExpiresAt: new Date(START + 7 * 86_400_000).toISOString(),
			hasNsfwContent: false,
			createdAt: new Date(START).toISOString(),
			inferenceTimeMs: expect.any(Number),
			resolution: '480p',
			seed: task?.input.seed,
			prompt: '',
			imageUrl: task?.input.image,
			audioUrl: task?.input.audio,
		},
	]);
});

test('draws a seed, sends it and reports it, so that a good video can be made again', async () => {
	const result = await rig.run({
		items: [await makeRow()],
		parameters: { operation: 'generate', seed: -1 },
	});
	const seed = result.items[0]?.json.seed;
	expect(seed).toBeGreaterThanOrEqual(0);
	expect(rig.emulator.tasks()[0]?.input.seed).toBe(seed);
});

test('sends URLs as they are and uploads nothing', async () => {
	const imageUrl = 'https://example.com/a%20b.png?x=1&y=ü#part';
	const audioUrl = 'http://example.com/voice.mp3';
	await rig.run({
		parameters: {
			resource: 'task',
			operation: 'submit',
			imageSource: 'url',
			imageUrl,
			audioSource: 'url',
			audioUrl,
		},
	});
	expect(rig.emulator.tasks()[0]?.input).toMatchObject({ image: imageUrl, audio: audioUrl });
	expect(rig.emulator.uploads()).toEqual([]);
});

test('takes a binary object that an expression gives, also in place of a field name', async () => {
	const image = await storeImage();
	const audio = await storeAudio();
	const result = await rig.run({
		items: [{ json: {}, binary: { portrait: image, other: audio } }],
		parameters: {
			operation: 'generate',
			imageBinaryPropertyName: '={{ $("Start").item.binary.portrait }}',
			audioBinaryPropertyName: 'other',
		},
	});
	expect(result.error).toBeUndefined();
	expect(rig.emulator.uploads().map(({ bytes }) => bytes)).toEqual(
		expect.arrayContaining([sampleFile('portrait.png').length, sampleFile('speech.mp3').length]),
	);
});

test('attaches the video on request, byte for byte as the host sent it', async () => {
	const result = await rig.run({
		items: [await makeRow()],
		parameters: {
			operation: 'generate',
			options: { downloadVideo: true, outputBinaryPropertyName: 'film' },
		},
	});
	const film = result.items[0]?.binary?.film;
	expect(film).toMatchObject({ mimeType: 'video/mp4', fileExtension: 'mp4' });
	const content = await readStored(film!);
	const direct = await fetch(String(result.items[0]?.json.videoUrl));
	expect(content.equals(Buffer.from(await direct.arrayBuffer()))).toBe(true);
});

test('keeps the fields of the row beside those of the task when asked to', async () => {
	const result = await rig.run({
		items: [await makeRow({ name: 'Ada', status: 'new' })],
		parameters: { operation: 'generate', options: { includeInputFields: true } },
	});
	expect(result.items[0]?.json).toMatchObject({ name: 'Ada', task: { status: 'completed' } });
});

test("gives the API's own object with Simplify off", async () => {
	const result = await rig.run({
		items: [await makeRow()],
		parameters: { operation: 'generate', simplify: false },
	});
	expect(result.items[0]?.json).toMatchObject({
		id: rig.emulator.tasks()[0]?.id,
		outputs: rig.emulator.tasks()[0]?.outputs,
		model: 'wavespeed-ai/wan-2.2/speech-to-video',
		has_nsfw_contents: [false],
	});
});

test('works in memory mode, where the file is in the item itself', async () => {
	const inItem = (name: string, mimeType: string) => ({
		data: sampleFile(name).toString('base64'),
		mimeType,
		fileName: name,
	});
	const image = inItem('portrait.png', 'image/png');
	const result = await rig.run({
		items: [{ json: {}, binary: { image, audio: inItem('speech.mp3', 'audio/mpeg') } }],
		parameters: { operation: 'generate' },
	});
	expect(result.error).toBeUndefined();
	expect(rig.emulator.uploads().map(({ bytes }) => bytes)).toContain(
		sampleFile('portrait.png').length,
	);
});

test('tells the kind of a file without type and name by its first bytes', async () => {
	const image = await storeFile(sampleFile('portrait.png'), 'download', 'application/octet-stream');
	const audio = await storeFile(sampleFile('speech.wav'), 'blob', 'application/octet-stream');
	await rig.run({ items: [{ json: {}, binary: { image, audio } }], parameters: GENERATE });
	const types = rig.emulator.uploads().map(({ filename, contentType }) => [filename, contentType]);
	expect(types).toEqual(
		expect.arrayContaining([
			['download.png', 'image/png'],
			['blob.wav', 'audio/wav'],
		]),
	);
});

test('understands null flags and timestamps with nanoseconds', async () => {
	await rig.close();
	rig = await startRig({ nullNsfw: true, createdAtFormat: 'ns' });
	const result = await rig.run({ items: [await makeRow()], parameters: { operation: 'generate' } });
	expect(result.items[0]?.json).toMatchObject({
		hasNsfwContent: false,
		createdAt: expect.stringMatching(/^2026-11-22T08:00:00\.\d{3}Z$/),
		videoExpiresAt: expect.stringMatching(/^2026-11-29T08:00:00\.\d{3}Z$/),
	});
});

test.each<Record<string, string>>([{}, { 'X-Ticket': 'a' }])(
	'uploads with the headers of the ticket and none of its own: %j',
	async (ticketHeaders) => {
		await rig.close();
		rig = await startRig({ taskSeconds: 60, ticketHeaders });
		const result = await rig.run({ items: [await makeRow()], parameters: GENERATE });
		expect(result.items[0]?.json).toMatchObject({ status: 'completed' });
		const puts = rig.emulator.requests().filter(({ step }) => step === 'put');
		expect(puts).toHaveLength(2);
		for (const { headers } of puts) expect(headers).not.toHaveProperty('content-type');
	},
);
