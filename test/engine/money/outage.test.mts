import type { Fault } from '../../emulator/types.mts';
import { GENERATE, makeRows, type Rig } from '../harness/rig.mts';
import { GOES_ON, minutesOf, RETRY, startMoneyRig, submitsOf, textOf } from './support.mts';

/** No failure queues behind another: an outage ends a batch of any size within minutes, and no row waits for ever. */

let rig: Rig;
afterEach(async () => await rig.close());

const ROWS = 1_000;

const OUTAGES: [string, Omit<Fault, 'step'>][] = [
	['silent', { kind: 'hang' }],
	['cut off', { kind: 'resetBefore' }],
	['answered with 503', { kind: 'status', status: 503 }],
	['answered by a proxy', { kind: 'html', status: 502 }],
];

describe.each(OUTAGES)('submits and lists that are %s', (_, fault) => {
	test.each(['ultra', 'bronze'] as const)(
		'end a thousand rows within five minutes (%s)',
		async (accountLevel) => {
			rig = await startMoneyRig({ accountLevel });
			for (const step of ['submit', 'list'] as const)
				rig.emulator.addFault({ step, ...fault, times: Infinity });
			let result: Awaited<ReturnType<Rig['run']>> | undefined;
			const items = await makeRows(ROWS);
			const minutes = await minutesOf(rig, async () => {
				result = await rig.run({ items, parameters: GENERATE, settings: GOES_ON });
			});
			expect(minutes).toBeLessThan(5);
			expect(result?.items).toHaveLength(ROWS);
			for (const { json } of result?.items ?? []) expect(json.error).toEqual(expect.any(String));
			// Each row whose submit has left says that a task may exist; only of others nothing was paid for sure.
			const denied = result?.items.filter(({ json }) =>
				/Nothing was paid/.test(String(json.error)),
			);
			expect(denied).toHaveLength(ROWS - submitsOf(rig).length);
		},
	);
});

test('lists alone that are silent hold nobody up for long, and what was accepted is delivered', async () => {
	rig = await startMoneyRig();
	rig.emulator.addFault({ step: 'submit', kind: 'resetBefore', times: 3 });
	rig.emulator.addFault({ step: 'list', kind: 'hang', times: Infinity });
	const items = await makeRows(200);
	const minutes = await minutesOf(rig, async () => {
		const result = await rig.run({ items, parameters: GENERATE, settings: GOES_ON });
		const videos = result.items.filter(({ json }) => json.status === 'completed');
		expect(videos.length).toBe(rig.emulator.paidTasks());
	});
	expect(minutes).toBeLessThan(10);
});

test('an outage that ends leaves nothing behind: a minute later all rows get their videos, and each pays once', async () => {
	rig = await startMoneyRig();
	for (const step of ['submit', 'list'] as const)
		rig.emulator.addFault({ step, kind: 'status', status: 503, times: Infinity });
	const items = await makeRows(30);
	const failed = await rig.run({ items, parameters: GENERATE });
	expect(failed.error).toBeDefined();
	rig.emulator.clearFaults();
	await rig.until(rig.clock.sleep(60_000));
	const result = await rig.run({ items, parameters: GENERATE, retryOf: failed.run });
	expect(result.error).toBeUndefined();
	expect(result.items).toHaveLength(30);
	expect(rig.emulator.paidTasks()).toBe(30);
});

/** The first price is one too many, and the item of the first row an error, so n8n runs the node again at once. */
test('a cost limit with a refused row, few places and Retry On Fail comes to an end', async () => {
	rig = await startMoneyRig({ accountLevel: 'bronze' });
	rig.emulator.addFault({
		step: 'submit',
		kind: 'status',
		status: 400,
		body: { code: 400, message: 'bad parameter' },
		times: Infinity,
		when: ({ body }) => (body as { prompt: string }).prompt.startsWith('row 0'),
	});
	const result = await rig.run({
		items: await makeRows(13),
		parameters: {
			...GENERATE,
			prompt: '={{ $json.prompt + " " + Math.random() }}',
			options: { maxCostPerRun: 100 },
		},
		settings: { ...RETRY, ...GOES_ON },
	});
	expect(result.items).toHaveLength(13);
	expect(result.items.filter(({ json }) => json.error !== undefined)).toHaveLength(1);
	expect(rig.emulator.paidTasks()).toBe(12);
});

test('the rows after one that waits for a lost answer are submitted meanwhile', async () => {
	rig = await startMoneyRig();
	rig.emulator.addFault({ step: 'submit', kind: 'hangAfter' });
	const items = await makeRows(20);
	const minutes = await minutesOf(rig, async () => {
		const result = await rig.run({ items, parameters: GENERATE });
		expect(textOf(result)).toBe('');
	});
	// Two minutes of silence, the list, and a task of a minute.
	expect(minutes).toBeLessThan(4);
	const times = submitsOf(rig).map(({ at }) => at);
	expect(Math.max(...times) - Math.min(...times)).toBeLessThan(5_000);
});
