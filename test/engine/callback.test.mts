import {
	everythingReadable,
	GENERATE,
	jsonOf,
	makeRows,
	type Rig,
	startRig,
} from './harness/rig.mts';
import { routesDetails, type RunOptions, type RunResult } from './harness/engine.mts';
import { startWaiting, type WaitingRig } from './harness/waitingRig.mts';

/** Waiting that costs nothing: the execution is parked, and WaveSpeed's callbacks wake it. */

let rig: Rig;
let waiting: WaitingRig;
beforeEach(async () => {
	rig = await startRig({ taskSeconds: (input) => 600 + 60 * Number(String(input.prompt).at(-1)) });
	waiting = await startWaiting();
});
afterEach(async () => {
	await waiting.close();
	await rig.close();
});

const polls = () => rig.emulator.requests().filter(({ step }) => step === 'result');
const CALLBACK = { ...GENERATE, waitMode: 'callback' };

async function runParked(more: Partial<RunOptions> = {}, rows = 3): Promise<RunResult> {
	const options = {
		credential: rig.credential,
		items: await makeRows(rows),
		parameters: CALLBACK,
		resumeBase: waiting.base,
		...more,
	};
	const result = await rig.run(options);
	if (result.run.waitTill) waiting.store(result.run, options);
	return result;
}

const untilResumed = async () => await rig.clock.runUntil(waiting.resumed, rig.emulator);

test('parks when all rows are submitted, and goes on with all results in the order of the rows', async () => {
	const parked = await runParked();
	expect(parked.run.waitTill).toBeInstanceOf(Date);
	expect(rig.emulator.paidTasks()).toBe(3);
	const before = polls().length;
	const result = await untilResumed();
	expect(result.error).toBeUndefined();
	expect(jsonOf(result.items)).toEqual(
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
	expect(jsonOf(result.items).map(({ prompt }) => prompt)).toEqual(['row 0', 'row 1', 'row 2']);
	expect(result.items.map(({ pairedItem }) => pairedItem)).toEqual(
		[0, 1, 2].map((item) => ({ item })),
	);
	expect(rig.emulator.paidTasks()).toBe(3);
	// No checks but those that a callback causes: its own task, and at most the others.
	const afterParking = polls().slice(before);
	const firstCallback = rig.emulator.webhookDeliveries()[0]!.at;
	expect(afterParking.every(({ at }) => at >= firstCallback)).toBe(true);
	expect(waiting.statuses.filter((status) => status >= 400)).toEqual([]);
});

test('declines while other tasks run', async () => {
	await runParked();
	const [first] = rig.emulator.tasks();
	rig.emulator.finishTask(first!.id);
	const answers = await rig.emulator.deliverWebhook(first!.id);
	expect(answers.map((answer) => answer.status)).toEqual([200]);
	expect(waiting.isParked()).toBe(true);
});

test('takes callbacks in any order and more than once, and goes on exactly at the last', async () => {
	await runParked();
	const tasks = rig.emulator.tasks().reverse();
	for (const [index, { id }] of tasks.entries()) {
		expect(waiting.isParked()).toBe(true);
		rig.emulator.finishTask(id);
		const isLast = index === tasks.length - 1;
		await rig.emulator.deliverWebhook(id);
		if (!isLast) await rig.emulator.deliverWebhook(id);
	}
	const result = await waiting.resumed;
	expect(jsonOf(result.items).map(({ prompt }) => prompt)).toEqual(['row 0', 'row 1', 'row 2']);
	const again = await rig.emulator.deliverWebhook(tasks[0]!.id);
	expect(again.at(0)?.status).toBe(409);
});

test('goes on with many tasks although the API takes its time for each', async () => {
	await runParked({}, 45);
	const tasks = rig.emulator.tasks();
	for (const { id } of tasks) rig.emulator.finishTask(id);
	rig.emulator.addFault({ step: 'result', kind: 'slowBody', seconds: 1, times: Infinity });
	void rig.emulator.deliverWebhook(tasks[0]!.id);
	const result = await untilResumed();
	expect(jsonOf(result.items).map(({ taskId }) => taskId)).toEqual(tasks.map(({ id }) => id));
});

test('reads each task once when it has ended, and one that runs for each callback that is too early', async () => {
	await runParked({}, 9);
	const before = polls().length;
	const result = await untilResumed();
	expect(result.items).toHaveLength(9);
	const looks = polls().slice(before);
	// The callbacks come one by one, in the order of the rows, and the last row is the one that still runs.
	expect(looks.length).toBeLessThanOrEqual(9 + 8);
});

test('goes on once when the last callbacks come at the same time', async () => {
	await runParked();
	const [first, second, third] = rig.emulator.tasks();
	rig.emulator.finishTask(first!.id);
	// The second task ends just after the first one's callback has seen it running.
	let looks = 0;
	let late: Promise<unknown> = Promise.resolve();
	rig.emulator.finishTask(third!.id);
	rig.emulator.addFault({
		step: 'result',
		kind: 'wrongShape',
		times: Infinity,
		when: ({ path }) => {
			if (path.includes(third!.id) && (looks += 1) === 1) {
				late = Promise.all([
					rig.emulator.deliverWebhook(third!.id),
					rig.emulator.deliverWebhook(third!.id),
				]);
			}
			return false;
		},
	});
	const early = rig.emulator.deliverWebhook(first!.id);
	await rig.clock.runUntil(early, rig.emulator);
	await late;
	expect(waiting.isParked()).toBe(true);
	rig.emulator.finishTask(second!.id);
	const answers = await Promise.all([1, 2, 3].map(() => rig.emulator.deliverWebhook(second!.id)));
	expect((await waiting.resumed).items).toHaveLength(3);
	expect(waiting.timesResumed()).toBe(1);
	expect(answers.flat().every(({ status }) => [200, 409].includes(status))).toBe(true);
});

test('a retried execution checks the tasks of the failed one, whose callbacks go elsewhere', async () => {
	rig.emulator.addFault({
		step: 'submit',
		kind: 'status',
		status: 400,
		body: { code: 400, message: 'odd' },
		when: ({ body }) => (body as { prompt: string }).prompt === 'row 2',
	});
	const failed = await runParked();
	const paidBefore = rig.emulator.paidTasks();
	expect(failed.error).toBeDefined();
	expect(paidBefore).toBeGreaterThan(0);
	const retried = await runParked({ retryOf: failed.run });
	const result = retried.run.waitTill ? await untilResumed() : retried;
	expect(jsonOf(result.items).map(({ status }) => status)).toEqual(Array(3).fill('completed'));
	expect(rig.emulator.paidTasks()).toBe(3);
	expect(polls().some(({ path }) => path.includes(rig.emulator.tasks()[0]!.id))).toBe(true);
});

test.each([
	['forged', { signature: `v3,${'0'.repeat(64)}` }, 401],
	['unsigned', { signature: null }, 401],
	['truncated', { signature: 'v3,abc' }, 401],
	['old', { timestamp: 1 }, 401],
	['signed with another secret', { secret: 'whsec_other' }, 401],
])(
	'a callback that is %s is refused, and the execution stays parked',
	async (_name, overrides, status) => {
		await runParked({}, 1);
		const [task] = rig.emulator.tasks();
		rig.emulator.finishTask(task!.id);
		const answers = await rig.emulator.deliverWebhook(task!.id, overrides);
		expect(answers.map((answer) => answer.status)).toEqual([status]);
		expect(waiting.isParked()).toBe(true);
	},
);

test('asks the service to send again while the API cannot be reached, and stays parked', async () => {
	await runParked({}, 1);
	const [task] = rig.emulator.tasks();
	rig.emulator.finishTask(task!.id);
	rig.emulator.addFault({ step: 'result', kind: 'status', status: 500, times: Infinity });
	const answers = await rig.clock.runUntil(rig.emulator.deliverWebhook(task!.id), rig.emulator);
	expect(answers.at(0)?.status).toBe(503);
	expect(waiting.isParked()).toBe(true);
	rig.emulator.clearFaults();
	await rig.clock.runUntil(rig.emulator.deliverWebhook(task!.id), rig.emulator);
	expect((await waiting.resumed).items).toHaveLength(1);
});

test('a callback that comes before the execution is stored is sent again by the service', async () => {
	const options = {
		credential: rig.credential,
		items: await makeRows(1),
		parameters: CALLBACK,
		resumeBase: waiting.base,
	};
	const result = await rig.run(options);
	const late = rig.clock.sleep(900_000).then(() => waiting.store(result.run, options));
	await rig.clock.runUntil(late, rig.emulator).catch(() => {});
	const [task] = rig.emulator.tasks();
	expect(waiting.statuses).toContain(409);
	const resumed = rig.clock.runUntil(
		Promise.race([waiting.resumed, rig.emulator.deliverWebhook(task!.id)]),
		rig.emulator,
	);
	await resumed;
	expect((await waiting.resumed).items[0]?.json).toMatchObject({ status: 'completed' });
});

test('hands the records of the tasks on at the time limit, with the status that they had', async () => {
	await runParked({ parameters: { ...CALLBACK, options: { timeoutMinutes: 2 } } });
	const result = await rig.clock.runUntil(waiting.timeOut(), rig.emulator);
	const good = result.run.data.resultData.runData.Good?.at(-1)?.data?.main?.[0] ?? [];
	expect(good.map((item) => item.json)).toEqual(
		rig.emulator
			.tasks()
			.map(({ id, input }) =>
				expect.objectContaining({ taskId: id, videoUrl: null, prompt: input.prompt }),
			),
	);
});

describe('a failed task in a resumed execution', () => {
	const failRow1 = async (onError?: string) => {
		await runParked({ settings: onError ? { onError: onError as never } : {} });
		const [, task] = rig.emulator.tasks();
		rig.emulator.failTask(task!.id, { code: 1200, error: 'refused' });
		return { result: await untilResumed(), task: task! };
	};

	test('is an item with its reason where the node stops on errors', async () => {
		const { result, task } = await failRow1();
		expect(result.items[1]?.json).toMatchObject({
			taskId: task.id,
			status: 'failed',
			failureReason: 'refused',
			failureCode: 1200,
		});
		expect(result.items).toHaveLength(3);
	});

	test('leaves on the error branch where there is one', async () => {
		const { result, task } = await failRow1('continueErrorOutput');
		const bad = result.run.data.resultData.runData.Bad?.at(-1)?.data?.main?.[0] ?? [];
		expect(bad.map((item) => item.json.error)).toEqual([expect.stringContaining(task.id)]);
		const details = expect.objectContaining({ taskId: task.id, failureReason: 'refused' });
		expect(bad.map((item) => item.json.details)).toEqual([routesDetails ? details : undefined]);
	});
});

test('attaches the videos in the resumed run too', async () => {
	await runParked({ parameters: { ...CALLBACK, options: { downloadVideo: true } } }, 1);
	const result = await untilResumed();
	expect(result.items[0]?.binary?.data?.mimeType).toBe('video/mp4');
});

test('ends without parking when all tasks have ended by the last check', async () => {
	await rig.close();
	rig = await startRig({ taskSeconds: 0 });
	const result = await runParked();
	expect(result.run.waitTill).toBeFalsy();
	expect(jsonOf(result.items).map(({ status }) => status)).toEqual(Array(3).fill('completed'));
});

test("keeps the account's limits until all rows are submitted", async () => {
	await rig.close();
	rig = await startRig({ accountLevel: 'bronze', taskSeconds: 100 });
	await runParked({}, 5);
	expect(rig.emulator.paidTasks()).toBe(5);
	expect(rig.emulator.maxInFlight()).toBe(2);
	const result = await untilResumed();
	expect(jsonOf(result.items).map(({ status }) => status)).toEqual(Array(5).fill('completed'));
});

test('a row that can not be submitted ends the run before parking in stop mode, with the IDs of the others', async () => {
	rig.emulator.addFault({
		step: 'submit',
		kind: 'status',
		status: 400,
		body: { code: 400, message: 'invalid prompt' },
		when: ({ body }) => (body as { prompt: string }).prompt === 'row 2',
	});
	const result = await runParked();
	expect(result.run.waitTill).toBeFalsy();
	expect(result.error?.message).toMatch(/^Row 3: .*invalid prompt/);
	for (const { id } of rig.emulator.tasks()) expect(result.error?.description).toContain(id);
});

test('Wait for Task parks for tasks that were submitted with the resume URL', async () => {
	const submitted = await rig.run({
		items: await makeRows(2),
		resumeBase: waiting.base,
		parameters: {
			...GENERATE,
			operation: 'submit',
			options: { webhookUrl: '={{ $execution.resumeUrl }}' },
		},
	});
	expect(submitted.error).toBeUndefined();
	const parked = await runParked({
		items: submitted.items,
		parameters: { operation: 'wait', waitMode: 'callback' },
	});
	expect(parked.run.waitTill).toBeInstanceOf(Date);
	const result = await untilResumed();
	expect(jsonOf(result.items).map(({ status }) => status)).toEqual(['completed', 'completed']);
	expect(rig.emulator.paidTasks()).toBe(2);
});

test('waits by checking, and says why, where WaveSpeed could not call back', async () => {
	await rig.close();
	rig = await startRig({ taskSeconds: 20 });
	const result = await rig.run({
		items: await makeRows(1),
		parameters: { ...CALLBACK, options: { timeoutMinutes: 1 } },
		resumeBase: waiting.base,
	});
	expect(result.run.waitTill).toBeFalsy();
	expect(rig.emulator.tasks()[0]?.webhookUrl).toBeUndefined();
	const [run] = result.run.data.resultData.runData.Talk ?? [];
	expect(JSON.stringify(run?.hints)).toMatch(/waits by checking/);
});

test('stores neither the key nor the signing secret', async () => {
	const parked = await runParked();
	const result = await untilResumed();
	for (const text of [everythingReadable(parked), everythingReadable(result)]) {
		expect(text).not.toContain(rig.emulator.apiKey);
		expect(text).not.toContain(rig.emulator.webhookSecret.slice('whsec_'.length));
	}
});
