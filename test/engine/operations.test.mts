import { jsonOf, makeRow, makeRows, type Rig, START, startRig } from './harness/rig.mts';

let rig: Rig;
beforeEach(async () => {
	rig = await startRig({ taskSeconds: 90 });
});
afterEach(async () => await rig.close());

const steps = (step: string) => rig.emulator.requests().filter((request) => request.step === step);

const submitOne = async (options = {}) => {
	const result = await rig.run({
		items: [await makeRow({ name: 'Ada' })],
		parameters: { resource: 'task', operation: 'submit', prompt: 'hello', seed: 7, options },
	});
	expect(result.error).toBeUndefined();
	return result.items[0]!;
};

describe('Submit', () => {
	test('returns at once with the task and what was asked for', async () => {
		const item = await submitOne();
		expect(item.json).toMatchObject({
			taskId: rig.emulator.tasks()[0]?.id,
			status: 'created',
			videoUrl: null,
			videoUrls: [],
			prompt: 'hello',
			seed: 7,
			resolution: '480p',
		});
		expect(steps('result')).toEqual([]);
	});

	test('passes the webhook address in the query, encoded, and nothing else in the body', async () => {
		const webhookUrl = 'https://example.com/hook?token=a&b=c d';
		await submitOne({ webhookUrl });
		expect(rig.emulator.tasks()[0]?.webhookUrl).toBe(webhookUrl);
		const body = steps('submit')[0]?.body as object;
		expect(Object.keys(body).sort()).toEqual(['audio', 'image', 'prompt', 'resolution', 'seed']);
	});
});

describe('Wait', () => {
	test('waits for the end of a task that was submitted before', async () => {
		const { json } = await submitOne();
		const result = await rig.run({
			items: [{ json }],
			parameters: { resource: 'task', operation: 'wait' },
		});
		expect(result.items[0]?.json).toMatchObject({ taskId: json.taskId, status: 'completed' });
		expect(rig.clock.now() - START).toBeLessThanOrEqual(90_000 * 1.1 + 5_000);
		expect(rig.emulator.paidTasks()).toBe(1);
	});

	test('treats a status that nobody has documented as still running', async () => {
		const { json } = await submitOne();
		rig.emulator.setTask(String(json.taskId), { status: 'queued_for_later' });
		const result = await rig.run({
			items: [{ json }],
			parameters: { resource: 'task', operation: 'wait', options: { timeoutMinutes: 3 } },
		});
		expect(result.error?.message).toMatch(
			/has not ended after 3 minutes \(last status: queued_for_later\)/,
		);
	});

	test('names task, last status and time waited when the limit is reached, and how to go on', async () => {
		await rig.close();
		rig = await startRig({ taskSeconds: 3600 });
		const { json } = await submitOne();
		const startedAt = rig.clock.now();
		const result = await rig.run({
			items: [{ json }],
			parameters: { resource: 'task', operation: 'wait', options: { timeoutMinutes: 10 } },
		});
		expect(result.error?.message).toBe(
			`The task has not ended after 10 minutes (last status: processing). Task ${String(json.taskId)}`,
		);
		expect(result.error?.description).toMatch(/goes on at WaveSpeed.*"Wait"/);
		expect(result.error?.context?.data).toMatchObject({
			taskId: json.taskId,
			status: 'processing',
		});
		expect(rig.clock.now() - startedAt).toBeLessThanOrEqual(610_000);
	});

	test.each([
		[
			'failed',
			'NSFW content',
			1200,
			/^No video: NSFW content \(status "failed", code 1200\)\. Task /,
		],
		['cancelled', '', undefined, /was cancelled at WaveSpeed/],
		['timeout', '', undefined, /took too long/],
		['deleted', '', undefined, /was deleted/],
	])('ends at once with status %s', async (status, error, code, message) => {
		const { json } = await submitOne();
		rig.emulator.setTask(String(json.taskId), { status, error, code });
		const result = await rig.run({
			items: [{ json }],
			parameters: { resource: 'task', operation: 'wait' },
		});
		expect(result.error?.message).toMatch(message);
		expect(steps('result')).toHaveLength(1);
	});

	test('gives a failed task as an item if asked to', async () => {
		const { json } = await submitOne();
		rig.emulator.failTask(String(json.taskId), { code: 1402, error: 'Failed to download image' });
		const result = await rig.run({
			items: [{ json }],
			parameters: { resource: 'task', operation: 'wait', options: { failedTasks: 'output' } },
		});
		expect(result.items[0]?.json).toMatchObject({
			status: 'failed',
			videoUrl: null,
			failureReason: 'Failed to download image',
			failureCode: 1402,
		});
	});

	test.each([
		'status',
		'html',
		'truncatedJson',
		'resetBefore',
		'tooManyRequests',
		'emptyBody',
		'wrongShape',
	] as const)('keeps looking when a check ends in %s', async (kind) => {
		const { json } = await submitOne();
		rig.emulator.addFault({ step: 'result', kind, times: 4 });
		const result = await rig.run({
			items: [{ json }],
			parameters: { resource: 'task', operation: 'wait' },
		});
		expect(result.items[0]?.json).toMatchObject({ status: 'completed' });
	});

	test('is not held up by a service that takes the request and never answers', async () => {
		const { json } = await submitOne();
		rig.emulator.addFault({ step: 'result', kind: 'hang', times: Infinity });
		const result = await rig.run({
			items: [{ json }],
			parameters: { resource: 'task', operation: 'wait', options: { timeoutMinutes: 2 } },
		});
		expect(result.error?.message).toMatch(
			/has not ended after 2 minutes|has not ended after 120 seconds/,
		);
		expect(rig.clock.now() - START).toBeLessThanOrEqual(130_000);
	});

	test('fails at once for an ID that the account does not have', async () => {
		const result = await rig.run({
			parameters: { resource: 'task', operation: 'wait', taskId: '../balance' },
		});
		expect(result.error?.message).toMatch(/Could not read the task: .*\. Task \.\.\/balance$/);
		expect(result.error?.context?.data).toMatchObject({ taskId: '../balance' });
		expect(steps('balance')).toEqual([]);
	});
});

describe('Get', () => {
	test('looks once and gives the state as it is', async () => {
		const { json } = await submitOne();
		const result = await rig.run({
			items: [{ json }],
			parameters: { resource: 'task', operation: 'get' },
		});
		expect(result.items[0]?.json).toMatchObject({ taskId: json.taskId, videoUrl: null });
		expect(steps('result')).toHaveLength(1);
	});

	test("fetches the video of an ended task, and keeps the row's fields", async () => {
		const { json } = await submitOne();
		rig.emulator.finishTask(String(json.taskId));
		const result = await rig.run({
			items: [{ json: { ...json, name: 'Ada' } }],
			parameters: {
				resource: 'task',
				operation: 'get',
				options: { downloadVideo: true, includeInputFields: true },
			},
		});
		expect(result.items[0]?.json).toMatchObject({ name: 'Ada', status: 'completed' });
		expect(result.items[0]?.binary?.data?.mimeType).toBe('video/mp4');
	});

	test('says what the service says about an unknown ID', async () => {
		const result = await rig.run({
			parameters: { resource: 'task', operation: 'get', taskId: 'f'.repeat(32) },
		});
		expect(result.error?.message).toMatch(/Could not read the task: .*\. Task f+$/);
		expect(result.error?.description).toMatch(
			/Check the ID.*7 days.*look again before you submit another/,
		);
	});
});

describe('Get Many', () => {
	test("lists this model's tasks, newest first, up to the limit", async () => {
		await rig.run({
			items: await makeRows(5),
			parameters: { resource: 'task', operation: 'submit' },
		});
		const result = await rig.run({
			parameters: { resource: 'task', operation: 'getAll', limit: 3 },
		});
		expect(result.items).toHaveLength(3);
		expect(jsonOf(result.items)[0]).toMatchObject({
			taskId: expect.any(String),
			status: expect.any(String),
		});
		expect(result.items.map((item) => item.pairedItem)).toEqual([
			{ item: 0 },
			{ item: 0 },
			{ item: 0 },
		]);
	});

	test('reads all pages with Return All', async () => {
		await rig.run({
			items: await makeRows(205),
			parameters: { resource: 'task', operation: 'submit' },
		});
		const result = await rig.run({
			parameters: { resource: 'task', operation: 'getAll', returnAll: true },
		});
		const ids = new Set(result.items.map((item) => item.json.taskId));
		expect(ids.size).toBe(205);
		// The third has five; only an empty one is the end. Then backwards, in case that tasks were deleted meanwhile.
		expect(steps('list').length).toBe(7);
	});

	test('filters by status and time', async () => {
		const early = await submitOne();
		rig.emulator.finishTask(String(early.json.taskId));
		const list = async (filters: object) =>
			jsonOf(
				(
					await rig.run({
						parameters: {
							resource: 'task',
							operation: 'getAll',
							returnAll: true,
							filters: { ...filters },
						},
					})
				).items,
			).map((json) => json.taskId);
		expect(await list({ status: 'completed' })).toEqual([early.json.taskId]);
		expect(await list({ status: 'failed' })).toEqual([]);
		expect(await list({ createdAfter: new Date(START + 3_600_000).toISOString() })).toEqual([]);
		expect(await list({ createdBefore: new Date(START + 3_600_000).toISOString() })).toEqual([
			early.json.taskId,
		]);
	});
});
