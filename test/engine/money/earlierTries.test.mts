import type { IDataObject } from 'n8n-workflow';

import { runAgent, type ToolAnswer } from '../harness/agent.mts';
import type { RunResult } from '../harness/engine.mts';
import { GENERATE, jsonOf, makeRows, type Rig } from '../harness/rig.mts';
import { GOES_ON, idsOf, parametersByUrl, RETRY, startMoneyRig, textOf } from './support.mts';

/**
 * A try that ends before it has sent anything, by a credential, a field or an expression: the tasks of earlier tries are
 * named all the same, and "Nothing was paid" is said of this try at most.
 */

let rig: Rig;
beforeEach(async () => {
	rig = await startMoneyRig();
});
afterEach(async () => await rig.close());

/** A first try whose tasks are all accepted, and which ends because they can't be read. */
async function failAfterSubmitting(rows: number): Promise<RunResult> {
	rig.emulator.addFault({
		step: 'result',
		kind: 'status',
		status: 403,
		body: { code: 403, message: 'role' },
		times: Infinity,
	});
	const failed = await rig.run({ items: await makeRows(rows), parameters: GENERATE });
	expect(failed.error).toBeDefined();
	expect(rig.emulator.paidTasks()).toBe(rows);
	return failed;
}

const WRONG: [string, { parameters?: IDataObject; apiKey?: string }][] = [
	['a key that was pasted wrongly', { apiKey: 'a b' }],
	['a field that is empty by now', { parameters: { resolution: '={{ $json.gone }}' } }],
	['an expression that throws', { parameters: { prompt: '={{ $("Nope").item.json.x }}' } }],
	['an option that is no number', { parameters: { options: { maxCostPerRun: '={{ null }}' } } }],
];

describe.each(WRONG)('a retry with %s', (_, { parameters = {}, apiKey }) => {
	const retry = async (failed: RunResult, settings = {}): Promise<RunResult> =>
		await rig.run({
			items: [],
			parameters: { ...GENERATE, ...parameters },
			retryOf: failed.run,
			settings,
			credential: { ...rig.credential, ...(apiKey === undefined ? {} : { apiKey }) },
		});

	test('names the tasks of all rows in its error', async () => {
		const result = await retry(await failAfterSubmitting(3));
		expect(result.error).toBeDefined();
		for (const id of idsOf(rig)) expect(textOf(result)).toContain(id);
		expect(textOf(result)).not.toMatch(/Nothing was paid/);
		expect(rig.emulator.paidTasks()).toBe(3);
	});

	test("names each row's task in its error row", async () => {
		const result = await retry(await failAfterSubmitting(2), GOES_ON);
		const rows = jsonOf(result.items);
		expect(rows).toHaveLength(2);
		for (const [row, json] of rows.entries()) {
			const [task] = rig.emulator.tasks().filter(({ input }) => input.prompt === `row ${row}`);
			expect(json.error).toContain(task?.id);
			expect(json.error).not.toMatch(/Nothing was paid/);
		}
	});
});

test('Retry On Fail, with an expression that gives nothing in the second try, names the tasks of the first', async () => {
	const { now } = Date;
	rig.emulator.addFault({
		step: 'result',
		kind: 'status',
		status: 403,
		body: { code: 403, message: 'role' },
		when: () => {
			Date.now = () => 5e12;
			return true;
		},
	});
	const result = await rig
		.run({
			items: await makeRows(3),
			parameters: { ...GENERATE, resolution: '={{ Date.now() < 4e12 ? "480p" : "" }}' },
			settings: { ...RETRY, maxTries: 2 },
		})
		.finally(() => void (Date.now = now));
	expect(result.error?.message).toMatch(/"Resolution" must be one of/);
	expect(idsOf(rig)).toHaveLength(3);
	for (const id of idsOf(rig)) expect(textOf(result)).toContain(id);
	expect(textOf(result)).not.toMatch(/Nothing was paid/);
});

test('a credential that is wrong from the start says that nothing was paid', async () => {
	const result = await rig.run({
		items: await makeRows(1),
		parameters: GENERATE,
		credential: { ...rig.credential, apiKey: 'a b' },
	});
	expect(textOf(result)).toMatch(/Nothing was paid/);
});

test('a tool that is tried again with a credential that is wrong by then says nothing untrue about money', async () => {
	await rig.close();
	rig = await startMoneyRig({ taskSeconds: 300 });
	const credential = { ...rig.credential };
	rig.emulator.onRequest('submit', () => void (credential.apiKey = 'two words'));
	const parameters = { operation: 'generate', ...(await parametersByUrl(rig)) };
	let answer: ToolAnswer | undefined;
	const run = runAgent({
		credential,
		parameters: { ...parameters, options: { timeoutMinutes: 1 } },
		settings: { ...RETRY, maxTries: 2 },
		think: async (call) => void (answer = await call({})),
	});
	await rig.until(run);
	expect(answer).toHaveProperty('error.message', expect.stringMatching(/API [Kk]ey/));
	expect(JSON.stringify(answer)).not.toMatch(/Nothing was paid\./);
	expect(rig.emulator.paidTasks()).toBe(1);
});
