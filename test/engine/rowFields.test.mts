import type { IDataObject } from 'n8n-workflow';

import { jsonOf, makeRow, type Rig, startRig } from './harness/rig.mts';

/** Include Input Fields: what a sheet gets back. And what an item says, and doesn't say, of its video. */

let rig: Rig;
beforeEach(async () => {
	rig = await startRig({ taskSeconds: 60 });
});
afterEach(async () => await rig.close());

const KEEP = { includeInputFields: true };
const SHEET = {
	...{ id: 7, status: 'new', prompt: 'of the sheet', error: 'old error', audioUrl: 'https://own' },
	...{ constructor: 'Lloyd', toString: 'x' },
};

const run = async (json: IDataObject, parameters: IDataObject, settings = {}) =>
	await rig.run({ items: [await makeRow(json)], parameters, settings });

test("the sheet's columns come out as they went in, with the task beside them", async () => {
	const { items, error } = await run(SHEET, { operation: 'generate', options: KEEP });
	expect(error).toBeUndefined();
	const [task] = rig.emulator.tasks();
	const [json] = jsonOf(items);
	expect(json).toMatchObject({ ...SHEET, videoUrl: task?.outputs[0], taskId: task?.id });
	expect(json?.task).toMatchObject({
		...{ videoUrl: task?.outputs[0], status: 'completed', taskId: task?.id, prompt: '' },
		audioUrl: task?.input.audio,
	});
	expect(json?.task).not.toHaveProperty('error');
});

test('a failed row has them the same way', async () => {
	rig.emulator.addFault({
		step: 'submit',
		kind: 'status',
		status: 400,
		body: { code: 400, message: 'invalid prompt' },
	});
	const { items } = await run(
		{ ...SHEET, details: 'my details' },
		{ operation: 'generate', options: KEEP },
		{ onError: 'continueRegularOutput' },
	);
	expect(jsonOf(items)).toEqual([
		{
			...{ ...SHEET, details: 'my details' },
			task: { error: expect.stringMatching(/invalid prompt/) },
		},
	]);
	const without = await run(
		{ name: 'Ada' },
		{ resource: 'task', operation: 'wait', taskId: 'nobody', options: KEEP },
		{ onError: 'continueRegularOutput' },
	);
	expect(jsonOf(without.items)).toEqual([
		{
			name: 'Ada',
			error: expect.stringMatching(/nobody/),
			details: { taskId: 'nobody', status: 'unknown' },
			task: { taskId: 'nobody', status: 'unknown', error: expect.stringMatching(/nobody/) },
		},
	]);
});

test('Submit and then Wait gives the newest of the task, and the columns as they were', async () => {
	const submitted = await run(
		{ id: 7, status: 'new' },
		{ resource: 'task', operation: 'submit', options: KEEP },
	);
	expect(submitted.items[0]?.json).toMatchObject({ id: 7, status: 'new', videoUrl: null });
	const waited = await rig.run({
		items: [{ json: submitted.items[0]!.json }],
		parameters: { resource: 'task', operation: 'wait', options: KEEP },
	});
	const [task] = rig.emulator.tasks();
	expect(waited.items[0]?.json).toMatchObject({
		...{ id: 7, status: 'new', videoUrl: task?.outputs[0] },
		task: { status: 'completed', videoUrl: task?.outputs[0] },
	});
});

test('nothing is said of a video that does not exist yet, and videoUrl comes first', async () => {
	const { items } = await run({}, { resource: 'task', operation: 'submit' });
	expect(items[0]?.json).toMatchObject({
		...{ videoUrl: null, videoUrls: [], videoExpiresAt: null, hasNsfwContent: null },
		createdAt: expect.any(String),
	});
	expect(Object.keys(items[0]!.json)[0]).toBe('videoUrl');
	const taskId = String(items[0]?.json.taskId);
	rig.emulator.failTask(taskId, { code: 1200, error: 'refused' });
	const failed = await rig.run({
		parameters: { resource: 'task', operation: 'get', taskId, options: { failedTasks: 'output' } },
	});
	expect(failed.items[0]?.json).toMatchObject({
		...{ videoUrl: null, videoExpiresAt: null, hasNsfwContent: false, failureReason: 'refused' },
	});
});

test('what the service repeats of a task tells whose video it is', async () => {
	await run({}, { resource: 'task', operation: 'submit', prompt: 'hello', seed: 7 });
	const { items } = await rig.run({ parameters: { resource: 'task', operation: 'getAll' } });
	expect(items[0]?.json).toMatchObject({
		...{ prompt: 'hello', seed: 7, resolution: '480p' },
		imageUrl: expect.stringMatching(/^http/),
		audioUrl: expect.stringMatching(/^http/),
	});
});

test("n8n's own error of an expression says in which field, in an error row too", async () => {
	const parameters = { operation: 'generate', prompt: '={{ $("Nowhere").item.json.prompt }}' };
	const stopped = await run({}, parameters);
	expect(stopped.error?.context).toMatchObject({ parameter: 'prompt', itemIndex: 0 });
	const { items } = await run({}, parameters, { onError: 'continueRegularOutput' });
	expect(jsonOf(items)).toEqual([
		{
			error: expect.stringMatching(/^The expression in "prompt" failed: .+Nothing was paid\./),
			details: { parameter: 'prompt' },
		},
	]);
});

test('a retry that finds the earlier failure says that nothing was sent now, and what to do', async () => {
	const items = [await makeRow()];
	rig.emulator.addFault({ step: 'result', kind: 'status', status: 403, times: 1 });
	const first = await rig.run({ items, parameters: { operation: 'generate' } });
	expect(first.error?.description).not.toMatch(/earlier attempt/);
	const [task] = rig.emulator.tasks();
	rig.emulator.failTask(task!.id, { code: 1402, error: 'Failed to download image' });
	const again = await rig.run({ items, parameters: { operation: 'generate' }, retryOf: first.run });
	expect(again.error?.message).toContain('Failed to download image');
	expect(again.error?.description).toMatch(
		/^This is the result of the earlier attempt; nothing was sent now\..*To make a new video, change an input such as the seed, or start the workflow anew/,
	);
	expect(rig.emulator.paidTasks()).toBe(1);
});
