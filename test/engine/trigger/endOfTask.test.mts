import { readStored } from '../harness/engine.mts';
import { jsonOf } from '../harness/rig.mts';
import { useTriggerScene } from '../harness/triggerScene.mts';

const scene = useTriggerScene();
const { openTrigger, submitTask, submitFinished, deliver, deliverInTime } = scene;

describe('the end of a task', () => {
	test('starts the workflow of the URL that it was submitted with, with the item that Get gives and what was asked for', async () => {
		const id = await submitTask(
			{ webhookUrl: scene.trigger.url },
			{ prompt: 'She smiles,\nthen speaks', resolution: '720p', seed: 4711 },
		);
		scene.rig.emulator.finishTask(id);
		await scene.rig.emulator.idle();
		expect(scene.rig.emulator.webhookDeliveries()).toMatchObject([{ taskId: id, status: 200 }]);
		const got = await scene.rig.run({
			parameters: { resource: 'task', operation: 'get', taskId: id },
		});
		const [started] = jsonOf(scene.trigger.started);
		expect(started).toMatchObject(jsonOf(got.items)[0] ?? {});
		const { input } = scene.rig.emulator.tasks()[0]!;
		expect(started).toMatchObject({
			prompt: 'She smiles,\nthen speaks',
			resolution: '720p',
			seed: 4711,
			imageUrl: input.image,
			audioUrl: input.audio,
		});
		expect(scene.trigger.started[0]?.json).toMatchObject({
			status: 'completed',
			videoUrl: expect.any(String),
		});
		expect(scene.trigger.thrown).toEqual([]);
	});

	test("gives the API's own object without Simplify", async () => {
		scene.trigger = await openTrigger({ parameters: { simplify: false } });
		const id = await submitFinished();
		await deliver(id);
		const got = await scene.rig.run({
			parameters: { resource: 'task', operation: 'get', taskId: id, simplify: false },
		});
		expect(jsonOf(scene.trigger.started)).toEqual(jsonOf(got.items));
		expect(scene.trigger.started[0]?.json).toMatchObject({ id, outputs: [expect.any(String)] });
	});

	test.each([
		[
			'as inputs, the seed as a text',
			{ inputs: { prompt: 'hello', seed: '4711', image: 'https://a.example/b.png' } },
			{ prompt: 'hello', seed: 4711, imageUrl: 'https://a.example/b.png' },
		],
		[
			'in other shapes',
			{
				input: { prompt: 5, seed: 'soon', image: 'javascript:alert(1)', audio: {}, resolution: [] },
			},
			{},
		],
		['as a text', { input: 'https://a.example/b.png' }, {}],
		['in a length that nobody needs', { input: { prompt: 'x'.repeat(20_000) } }, {}],
	])('whose inputs are told %s', async (_what, more, expected) => {
		const id = await submitFinished();
		const body = { id, status: 'failed', outputs: ['https://evil.example/x.mp4'], ...more };
		expect(await deliver(id, { body })).toBe(200);
		const json = scene.trigger.started[0]?.json ?? {};
		expect(json).toMatchObject({ status: 'completed', ...expected });
		for (const name of ['seed', 'imageUrl', 'audioUrl', 'resolution']) {
			if (!(name in expected)) expect(json).not.toHaveProperty(name);
		}
		expect(String(json.prompt ?? '').length).toBeLessThan(10_002);
		expect(JSON.stringify(json)).not.toContain('evil');
	});

	test('without a video says why', async () => {
		const id = await submitTask();
		scene.rig.emulator.failTask(id, { code: 1402, error: 'Failed to download image' });
		await deliver(id);
		expect(scene.trigger.started[0]?.json).toMatchObject({
			taskId: id,
			status: 'failed',
			videoUrl: null,
			failureReason: 'Failed to download image',
			failureCode: 1402,
		});
	});

	test.each([
		['completed', 'completed', 1],
		['completed', 'failed', 0],
		['failed', 'completed', 0],
		['failed', 'failed', 1],
		['failed', 'cancelled', 1],
		['finished', 'completed', 1],
		['finished', 'failed', 1],
		['finished', 'timeout', 1],
	])('Trigger On %s, status %s: %d', async (event, status, starts) => {
		scene.trigger = await openTrigger({ parameters: { event } });
		const id = await submitTask();
		scene.rig.emulator.setTask(id, { status });
		expect(await deliver(id)).toBe(200);
		expect(scene.trigger.started).toHaveLength(starts);
	});

	test.each([false, 'false', '={{ "False" }}'])('is raw with Simplify %j', async (simplify) => {
		scene.trigger = await openTrigger({ parameters: { simplify } });
		const id = await submitFinished();
		expect(await deliver(id)).toBe(200);
		expect(scene.trigger.started[0]?.json).toMatchObject({ id, outputs: [expect.any(String)] });
	});

	test('brings the file if asked to', async () => {
		const options = { downloadVideo: true, outputBinaryPropertyName: 'video' };
		scene.trigger = await openTrigger({ parameters: { options } });
		const id = await submitFinished();
		expect(await deliver(id)).toBe(200);
		const binary = scene.trigger.started[0]?.binary?.video;
		expect(binary?.mimeType).toBe('video/mp4');
		expect((await readStored(binary!)).subarray(4, 8).toString()).toBe('ftyp');
		expect(
			scene.rig.emulator
				.requests()
				.filter(({ origin, headers }) => origin === 'media' && headers.authorization),
		).toEqual([]);
	});

	test('starts the workflow also when the file can not be fetched, with its URL and the reason', async () => {
		scene.trigger = await openTrigger({ parameters: { options: { downloadVideo: true } } });
		scene.rig.emulator.addFault({ step: 'download', kind: 'status', times: Infinity });
		const id = await submitFinished();
		expect(await deliverInTime(id)).toBe(200);
		expect(scene.trigger.started).toHaveLength(1);
		const [item] = scene.trigger.started;
		expect(item?.binary).toBeUndefined();
		expect(item?.json).toMatchObject({
			taskId: id,
			videoUrl: expect.any(String),
			downloadError: expect.stringMatching(/could not be downloaded.*503.*exists and is paid for/),
		});
	});
});
