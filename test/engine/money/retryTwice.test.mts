import type { INodeExecutionData, INodeType, IRun } from 'n8n-workflow';

import { type RunResult, types } from '../harness/engine.mts';
import { testSince } from '../harness/n8nVersion.mts';
import { GENERATE, jsonOf, makeRow, makeRows, type Rig } from '../harness/rig.mts';
import { GOES_ON, idsOf, isOf, startMoneyRig, submitsOf, tasksOf, textOf } from './support.mts';

/**
 * Retry of one failed execution, pressed twice: n8n makes two executions of one stored copy, and what one of them has
 * submitted the other one's copy doesn't say.
 */

let rig: Rig;
beforeEach(async () => {
	rig = await startMoneyRig();
});
afterEach(async () => await rig.close());

const BALANCE = { code: 400, message: 'insufficient credits' };

/** An execution whose rows could not be submitted, or only the one with this prompt. */
async function failFirst(rows: number, accepted = 'none', options = {}): Promise<RunResult> {
	rig.emulator.addFault({
		...{ step: 'submit', kind: 'status', status: 400, body: BALANCE, times: Infinity },
		when: (request) => !isOf(accepted)(request),
	});
	const parameters = { ...GENERATE, options };
	const failed = await rig.run({ items: await makeRows(rows), parameters });
	expect(textOf(failed)).toMatch(/insufficient credits/);
	rig.emulator.clearFaults();
	return failed;
}

const retry = async (of: IRun, more: object = {}): Promise<RunResult> =>
	await rig.start({ parameters: GENERATE, retryOf: of, ...more });

const idsIn = ({ items }: RunResult) => jsonOf(items).map(({ taskId }) => taskId);

test.each([1, 4])('at the same moment, with %i rows: each row is paid for once', async (rows) => {
	const { run } = await failFirst(rows);
	const [one, two] = await rig.until(Promise.all([retry(run), retry(run)]));
	expect(rig.emulator.paidTasks()).toBe(rows);
	expect(idsIn(one)).toHaveLength(rows);
	expect(idsIn(two)).toEqual(idsIn(one));
});

test('one after the other, where the first one has failed after it had submitted', async () => {
	const { run } = await failFirst(3, 'row 0');
	rig.emulator.addFault({
		...{ step: 'result', kind: 'status', status: 403, body: { code: 403, message: 'role' } },
		when: ({ path }) => path.includes(tasksOf(rig, 'row 2')[0]?.id ?? 'none'),
	});
	const one = await rig.until(retry(run));
	expect(one.error).toBeDefined();
	const two = await rig.until(retry(run));
	expect(two.error).toBeUndefined();
	expect(rig.emulator.paidTasks()).toBe(3);
	for (const { prompt, taskId } of jsonOf(two.items)) {
		expect(tasksOf(rig, String(prompt)).map(({ id }) => id)).toEqual([taskId]);
	}
});

test('one after the other, where the first one has brought the videos', async () => {
	const { run } = await failFirst(2);
	const one = await rig.until(retry(run));
	const two = await rig.until(retry(run));
	expect(idsIn(two)).toEqual(idsIn(one));
	expect(rig.emulator.paidTasks()).toBe(2);
});

test('and a Retry of the retry knows what both have submitted', async () => {
	const { run } = await failFirst(2);
	rig.emulator.addFault({ step: 'result', kind: 'status', status: 403, times: 1 });
	const one = await rig.until(retry(run));
	expect(one.error).toBeDefined();
	await rig.until(retry(run));
	const three = await rig.until(retry(one.run));
	expect(three.error).toBeUndefined();
	expect(rig.emulator.paidTasks()).toBe(2);
});

test('with a submit whose answer is lost: its task is found for both', async () => {
	const { run } = await failFirst(2);
	rig.emulator.addFault({ step: 'submit', kind: 'resetAfter', when: isOf('row 1') });
	const [one, two] = await rig.until(Promise.all([retry(run), retry(run)]));
	expect(idsIn(two)).toEqual(idsIn(one));
	expect(idsIn(one)).toHaveLength(2);
	expect(submitsOf(rig).length).toBeLessThanOrEqual(4);
	expect(rig.emulator.paidTasks()).toBe(2);
});

test('both together keep to "Max Cost per Run"', async () => {
	const { run } = await failFirst(6);
	const quoted = await rig.until(
		rig.start({ items: await makeRows(1), parameters: { ...GENERATE, operation: 'quote' } }),
	);
	const price = Number(jsonOf(quoted.items)[0]?.costUsd);
	const options = { maxCostPerRun: 3 * price };
	const more = { parameters: { ...GENERATE, options }, settings: GOES_ON };
	await rig.until(Promise.all([retry(run, more), retry(run, more)]));
	expect(rig.emulator.paidTasks()).toBe(3);
});

test('Stop of one leaves the other its rows', async () => {
	const { run } = await failFirst(2);
	let stop = (): void => {};
	rig.emulator.onRequest('result', () => stop());
	const stopping = retry(run, { onStart: (cancel: () => void) => (stop = cancel) });
	const [, two] = await rig.until(Promise.all([stopping, retry(run)]));
	expect(idsIn(two)).toHaveLength(2);
	expect(new Set(idsIn(two))).toEqual(new Set(idsOf(rig)));
	expect(rig.emulator.paidTasks()).toBe(2);
});

test('an execution of its own, with the same items, pays for its own videos', async () => {
	const items = await makeRows(2);
	const start = async () => await rig.start({ items, parameters: GENERATE });
	await rig.until(Promise.all([start(), start()]));
	expect(rig.emulator.paidTasks()).toBe(4);
});

/** The node between the trigger and ours, such as a sheet that can't be read at first. */
function placeBefore(execute: () => Promise<INodeExecutionData[][]>): void {
	const plain = types['test.passThrough']!;
	const node = Object.create(Object.getPrototypeOf(plain)) as INodeType;
	types['test.between'] = Object.assign(node, plain, { execute });
}
afterEach(() => delete types['test.between']);

const retryWithNodeBefore = async (of: IRun, more: object = {}): Promise<RunResult> =>
	await retry(of, { hasNodeBefore: true, ...more });

/** It has failed before it came to our node, which has these rows once it is retried. */
async function failBefore(rows: INodeExecutionData[]): Promise<RunResult> {
	placeBefore(async () => await Promise.reject(new Error('the sheet is not there')));
	const items = [{ json: { asked: 'for all rows' } }];
	const failed = await rig.run({ items, parameters: GENERATE, hasNodeBefore: true });
	expect(textOf(failed)).toMatch(/the sheet is not there/);
	placeBefore(async () => await Promise.resolve([rows]));
	return failed;
}

const testAfterEarlierNode = testSince('2.0.0', 'n8n does not say when an execution began');

testAfterEarlierNode('of an execution that had failed before it came to the node', async () => {
	const { run } = await failBefore(await makeRows(3));
	const both = [retryWithNodeBefore(run), retryWithNodeBefore(run)] as const;
	const [one, two] = await rig.until(Promise.all(both));
	expect(idsIn(one)).toHaveLength(3);
	expect(idsIn(two)).toEqual(idsIn(one));
	expect(rig.emulator.paidTasks()).toBe(3);
});

test('of two executions that began in the same millisecond: each has its own video', async () => {
	const began = jest.spyOn(Date, 'now').mockReturnValue(Date.now());
	const row = await makeRow({});
	placeBefore(async () => await Promise.reject(new Error('the CRM is down')));
	const parameters = { ...GENERATE, prompt: '={{ $("Start").first().json.customer }}' };
	const start = async (customer: string) =>
		await rig.start({ items: [{ json: { customer } }], parameters, hasNodeBefore: true });
	const failed = await rig.until(Promise.all(['one', 'two'].map(start)));
	began.mockRestore();
	placeBefore(async () => await Promise.resolve([[row]]));
	const prompts: unknown[] = [];
	for (const { run } of failed) {
		const { items } = await rig.until(retryWithNodeBefore(run, { parameters }));
		const { prompt, taskId } = jsonOf(items)[0] ?? {};
		expect(rig.emulator.tasks().find(({ id }) => id === taskId)?.input.prompt).toBe(prompt);
		prompts.push(prompt);
	}
	expect(prompts).toEqual(['one', 'two']);
});

testAfterEarlierNode('of one whose first Retry has paid and then failed', async () => {
	const { run } = await failBefore(await makeRows(3));
	rig.emulator.addFault({
		...{ step: 'result', kind: 'status', status: 403, body: { code: 403, message: 'role' } },
	});
	const one = await rig.until(retryWithNodeBefore(run));
	expect(one.error).toBeDefined();
	const two = await rig.until(retryWithNodeBefore(run));
	expect(jsonOf(two.items).map(({ status }) => status)).toEqual(Array(3).fill('completed'));
	expect(rig.emulator.paidTasks()).toBe(3);
});

test('where another workflow has called this one, the error says that its Retry pays again', async () => {
	rig.emulator.addFault({
		...{ step: 'result', kind: 'status', status: 403, body: { code: 403, message: 'role' } },
	});
	const items = await makeRows(2);
	const { error } = await rig.run({ items, parameters: GENERATE, isCalled: true });
	expect(error?.description).toMatch(/calls anew when it is retried, and then all rows are paid/);
	expect(error?.description).not.toMatch(/Retry of the execution/);
});

test('one with the original and one with the saved workflow, which asks for the same in other words', async () => {
	await rig.close();
	rig = await startMoneyRig({ accountLevel: 'bronze' });
	const { run } = await failFirst(6);
	const saved = { ...GENERATE, prompt: '={{ $json["prompt"] }}' };
	const later = async () => {
		await rig.clock.sleep(20_000);
		return await retry(run, { parameters: saved });
	};
	const [one, two] = await rig.until(Promise.all([retry(run), later()]));
	expect(idsIn(two)).toEqual(idsIn(one));
	expect(rig.emulator.paidTasks()).toBe(6);
});

test('one after the other with a workflow that asks in other words: what was paid is counted once', async () => {
	const quoted = await rig.run({
		items: await makeRows(1),
		parameters: { ...GENERATE, operation: 'quote' },
	});
	const options = { maxCostPerRun: 2 * Number(jsonOf(quoted.items)[0]?.costUsd) };
	const saved = { parameters: { ...GENERATE, prompt: '={{ $json["prompt"] }}', options } };
	const { run } = await failFirst(2, 'row 0', options);
	// What n8n has in its database, which no later execution changes.
	const stored = structuredClone(run);
	rig.emulator.addFault({ step: 'submit', kind: 'status', status: 400, body: BALANCE });
	expect((await rig.until(retry(stored, saved))).error).toBeDefined();
	const two = await rig.until(retry(stored, saved));
	expect(two.error).toBeUndefined();
	expect(rig.emulator.paidTasks()).toBe(2);
});
