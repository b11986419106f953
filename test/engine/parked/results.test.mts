import { type RunResult } from '../harness/engine.mts';
import { goodItems, withOptions, useParkedScene } from '../harness/parkedScene.mts';
import { everythingReadable, GENERATE, jsonOf, makeRows } from '../harness/rig.mts';
import { CHILD } from '../harness/waitingRig.mts';

const scene = useParkedScene();
const { park, switchCallbacksOff, taskOf, lastEnd } = scene;

test('parks when all rows are submitted, and goes on with all results in the order of the rows', async () => {
	switchCallbacksOff();
	const parked = await park();
	expect(parked.run.waitTill).toBeInstanceOf(Date);
	expect(scene.waiting.status(CHILD)).toBe('waiting');
	expect(scene.rig.emulator.paidTasks()).toBe(3);
	const result = await scene.waiting.ended();
	expect(result.error).toBeUndefined();
	expect(jsonOf(goodItems(result))).toEqual(
		scene.rig.emulator.tasks().map(({ id, input, outputs }) =>
			expect.objectContaining({
				taskId: id,
				status: 'completed',
				videoUrl: outputs[0],
				prompt: input.prompt,
				seed: input.seed,
			}),
		),
	);
	expect(jsonOf(goodItems(result)).map(({ prompt }) => prompt)).toEqual([
		'row 0',
		'row 1',
		'row 2',
	]);
	expect(result.items.map(({ pairedItem }) => pairedItem)).toEqual(
		[0, 1, 2].map((item) => ({ item })),
	);
	expect(scene.rig.emulator.paidTasks()).toBe(3);
	expect(scene.rig.clock.now() - lastEnd()).toBeLessThanOrEqual(75_000);
});

test('gives exactly what a run gives that waits while it runs', async () => {
	const shapeOf = (result: RunResult) =>
		result.items.map(({ json, pairedItem }) => ({
			...{ pairedItem, keys: Object.keys(json), status: json.status, prompt: json.prompt },
			cost: json.costUsd,
		}));
	const options = { maxCostPerVideo: 5, includeInputFields: true };
	const polled = await scene.rig.run({
		items: await makeRows(3),
		parameters: { ...GENERATE, options },
	});
	await park({ parameters: withOptions(options) });
	expect(shapeOf(await scene.waiting.ended())).toEqual(shapeOf(polled));
});

test('attaches the videos after the wait', async () => {
	await park({ parameters: withOptions({ downloadVideo: true }) }, 2);
	const result = await scene.waiting.ended();
	for (const item of result.items) expect(item.binary?.data?.mimeType).toBe('video/mp4');
});

test('a video that can not be fetched keeps its URL, in stop mode and as an error row', async () => {
	await park({
		parameters: withOptions({ downloadVideo: true }),
		settings: { onError: 'continueRegularOutput' },
	});
	const { id } = taskOf(1);
	scene.rig.emulator.addFault({
		...{ step: 'download', kind: 'status', status: 404, times: Infinity },
		when: ({ path }) => path.includes(id),
	});
	const result = await scene.waiting.ended();
	expect(result.items[0]?.binary?.data).toBeDefined();
	expect(result.items[1]?.json).toMatchObject({
		error: expect.stringContaining(id),
		details: { taskId: id, videoUrl: taskOf(1).outputs[0] },
	});
});

test('stores neither the key nor the signing secret, nor fields that the result does not need', async () => {
	const items = (await makeRows(2)).map((item) => ({
		...item,
		json: { ...item.json, secret: 'my column' },
	}));
	const parked = await park({ items });
	const child = scene.waiting.stored(CHILD);
	expect(child).not.toContain('my column');
	const result = await scene.waiting.ended();
	for (const text of [everythingReadable(parked), everythingReadable(result), child]) {
		expect(text).not.toContain(scene.rig.emulator.apiKey);
		expect(text).not.toContain(scene.rig.emulator.webhookSecret.slice('whsec_'.length));
	}
});
