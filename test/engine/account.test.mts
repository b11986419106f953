import { jsonOf, makeRow, makeRows, type Rig, startRig } from './harness/rig.mts';

/** Existing tasks, Delete, Get Balance, Get Price: what is asked for and never paid for. */

let rig: Rig;
beforeEach(async () => {
	rig = await startRig({ taskSeconds: 60 });
});
afterEach(async () => await rig.close());

const steps = (step: string) => rig.emulator.requests().filter((request) => request.step === step);

const submitOne = async (): Promise<string> => {
	const parameters = { resource: 'task', operation: 'submit' };
	const { items } = await rig.run({ items: [await makeRow()], parameters });
	return String(items[0]?.json.taskId);
};

describe('an existing task', () => {
	const EXISTING = {
		...{ resource: 'video', operation: 'generate' },
		options: { existingTaskId: '={{ $json.task_id }}' },
	};

	test('is waited for: nothing is read, uploaded, asked or submitted', async () => {
		const taskId = await submitOne();
		const before = rig.emulator.requests().length;
		const result = await rig.run({
			items: [{ json: { task_id: ` ${taskId} `, name: 'Ada' } }],
			parameters: {
				...EXISTING,
				options: {
					...EXISTING.options,
					maxCostPerRun: 0,
					includeInputFields: true,
					downloadVideo: true,
				},
			},
		});
		expect(result.error).toBeUndefined();
		const video = rig.emulator.tasks()[0]?.outputs[0];
		expect(result.items[0]?.json).toMatchObject({ name: 'Ada', taskId, videoUrl: video });
		expect(result.items[0]?.binary?.data?.mimeType).toBe('video/mp4');
		const asked = rig.emulator.requests().slice(before);
		expect(new Set(asked.map(({ step }) => step))).toEqual(new Set(['result', 'download']));
		expect(rig.emulator.paidTasks()).toBe(1);
	});

	test.each(['', '   ', null, undefined])('that is %j means a new video', async (task_id) => {
		const row = await makeRow(task_id === undefined ? {} : { task_id });
		const result = await rig.run({ items: [row], parameters: EXISTING });
		expect(result.items[0]?.json).toMatchObject({ status: 'completed' });
		expect(rig.emulator.paidTasks()).toBe(1);
	});

	test('stands beside rows that are new, in their order, and holds up no price', async () => {
		const taskId = await submitOne();
		rig.emulator.setTask(taskId, { status: 'processing' });
		rig.emulator.onRequest('result', () => {
			if (rig.emulator.paidTasks() === 3) rig.emulator.finishTask(taskId);
		});
		const [a, b] = await makeRows(2);
		const result = await rig.run({
			items: [{ json: { task_id: taskId } }, a!, b!],
			parameters: { ...EXISTING, options: { ...EXISTING.options, maxCostPerRun: 10 } },
		});
		expect(jsonOf(result.items)[0]).toMatchObject({ taskId, status: 'completed' });
		expect(jsonOf(result.items).map(({ status }) => status)).toEqual(Array(3).fill('completed'));
		expect(rig.emulator.paidTasks()).toBe(3);
	});

	test('that has failed says how to make a new one, and not that a retry would', async () => {
		const taskId = await submitOne();
		rig.emulator.failTask(taskId, { code: 1500, error: 'out of memory' });
		const items = [{ json: { task_id: taskId } }];
		const result = await rig.run({ items, parameters: EXISTING });
		expect(result.error?.description).toMatch(
			/refunds.*A retry looks at the same task again.*empty "Existing Task ID"/,
		);
		expect(result.error?.description).not.toMatch(/submits a new task/);
	});

	test('with an ID that is none is refused before anything is sent', async () => {
		const items = [await makeRow({ task_id: '..' })];
		const result = await rig.run({ items, parameters: EXISTING });
		expect(result.error?.message).toMatch(/"Existing Task ID" is not the ID of a task: \.\./);
		expect(rig.emulator.requests()).toEqual([]);
	});
});

describe('Delete', () => {
	const DELETE = { resource: 'task', operation: 'delete' };

	test('removes the task and its video', async () => {
		const taskId = await submitOne();
		rig.emulator.finishTask(taskId);
		const result = await rig.run({ items: [{ json: { taskId } }], parameters: DELETE });
		expect(jsonOf(result.items)).toEqual([{ taskId, deleted: true }]);
		expect(steps('delete').map(({ body }) => body)).toEqual([{ ids: [taskId] }]);
		const again = await rig.run({ items: [{ json: { taskId } }], parameters: DELETE });
		expect(jsonOf(again.items)).toEqual([{ taskId, deleted: true }]);
	});

	test.each(['processing', 'queued_for_later'])('refuses a task that is %s', async (status) => {
		const taskId = await submitOne();
		rig.emulator.setTask(taskId, { status });
		const result = await rig.run({ items: [{ json: { taskId } }], parameters: DELETE });
		expect(result.error?.message).toBe(
			`The task has not ended yet (status: ${status}), so it was not deleted. Task ${taskId}`,
		);
		expect(result.error?.description).toMatch(/paid for and lost/);
		expect(result.error?.description).not.toMatch(/Nothing was paid/);
		expect(steps('delete')).toEqual([]);
	});

	test('is sent again after an answer that was lost', async () => {
		const taskId = await submitOne();
		rig.emulator.finishTask(taskId);
		rig.emulator.addFault({ step: 'delete', kind: 'resetAfter' });
		const result = await rig.run({ items: [{ json: { taskId } }], parameters: DELETE });
		expect(jsonOf(result.items)).toEqual([{ taskId, deleted: true }]);
	});
});

describe('Get Balance', () => {
	const BALANCE = { resource: 'account', operation: 'getBalance' };

	test('gives one item, whatever the number of rows', async () => {
		const result = await rig.run({ items: await makeRows(3), parameters: BALANCE });
		expect(jsonOf(result.items)).toEqual([{ balanceUsd: expect.any(Number) }]);
		expect(steps('balance')).toHaveLength(1);
	});

	test('stands beside the fields of each row when asked to', async () => {
		const parameters = { ...BALANCE, options: { includeInputFields: true } };
		const result = await rig.run({ items: await makeRows(2), parameters });
		expect(jsonOf(result.items)).toEqual([
			expect.objectContaining({ prompt: 'row 0', balanceUsd: expect.any(Number) }),
			expect.objectContaining({ prompt: 'row 1', balanceUsd: expect.any(Number) }),
		]);
	});
});

test('Get Price uploads, asks, and submits nothing', async () => {
	const parameters = { resource: 'video', operation: 'quote', prompt: 'hello', resolution: '720p' };
	const result = await rig.run({ items: [await makeRow()], parameters });
	expect(jsonOf(result.items)).toEqual([
		{
			...{ costUsd: expect.any(Number), resolution: '720p', prompt: 'hello' },
			...{ imageUrl: expect.stringMatching(/^http/), audioUrl: expect.stringMatching(/^http/) },
		},
	]);
	expect(steps('submit')).toEqual([]);
});

test.each([
	[{ resource: 'video', operation: 'submit' }, /resource "video" must be one of: generate, quote/],
	[
		{ resource: 'task', operation: 'generate' },
		/must be one of: submit, wait, get, getAll, delete/,
	],
	[{ resource: 'account', operation: 'toString' }, /must be one of: getBalance/],
	[
		{ resource: 'constructor', operation: 'name' },
		/"Resource" must be one of: video, task, account/,
	],
])('an operation that there is not is refused: %j', async (parameters, message) => {
	const result = await rig.run({ items: [await makeRow()], parameters });
	expect(result.error?.message).toMatch(message);
	expect(rig.emulator.requests()).toEqual([]);
});
