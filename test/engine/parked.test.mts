import type { IDataObject } from 'n8n-workflow';

import {
	everythingReadable,
	GENERATE,
	jsonOf,
	makeRows,
	type Rig,
	startRig,
} from './harness/rig.mts';
import { built, routesDetails, type RunOptions, type RunResult } from './harness/engine.mts';
import { CHILD, PARENT, startWaiting, type WaitingRig } from './harness/waitingRig.mts';

/** Waiting that survives everything: the execution is stored by n8n, and a child of it checks the tasks. */

const MINUTE = 60_000;

const { processStart } = built<{ processStart: { at: number } }>(
	'nodes/shared/n8n/waiting/steps.js',
);

let rig: Rig;
let waiting: WaitingRig;
const open = async (options: Parameters<typeof startRig>[0] = {}) => {
	await waiting?.close();
	await rig?.close();
	rig = await startRig({
		taskSeconds: (input) => 600 + 60 * Number(String(input.prompt).at(-1)),
		...options,
	});
	waiting = await startWaiting(rig);
};
beforeEach(async () => {
	processStart.at = 0;
	await open();
});
afterAll(async () => {
	await waiting.close();
	await rig.close();
});

const PARKED = { ...GENERATE, waitMode: 'parked' };

async function park(more: Partial<RunOptions> = {}, rows = 3): Promise<RunResult> {
	const items = await makeRows(rows);
	return await waiting.start({ items, parameters: PARKED, ...more });
}
const withOptions = (options: IDataObject) => ({ ...PARKED, options });

/** Without callbacks the timer alone wakes the child. */
const switchCallbacksOff = () =>
	rig.emulator.addFault({ step: 'webhook', kind: 'resetBefore', times: Infinity });

const taskOf = (row: number) =>
	rig.emulator.tasks().find(({ input }) => input.prompt === `row ${row}`)!;
const goodItems = ({ run }: RunResult) =>
	run.data.resultData.runData.Good?.at(-1)?.data?.main?.[0] ?? [];
const badItems = ({ run }: RunResult) =>
	run.data.resultData.runData.Bad?.at(-1)?.data?.main?.[0] ?? [];
const polls = () => rig.emulator.requests().filter(({ step }) => step === 'result');
const lastEnd = () => Math.max(...rig.emulator.tasks().map(({ endedAt }) => endedAt ?? 0));

test('parks when all rows are submitted, and goes on with all results in the order of the rows', async () => {
	switchCallbacksOff();
	const parked = await park();
	expect(parked.run.waitTill).toBeInstanceOf(Date);
	expect(waiting.status(CHILD)).toBe('waiting');
	expect(rig.emulator.paidTasks()).toBe(3);
	const result = await waiting.ended();
	expect(result.error).toBeUndefined();
	expect(jsonOf(goodItems(result))).toEqual(
		rig.emulator.tasks().map(({ id, input, outputs }) =>
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
	expect(rig.emulator.paidTasks()).toBe(3);
	expect(rig.clock.now() - lastEnd()).toBeLessThanOrEqual(75_000);
});

test('gives exactly what a run gives that waits while it runs', async () => {
	const shapeOf = (result: RunResult) =>
		result.items.map(({ json, pairedItem }) => ({
			...{ pairedItem, keys: Object.keys(json), status: json.status, prompt: json.prompt },
			cost: json.costUsd,
		}));
	const options = { maxCostPerVideo: 5, includeInputFields: true };
	const polled = await rig.run({
		items: await makeRows(3),
		parameters: { ...GENERATE, options },
	});
	await park({ parameters: withOptions(options) });
	expect(shapeOf(await waiting.ended())).toEqual(shapeOf(polled));
});

test('goes on within seconds of the last end where the callbacks arrive', async () => {
	await park();
	const result = await waiting.ended();
	expect(jsonOf(result.items).map(({ status }) => status)).toEqual(Array(3).fill('completed'));
	expect(rig.clock.now() - lastEnd()).toBeLessThanOrEqual(5_000);
	expect(waiting.answers.filter(({ execution }) => execution === PARENT)).toContainEqual({
		...{ execution: PARENT, status: 200 },
	});
});

test('keeps checking with callbacks that are missed, and a check costs no more than the rows that are due', async () => {
	switchCallbacksOff();
	await park({}, 9);
	const before = polls().length;
	await waiting.pass(10 * MINUTE);
	// About once a minute for each.
	expect(polls().length - before).toBeLessThanOrEqual(9 * 11);
	expect(polls().length - before).toBeGreaterThanOrEqual(9 * 8);
	expect(jsonOf((await waiting.ended()).items)).toHaveLength(9);
});

test('checks no task more often than the shortest gap that was asked for', async () => {
	switchCallbacksOff();
	await park({ parameters: withOptions({ pollIntervalSeconds: 300 }) }, 2);
	const before = polls().length;
	await waiting.pass(9 * MINUTE);
	expect(polls().length - before).toBe(2);
});

test('does nothing while n8n starts, which would declare it crashed, and goes on at its next look', async () => {
	switchCallbacksOff();
	await park();
	for (const { id } of rig.emulator.tasks()) rig.emulator.finishTask(id);
	await waiting.pass(30_000);
	const before = polls().length;
	processStart.at = rig.clock.now() + 20_000;
	await waiting.pass(50_000);
	expect(polls()).toHaveLength(before);
	expect(waiting.status(CHILD)).toBe('waiting');
	const startedAt = processStart.at;
	const result = await waiting.ended();
	expect(jsonOf(result.items).map(({ status }) => status)).toEqual(Array(3).fill('completed'));
	expect(rig.clock.now() - startedAt).toBeLessThanOrEqual(125_000);
});

describe('a task that can not be read', () => {
	test('fails alone, as an error row', async () => {
		await park({ settings: { onError: 'continueErrorOutput' } });
		const { id } = taskOf(1);
		rig.emulator.addFault({
			...{ step: 'result', kind: 'status', status: 404, times: Infinity },
			body: { code: 404, message: 'not found' },
			when: ({ path }) => path.includes(id),
		});
		const result = await waiting.ended();
		expect(jsonOf(goodItems(result)).map(({ prompt }) => prompt)).toEqual(['row 0', 'row 2']);
		expect(badItems(result).map(({ json }) => json.error)).toEqual([expect.stringContaining(id)]);
	});

	test('does not end the wait while the API is down for all', async () => {
		switchCallbacksOff();
		await park();
		rig.emulator.addFault({ step: 'result', kind: 'status', status: 503, times: Infinity });
		await waiting.pass(20 * MINUTE);
		expect(waiting.status()).toBe('waiting');
		rig.emulator.clearFaults();
		const result = await waiting.ended();
		expect(jsonOf(result.items).map(({ status }) => status)).toEqual(Array(3).fill('completed'));
	});
});

describe('a failed task', () => {
	const failRow1 = async (more: Partial<RunOptions> = {}) => {
		await park(more);
		rig.emulator.failTask(taskOf(1).id, { code: 1200, error: 'refused' });
		return await waiting.ended();
	};

	test('ends the run in stop mode, with its reason, its row and all tasks, and says how to go on', async () => {
		const result = await failRow1();
		expect(waiting.status()).toBe('error');
		expect(result.error?.message).toMatch(/refused.*\. Row 2\b/);
		expect(result.error?.message).toContain(taskOf(1).id);
		for (const row of [0, 2]) expect(result.error?.description).toContain(taskOf(row).id);
		expect(result.error?.description).toMatch(/"Existing Task ID".*"Get Many"/);
		expect(result.error?.description).not.toMatch(/Retry On Fail, or Retry of the execution/);
	});

	test('ends the run soon, without waiting for the other rows', async () => {
		switchCallbacksOff();
		const before = rig.clock.now();
		await failRow1();
		expect(rig.clock.now() - before).toBeLessThanOrEqual(3 * MINUTE);
	});

	test('fails again on Retry, and pays nothing', async () => {
		const failed = await failRow1();
		const retried = await waiting.start({
			...{ items: await makeRows(3), parameters: PARKED, retryOf: failed.run },
		});
		expect(retried.error?.message).toBe(failed.error?.message);
		expect(rig.emulator.paidTasks()).toBe(3);
	});

	test('leaves on the error branch where there is one, with the row’s own fields', async () => {
		const result = await failRow1({ settings: { onError: 'continueErrorOutput' } });
		expect(jsonOf(goodItems(result)).map(({ prompt }) => prompt)).toEqual(['row 0', 'row 2']);
		const [bad] = jsonOf(badItems(result));
		expect(bad).toMatchObject({ prompt: 'row 1', error: expect.stringContaining(taskOf(1).id) });
		const details = { taskId: taskOf(1).id, failureReason: 'refused', failureCode: 1200 };
		if (routesDetails) expect(bad?.details).toMatchObject(details);
	});

	test('is an item where that is wanted', async () => {
		const result = await failRow1({ parameters: withOptions({ failedTasks: 'output' }) });
		expect(result.items[1]?.json).toMatchObject({ status: 'failed', failureReason: 'refused' });
	});
});

describe('an error row that is known before the run is parked', () => {
	const refuseRow0 = () =>
		rig.emulator.addFault({
			...{ step: 'submit', kind: 'status', status: 400, times: Infinity },
			body: { code: 400, message: 'invalid prompt' },
			when: ({ body }) => (body as { prompt: string }).prompt === 'row 0',
		});

	test('does not make Retry On Fail pay again for the good rows', async () => {
		refuseRow0();
		const retryOnFail = { retryOnFail: true, maxTries: 3, waitBetweenTries: 0 };
		const parked = await park({ settings: { onError: 'continueErrorOutput', ...retryOnFail } });
		expect(parked.run.waitTill).toBeInstanceOf(Date);
		const result = await waiting.ended();
		expect(jsonOf(goodItems(result)).map(({ prompt }) => prompt)).toEqual(['row 1', 'row 2']);
		expect(jsonOf(badItems(result)).map(({ prompt }) => prompt)).toEqual(['row 0']);
		expect(rig.emulator.paidTasks()).toBe(2);
		expect(waiting.status('3')).toBeUndefined();
	});

	test('ends the run before it is parked in stop mode, with the IDs of the others', async () => {
		rig.emulator.addFault({
			...{ step: 'submit', kind: 'status', status: 400 },
			body: { code: 400, message: 'invalid prompt' },
			when: ({ body }) => (body as { prompt: string }).prompt === 'row 2',
		});
		const result = await park();
		expect(result.run.waitTill).toBeFalsy();
		expect(result.error?.message).toMatch(/invalid prompt.*\. Row 3\b/);
		for (const { id } of rig.emulator.tasks()) expect(result.error?.description).toContain(id);
	});
});

test('an input field called "error" does not make Retry On Fail run the parked node again', async () => {
	const items = (await makeRows(2)).map((item) => ({ ...item, json: { ...item.json, error: '' } }));
	const settings = { retryOnFail: true, maxTries: 3, waitBetweenTries: 0 };
	await park({ items, settings, parameters: withOptions({ includeInputFields: true }) });
	expect((await waiting.ended()).items).toHaveLength(2);
	expect(rig.emulator.paidTasks()).toBe(2);
	expect(waiting.status('3')).toBeUndefined();
});

describe('the time limit', () => {
	test('of a row is the same error as in a run that waits while it runs', async () => {
		switchCallbacksOff();
		await park({
			parameters: withOptions({ timeoutMinutes: 5 }),
			settings: { onError: 'continueRegularOutput' },
		});
		const result = await waiting.ended();
		for (const [row, { json }] of result.items.entries()) {
			expect(json.error).toMatch(/has not ended after \d minutes \(last status: processing\)/);
			expect(json.details).toMatchObject({ taskId: taskOf(row).id, status: 'processing' });
		}
	});

	test('of the parent hands the records of the tasks on when the child was killed in a check', async () => {
		await park({ parameters: withOptions({ timeoutMinutes: 5, includeInputFields: true }) });
		waiting.killNextStep(CHILD);
		const before = rig.clock.now();
		const result = await waiting.ended();
		expect(waiting.status(CHILD)).toBe('crashed');
		expect(waiting.status()).toBe('success');
		expect(rig.clock.now() - before).toBeLessThanOrEqual(20 * MINUTE);
		expect(jsonOf(goodItems(result))).toEqual(
			rig.emulator
				.tasks()
				.map(({ id, input }) =>
					expect.objectContaining({ taskId: id, videoUrl: null, prompt: input.prompt }),
				),
		);
	});
});

describe('callbacks', () => {
	test.each([
		['forged', { signature: `v3,${'0'.repeat(64)}` }, 401],
		['unsigned', { signature: null }, 401],
		['truncated', { signature: 'v3,abc' }, 401],
		['old', { timestamp: 1 }, 401],
		['signed with another secret', { secret: 'whsec_other' }, 401],
	])('that are %s are refused and wake nobody', async (_name, overrides, status) => {
		await park({}, 1);
		const before = polls().length;
		const answers = await rig.emulator.deliverWebhook(taskOf(0).id, overrides);
		expect(answers.map((answer) => answer.status)).toEqual([status]);
		await waiting.pass(2_000);
		expect(polls()).toHaveLength(before);
	});

	test('that come together, late, twice and too early change nothing but the lag', async () => {
		await park({}, 9);
		const ids = rig.emulator.tasks().map(({ id }) => id);
		const send = async () =>
			await Promise.all([...ids, ...ids].map(async (id) => await rig.emulator.deliverWebhook(id)));
		const early = await rig.clock.runUntil(send(), rig.emulator);
		expect(early.flat().every(({ status }) => status === 200)).toBe(true);
		await waiting.pass(MINUTE);
		expect(waiting.status()).toBe('waiting');
		for (const id of ids) rig.emulator.finishTask(id);
		await rig.clock.runUntil(send(), rig.emulator);
		const result = await waiting.ended();
		expect(jsonOf(result.items).map(({ taskId }) => taskId)).toEqual(ids);
		const late = await rig.emulator.deliverWebhook(ids[0]!);
		expect(late.at(0)?.status).toBe(409);
	});

	test('say nothing about the result: a body that tells of an end is not believed', async () => {
		await park({}, 1);
		const { id } = taskOf(0);
		const body = { id, status: 'completed', outputs: ['https://evil.example/x.mp4'] };
		await rig.emulator.deliverWebhook(id, { body });
		await waiting.pass(MINUTE);
		expect(waiting.status()).toBe('waiting');
		const result = await waiting.ended();
		expect(JSON.stringify(result.items)).not.toContain('evil');
	});
});

test('a parent that is stopped stays so, and its child ends by itself and submits nothing', async () => {
	switchCallbacksOff();
	await park();
	waiting.stop(PARENT);
	await waiting.pass(30 * MINUTE);
	expect(waiting.status()).toBe('canceled');
	expect(waiting.status(CHILD)).toBe('success');
	expect(rig.emulator.paidTasks()).toBe(3);
});

test('a loop parks again in its next round, with the same rows and new tasks', async () => {
	await park({ twice: true }, 2);
	const result = await waiting.ended();
	const rounds = result.run.data.resultData.runData.Talk ?? [];
	const ids = rounds.map((round) => (round.data?.main?.[0] ?? []).map(({ json }) => json.taskId));
	expect(ids).toEqual([
		rig.emulator
			.tasks()
			.slice(0, 2)
			.map(({ id }) => id),
		rig.emulator
			.tasks()
			.slice(2)
			.map(({ id }) => id),
	]);
	expect(rig.emulator.paidTasks()).toBe(4);
});

test('an old child that wakes after the limit of its parent hands its results to nobody', async () => {
	switchCallbacksOff();
	await park({ parameters: withOptions({ timeoutMinutes: 5 }) });
	const wakeIn = (ms: number) => {
		const at = new Date(rig.clock.now() + ms).toISOString();
		waiting.rewrite(CHILD, (stored) => stored.replace(/"waitTill":"[^"]+"/, `"waitTill":"${at}"`));
	};
	wakeIn(60 * MINUTE);
	const result = await waiting.ended();
	expect(goodItems(result)).toHaveLength(3);
	await waiting.pass(2 * 60 * MINUTE);
	const { waitTill } = JSON.parse(waiting.stored(CHILD)) as { waitTill: string };
	expect(Date.parse(waitTill) - rig.clock.now()).toBeGreaterThan(7 * 24 * 60 * MINUTE);
	wakeIn(0);
	await waiting.pass(3 * MINUTE);
	expect(waiting.status(CHILD)).toBe('success');
});

describe('a state that another version of this package has written', () => {
	test.each([
		['of a later layout', (stored: string) => stored.replaceAll('"wan22Wait":1', '"wan22Wait":99')],
		[
			'with a text that can not be read',
			(stored: string) => stored.replace(/"open":"\[/g, '"open":"{'),
		],
	])('%s ends with every row as the record of its task', async (_name, change) => {
		await park();
		waiting.rewrite(CHILD, change);
		const result = await waiting.ended();
		expect(jsonOf(goodItems(result))).toEqual(
			[0, 1, 2].map((row) =>
				expect.objectContaining({ taskId: taskOf(row).id, prompt: `row ${row}`, videoUrl: null }),
			),
		);
	});

	test('without anything that can be read fails, and says that Get Many has the tasks', async () => {
		await park();
		waiting.rewrite(CHILD, (stored) => stored.replace(/"run":"\{/g, '"run":"['));
		const result = await waiting.ended();
		expect(result.error?.message).toMatch(/can not be read/);
	});
});

test('attaches the videos after the wait', async () => {
	await park({ parameters: withOptions({ downloadVideo: true }) }, 2);
	const result = await waiting.ended();
	for (const item of result.items) expect(item.binary?.data?.mimeType).toBe('video/mp4');
});

test('a video that can not be fetched keeps its URL, in stop mode and as an error row', async () => {
	await park({
		parameters: withOptions({ downloadVideo: true }),
		settings: { onError: 'continueRegularOutput' },
	});
	const { id } = taskOf(1);
	rig.emulator.addFault({
		...{ step: 'download', kind: 'status', status: 404, times: Infinity },
		when: ({ path }) => path.includes(id),
	});
	const result = await waiting.ended();
	expect(result.items[0]?.binary?.data).toBeDefined();
	expect(result.items[1]?.json).toMatchObject({
		error: expect.stringContaining(id),
		details: { taskId: id, videoUrl: taskOf(1).outputs[0] },
	});
});

test('ends without parking when all tasks have ended by the last submit', async () => {
	await open({ accountLevel: 'bronze', taskSeconds: 1 });
	const result = await waiting.start({
		items: await makeRows(1),
		parameters: {
			resource: 'task',
			operation: 'wait',
			waitMode: 'parked',
			taskId: await submitOne(),
		},
	});
	expect(result.run.waitTill).toBeFalsy();
	expect(jsonOf(result.items).map(({ status }) => status)).toEqual(['completed']);
});

async function submitOne(): Promise<string> {
	const submitted = await rig.run({
		items: await makeRows(1),
		parameters: { ...GENERATE, resource: 'task', operation: 'submit' },
	});
	await rig.clock.runUntil(rig.clock.sleep(5_000), rig.emulator);
	return String(submitted.items[0]?.json.taskId);
}

test("keeps the account's limits until all rows are submitted", async () => {
	await open({ accountLevel: 'bronze', taskSeconds: 100 });
	await park({}, 5);
	expect(rig.emulator.paidTasks()).toBe(5);
	expect(rig.emulator.maxInFlight()).toBe(2);
	const result = await waiting.ended();
	expect(jsonOf(result.items).map(({ status }) => status)).toEqual(Array(5).fill('completed'));
});

test('a retry of a run that failed before it was parked goes on with its tasks', async () => {
	rig.emulator.addFault({
		...{ step: 'submit', kind: 'status', status: 400 },
		body: { code: 400, message: 'odd' },
		when: ({ body }) => (body as { prompt: string }).prompt === 'row 2',
	});
	const failed = await park();
	expect(failed.error).toBeDefined();
	await park({ retryOf: failed.run });
	const result = await waiting.ended();
	expect(jsonOf(result.items).map(({ status }) => status)).toEqual(Array(3).fill('completed'));
	expect(rig.emulator.paidTasks()).toBe(3);
});

test('a wait for tasks of others parks the same way, and fails at once for an ID that is wrong', async () => {
	const submitted = await rig.run({
		items: await makeRows(2),
		parameters: { ...GENERATE, resource: 'task', operation: 'submit' },
	});
	const items = [...submitted.items, { json: { taskId: 'nobody-knows-it' } }];
	const parked = await waiting.start({
		items,
		parameters: { resource: 'task', operation: 'wait', waitMode: 'parked' },
		settings: { onError: 'continueRegularOutput' },
	});
	expect(parked.run.waitTill).toBeInstanceOf(Date);
	const result = await waiting.ended();
	expect(jsonOf(result.items).map(({ status }) => status)).toEqual([
		'completed',
		'completed',
		undefined,
	]);
	expect(result.items[2]?.json.error).toContain('nobody-knows-it');
	expect(rig.emulator.paidTasks()).toBe(2);
});

test.each([
	[
		'for a limit of about a minute',
		{ parameters: withOptions({ timeoutMinutes: 1 }) },
		/about a minute/,
	],
	['with Execute Once', { settings: { executeOnce: true } }, /Execute Once/],
])('waits while it runs, and says why, %s', async (_name, more, hint) => {
	await open({ taskSeconds: 20 });
	const result = await park(more as Partial<RunOptions>, 1);
	expect(result.run.waitTill).toBeFalsy();
	expect(rig.emulator.tasks()[0]?.webhookUrl).toBeUndefined();
	const [run] = result.run.data.resultData.runData.Talk ?? [];
	expect(JSON.stringify(run?.hints)).toMatch(hint);
	expect(result.items[0]?.json.status).toBe('completed');
});

test('stores neither the key nor the signing secret, nor fields that the result does not need', async () => {
	const items = (await makeRows(2)).map((item) => ({
		...item,
		json: { ...item.json, secret: 'my column' },
	}));
	const parked = await park({ items });
	const child = waiting.stored(CHILD);
	expect(child).not.toContain('my column');
	const result = await waiting.ended();
	for (const text of [everythingReadable(parked), everythingReadable(result), child]) {
		expect(text).not.toContain(rig.emulator.apiKey);
		expect(text).not.toContain(rig.emulator.webhookSecret.slice('whsec_'.length));
	}
});
