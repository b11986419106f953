import type { EmulatorOptions } from '../../emulator/types.mts';
import { GENERATE, makeRow, makeRows, type Rig } from '../harness/rig.mts';
import {
	hideTasksFor,
	idsOf,
	jsonOfRow,
	minutesOf,
	parametersByUrl,
	RETRY,
	startMoneyRig,
	tasksOf,
	textOf,
} from './support.mts';

/** A machine's clock that is wrong, or jumps, changes nothing: virtual machines after a pause, WSL, Docker on a laptop. */

let rig: Rig;
afterEach(async () => await rig.close());

const MINUTE_MS = 60_000;

const SKEWS = [-600, -300, -90, 90, 300, 600].map((seconds) => [seconds] as const);
const ECHOES: [string, EmulatorOptions][] = [
	['with an echo', {}],
	['without an echo', { includeInputs: 'ignored' }],
];

const runOne = async () =>
	await rig.run({ items: [await makeRow()], parameters: GENERATE, settings: RETRY });

describe.each(ECHOES)('a lost answer, %s', (_, options) => {
	test.each(SKEWS)("is found when the machine's clock is %i s ahead", async (seconds) => {
		rig = await startMoneyRig(options);
		rig.skewMachineClock(seconds * 1000);
		rig.emulator.addFault({ step: 'submit', kind: 'resetAfter' });
		const result = await runOne();
		expect(jsonOfRow(result.items)).toMatchObject({ status: 'completed', taskId: idsOf(rig)[0] });
		expect(rig.emulator.paidTasks()).toBe(1);
	});

	test.each([-10, 10])('is found when the clock jumps by %i minutes meanwhile', async (minutes) => {
		rig = await startMoneyRig(options);
		rig.emulator.onRequest('submit', () => rig.skewMachineClock(minutes * MINUTE_MS));
		rig.emulator.addFault({ step: 'submit', kind: 'hangAfter' });
		const result = await runOne();
		expect(jsonOfRow(result.items)).toMatchObject({ status: 'completed', taskId: idsOf(rig)[0] });
		expect(rig.emulator.paidTasks()).toBe(1);
	});

	// The service's time in the headers is not to be had; an echo is all there is, and without one nothing is certain.
	test.each([-10, 10])(
		'is found or named when no answer tells the time, and the clock is %i minutes ahead',
		async (minutes) => {
			rig = await startMoneyRig({ ...options, dateHeader: false });
			rig.skewMachineClock(minutes * MINUTE_MS);
			rig.emulator.addFault({ step: 'submit', kind: 'resetAfter' });
			const result = await runOne();
			const read = JSON.stringify([result.items, result.error?.message]);
			expect(read).toContain(idsOf(rig)[0]);
			expect(rig.emulator.paidTasks()).toBe(1);
		},
	);
});

test.each([-10, 10])(
	'a Retry after a restart of n8n finds the task that was lost, with a clock that is %i minutes ahead',
	async (minutes) => {
		rig = await startMoneyRig();
		rig.skewMachineClock(minutes * MINUTE_MS);
		rig.emulator.addFault({ step: 'submit', kind: 'resetAfter' });
		rig.emulator.addFault({ step: 'list', kind: 'status', status: 403, times: 5 });
		const items = [await makeRow()];
		const failed = await rig.run({ items, parameters: GENERATE });
		expect(failed.error?.message).toMatch(/could not be read/);
		rig.emulator.clearFaults();
		rig.restart();
		const result = await rig.run({ items, parameters: GENERATE, retryOf: failed.run });
		expect(jsonOfRow(result.items)).toMatchObject({ status: 'completed', taskId: idsOf(rig)[0] });
		expect(rig.emulator.paidTasks()).toBe(1);
	},
);

test("a clock that is set back by two hours doesn't hold the submits of the next minutes", async () => {
	rig = await startMoneyRig({ accountLevel: 'bronze', taskSeconds: 30 });
	rig.emulator.onRequest('result', () => rig.skewMachineClock(-120 * MINUTE_MS));
	const minutes = await minutesOf(rig, async () => {
		const result = await rig.run({ items: await makeRows(6), parameters: GENERATE });
		expect(result.items).toHaveLength(6);
	});
	// Two in a minute.
	expect(minutes).toBeLessThan(5);
});

test('times without a zone are UTC, not the time of the machine', async () => {
	rig = await startMoneyRig({ createdAtFormat: 'noZone', includeInputs: 'ignored' });
	rig.emulator.addFault({ step: 'submit', kind: 'resetAfter' });
	const result = await rig.run({ items: [await makeRow()], parameters: GENERATE, settings: RETRY });
	expect(jsonOfRow(result.items)).toMatchObject({ status: 'completed', taskId: idsOf(rig)[0] });
	expect(rig.emulator.paidTasks()).toBe(1);
});

test.each(ECHOES)(
	'a machine that sleeps for an hour between a submit and its search finds the task, %s',
	async (_, options) => {
		let asleepMs = 0;
		rig = await startMoneyRig({ ...options, clockSkewMs: () => asleepMs });
		rig.emulator.addFault({ step: 'submit', kind: 'resetAfter' });
		// The steady clock stands still meanwhile, those of the service and of the machine don't.
		rig.emulator.onRequest('list', () => {
			asleepMs = 60 * MINUTE_MS;
			rig.skewMachineClock(asleepMs);
		});
		const result = await runOne();
		expect(jsonOfRow(result.items)).toMatchObject({ status: 'completed', taskId: idsOf(rig)[0] });
		expect(rig.emulator.paidTasks()).toBe(1);
	},
);

test.each([
	[30, 3, 'at once'],
	[60, 120, 'after another video'],
	[480, 30, 'at once'],
	[480, 120, 'at once'],
	[480, 15, 'after a restart'],
])(
	'a machine that has slept for %i minutes and loses an answer then: Retry after %i minutes, %s, pays once',
	async (asleepMinutes, laterMinutes, how) => {
		let asleepMs = 0;
		rig = await startMoneyRig({ clockSkewMs: () => asleepMs });
		const parameters = { ...GENERATE, ...(await parametersByUrl(rig)) };
		const run = async (prompt: string, options = {}) =>
			await rig.run({ items: [{ json: { prompt } }], parameters, ...options });
		await run('yesterday');
		asleepMs = asleepMinutes * MINUTE_MS;
		rig.skewMachineClock(asleepMs);
		const wokenAt = rig.clock.now();
		rig.emulator.addFault({ step: 'submit', kind: 'resetAfter' });
		const when = () => rig.clock.now() < wokenAt + MINUTE_MS;
		rig.emulator.addFault({ step: 'list', kind: 'resetBefore', times: Infinity, when });
		const failed = await run('today');
		expect(textOf(failed)).toMatch(/could not be read/);
		await rig.until(rig.clock.sleep(laterMinutes * MINUTE_MS));
		if (how === 'after a restart') {
			rig.restart();
			await rig.run({ parameters: { resource: 'account', operation: 'getBalance' } });
		}
		if (how === 'after another video') await run('another');
		const result = await run('today', { retryOf: failed.run });
		const [task] = tasksOf(rig, 'today');
		expect(jsonOfRow(result.items)).toMatchObject({ status: 'completed', taskId: task?.id });
		expect(tasksOf(rig, 'today')).toHaveLength(1);
	},
);

test('a Retry by another process, whose clock is ahead, waits for the minute all the same', async () => {
	rig = await startMoneyRig({ clockSkewMs: -90_000 });
	rig.emulator.addFault({ step: 'submit', kind: 'resetAfter' });
	hideTasksFor(rig, 40_000);
	const items = [await makeRow()];
	const failed = await rig.run({ items, parameters: GENERATE });
	expect(textOf(failed)).toMatch(/shows no new task/);
	rig.restart();
	const result = await rig.run({ items, parameters: GENERATE, retryOf: failed.run });
	expect(jsonOfRow(result.items)).toMatchObject({ status: 'completed', taskId: idsOf(rig)[0] });
	expect(rig.emulator.paidTasks()).toBe(1);
});
