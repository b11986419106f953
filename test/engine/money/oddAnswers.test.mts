import { sampleFile, storeFile } from '../harness/engine.mts';
import { GENERATE, jsonOf, makeRows, type Rig } from '../harness/rig.mts';
import { GOES_ON, idsOf, isOf, RETRY, startMoneyRig } from './support.mts';

/** Answers in which something is named or spelt otherwise, or which are another request's. */

let rig: Rig;
afterEach(async () => await rig.close());

const MODEL = 'wavespeed-ai/wan-2.2/speech-to-video';
const succeed = (data: object) => ({
	...{ kind: 'status' as const, status: 200 },
	body: { code: 200, message: 'success', data },
});

/** The list has these records on its first page, and no others. */
function listAs(toRecord: (id: string) => object): void {
	rig.emulator.onRequest('list', ({ body }) => {
		const { page } = body as { page: number };
		const records = rig.emulator.tasks().map(({ id, status, createdAt }) => ({
			...{ id, model: MODEL, status, outputs: [], error: '' },
			...{ created_at: new Date(createdAt).toISOString() },
			...toRecord(id),
		}));
		const items = page === 1 ? records : [];
		rig.emulator.addFault({ step: 'list', ...succeed({ page, total: items.length, items }) });
	});
}

const loseTheAnswer = async () => {
	rig.emulator.addFault({ step: 'submit', kind: 'resetAfter' });
	return await rig.run({ items: await makeRows(1), parameters: GENERATE, settings: RETRY });
};

test.each<[string, object]>([
	['as it is', {}],
	['in other letters', { model: 'WaveSpeed-AI/Wan-2.2/speech-to-video' }],
	['as in the address of its page', { model: 'wavespeed-ai/wan-2.2-speech-to-video' }],
	['without the vendor', { model: 'wan-2.2/speech-to-video' }],
	['with a slash before it', { model: '/wavespeed-ai/wan-2.2/speech-to-video' }],
	['as an object', { model: { id: MODEL } }],
	['with an echo that has the fields and no values', { inputs: { image: '', audio: '', seed: 0 } }],
])('a lost answer is found by the list, with the model %s', async (_, record) => {
	rig = await startMoneyRig();
	listAs(() => record);
	const result = await loseTheAnswer();
	expect(jsonOf(result.items)[0]?.taskId).toBe(idsOf(rig)[0]);
	expect(rig.emulator.paidTasks()).toBe(1);
});

test('a task of another model is nobody of ours', async () => {
	rig = await startMoneyRig();
	listAs(() => ({ model: 'wavespeed-ai/wan-2.2/image-to-video' }));
	rig.emulator.addFault({ step: 'submit', kind: 'resetAfter' });
	const result = await rig.run({
		...{ items: await makeRows(1), parameters: GENERATE, settings: GOES_ON },
	});
	expect(jsonOf(result.items)[0]).toMatchObject({ error: expect.stringContaining('no new task') });
});

test.each<[string, (id: string) => object]>([
	['has its ID under another name', (id) => ({ id: undefined, uuid: id })],
	['is wrapped', (id) => ({ id: undefined, prediction: { id } })],
])('a list whose record %s leaves it open whether there is a task', async (_, toRecord) => {
	rig = await startMoneyRig();
	listAs(toRecord);
	const result = await loseTheAnswer();
	expect(result.error?.message).toMatch(/record that can not be read/);
	expect(rig.emulator.paidTasks()).toBe(1);
});

test.each([-600, -90, 90, 600])(
	'a "Date" header that is %i s off the times of the tasks hides no task whose seed is its own',
	async (seconds) => {
		rig = await startMoneyRig({ dateHeaderAheadMs: seconds * 1000 });
		const result = await loseTheAnswer();
		expect(jsonOf(result.items)[0]?.taskId).toBe(idsOf(rig)[0]);
		expect(rig.emulator.paidTasks()).toBe(1);
	},
);

test('a submit that is answered with the task of another one is not believed', async () => {
	rig = await startMoneyRig();
	let submits = 0;
	rig.emulator.onRequest('submit', () => {
		submits += 1;
		if (submits !== 2) return;
		const data = { id: idsOf(rig)[0], model: MODEL, status: 'created', outputs: [] };
		rig.emulator.addFault({ step: 'submit', ...succeed(data) });
	});
	const result = await rig.run({
		items: await makeRows(2),
		parameters: { ...GENERATE, options: { maxTasksInFlight: 1 } },
		settings: GOES_ON,
	});
	const [first, second] = jsonOf(result.items);
	expect(first).toMatchObject({ status: 'completed', taskId: idsOf(rig)[0] });
	expect(second?.error).toMatch(/the task of another submit/);
});

test('two recordings at one address are not sent: one row would speak with the voice of the other', async () => {
	rig = await startMoneyRig({ ticketUploads: 404 });
	const speech = sampleFile('speech.mp3');
	const imageUrl = await rig.emulator.addUpload('p.png', 'image/png', sampleFile('portrait.png'));
	const shared = await rig.emulator.addUpload('voice.mp3', 'audio/mpeg', speech);
	const items = await Promise.all(
		[0, 1].map(async (row) => {
			const bytes = Buffer.concat([speech, Buffer.from(`${row}`)]);
			const audio = await storeFile(bytes, 'voice.mp3', 'audio/mpeg');
			return { json: { prompt: `row ${row}` }, binary: { audio } };
		}),
	);
	const upload = { type: 'audio', download_url: shared, filename: 'voice.mp3', size: 1 };
	rig.emulator.addFault({ step: 'multipart', ...succeed(upload), times: Infinity });
	const result = await rig.run({
		...{ items, parameters: { ...GENERATE, imageSource: 'url', imageUrl }, settings: GOES_ON },
	});
	expect(rig.emulator.paidTasks()).toBe(1);
	expect(JSON.stringify(jsonOf(result.items))).toMatch(/same address .* two different files/);
});

test('a task that one row names as its existing one is not taken by a lost row, where nothing is echoed', async () => {
	rig = await startMoneyRig({ echoInput: false, includeInputs: 'ignored' });
	const [imageUrl, audioUrl] = [
		await rig.emulator.addUpload('p.png', 'image/png', sampleFile('portrait.png')),
		await rig.emulator.addUpload('s.mp3', 'audio/mpeg', sampleFile('speech.mp3')),
	];
	const byUrl = { imageSource: 'url', imageUrl, audioSource: 'url', audioUrl };
	const submitted = await rig.run({
		items: [{ json: {} }],
		parameters: { ...GENERATE, ...byUrl, resource: 'task', operation: 'submit' },
	});
	// Another process has made it: nothing of it is known in this one.
	rig.restart();
	const existing = String(submitted.items[0]?.json.taskId);
	rig.emulator.addFault({ step: 'submit', kind: 'resetBefore', when: isOf('row 1') });
	const items = (await makeRows(2)).map((item, row) => ({
		...item,
		json: { ...item.json, id: row === 0 ? existing : '' },
	}));
	const result = await rig.run({
		items,
		parameters: { ...GENERATE, options: { existingTaskId: '={{ $json.id }}' } },
		settings: GOES_ON,
	});
	const [first, second] = jsonOf(result.items);
	expect(first).toMatchObject({ taskId: existing });
	expect(second?.error).toMatch(/can't be told/);
});

test.each(['succeeded', 'done'])(
	'the video of a task that ends with a status nobody knows (%s) is not lost at the time limit',
	async (status) => {
		rig = await startMoneyRig();
		const videoUrl = 'https://cdn.example.com/v.mp4';
		rig.emulator.onRequest('result', () => {
			const [id] = idsOf(rig);
			const answer = succeed({ id, model: MODEL, status, outputs: [videoUrl] });
			rig.emulator.addFault({ step: 'result', ...answer });
		});
		const result = await rig.run({
			items: await makeRows(1),
			parameters: GENERATE,
			settings: GOES_ON,
		});
		const [id] = idsOf(rig);
		expect(jsonOf(result.items)[0]).toMatchObject({
			error: expect.stringContaining(videoUrl),
			details: { taskId: id, status, videoUrl, videoUrls: [videoUrl] },
		});
	},
);
