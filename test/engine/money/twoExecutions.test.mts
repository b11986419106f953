import type { EmulatorOptions } from '../../emulator/types.mts';
import type { RunResult } from '../harness/engine.mts';
import { GENERATE, makeRow, makeRows, type Rig } from '../harness/rig.mts';
import {
	idsOf,
	isOf,
	jsonOfRow,
	RETRY,
	startMoneyRig,
	submitsOf,
	tasksOf,
	textOf,
} from './support.mts';

/** Two executions of one n8n process on one account: none of them ever hands out the other one's video. */

let rig: Rig;
afterEach(async () => await rig.close());

const WITHOUT_ECHO: EmulatorOptions = { includeInputs: 'ignored' };
const ECHOES: [string, EmulatorOptions][] = [
	['with an echo', {}],
	['without an echo', WITHOUT_ECHO],
];

/** One execution with one row, which asks for a video with this prompt. */
const start = async (prompt: string, settings = {}): Promise<RunResult> =>
	await rig.start({ items: [await makeRow({ prompt })], parameters: GENERATE, settings });

const videoOf = ({ items }: RunResult) => jsonOfRow(items);

test.each(ECHOES)(
	"a submit that never arrived doesn't take the task that another execution had a moment before (%s)",
	async (_, options) => {
		rig = await startMoneyRig(options);
		rig.emulator.addFault({ step: 'submit', kind: 'resetBefore', when: isOf('B') });
		const a = start('A');
		const b = (async () => {
			while (rig.emulator.paidTasks() === 0) await rig.clock.sleep(100);
			return await start('B');
		})();
		const [ofA, ofB] = await rig.until(Promise.all([a, b]));
		expect(videoOf(ofA)).toMatchObject({ status: 'completed', prompt: 'A' });
		expect(ofB.items).toEqual([]);
		expect(textOf(ofB)).toMatch(/shows no new task/);
		expect(textOf(ofB)).not.toContain(idsOf(rig)[0]);
		expect(rig.emulator.paidTasks()).toBe(1);
	},
);

test.each(ECHOES)(
	'its Retry On Fail then pays for one video of its own (%s)',
	async (_, options) => {
		rig = await startMoneyRig(options);
		rig.emulator.addFault({ step: 'submit', kind: 'resetBefore', when: isOf('B') });
		const [ofA, ofB] = await rig.until(Promise.all([start('A'), start('B', RETRY)]));
		expect(videoOf(ofA)).toMatchObject({ taskId: tasksOf(rig, 'A')[0]?.id });
		expect(videoOf(ofB)).toMatchObject({ status: 'completed', taskId: tasksOf(rig, 'B')[0]?.id });
		expect(rig.emulator.paidTasks()).toBe(2);
	},
);

test('of two lost submits, one of which was accepted, each execution gets what is its own', async () => {
	rig = await startMoneyRig();
	rig.emulator.addFault({ step: 'submit', kind: 'resetAfter', when: isOf('A') });
	rig.emulator.addFault({ step: 'submit', kind: 'resetBefore', when: isOf('B') });
	const [ofA, ofB] = await rig.until(Promise.all([start('A'), start('B')]));
	expect(videoOf(ofA)).toMatchObject({ status: 'completed', taskId: tasksOf(rig, 'A')[0]?.id });
	expect(ofB.items).toEqual([]);
	expect(textOf(ofB)).toMatch(/shows no new task/);
});

test('without an echo both name the one task that may be theirs, and neither sends anything again', async () => {
	rig = await startMoneyRig(WITHOUT_ECHO);
	rig.emulator.addFault({ step: 'submit', kind: 'resetAfter', when: isOf('A') });
	rig.emulator.addFault({ step: 'submit', kind: 'resetBefore', when: isOf('B') });
	const results = await rig.until(Promise.all([start('A', RETRY), start('B', RETRY)]));
	for (const result of results) {
		expect(result.items).toEqual([]);
		expect(textOf(result)).toContain(idsOf(rig)[0]);
		expect(textOf(result)).not.toMatch(/[Nn]othing was paid/);
	}
	expect(submitsOf(rig)).toHaveLength(2);
});

test.each(ECHOES)(
	'two that ask for exactly the same pay for two videos, and get one each (%s)',
	async (_, options) => {
		rig = await startMoneyRig(options);
		const same = async () =>
			await rig.start({
				items: [await makeRow({ prompt: 'same' })],
				parameters: { ...GENERATE, seed: 7 },
			});
		const results = await rig.until(Promise.all([same(), same()]));
		expect(new Set(results.map((result) => videoOf(result).taskId))).toEqual(new Set(idsOf(rig)));
		expect(rig.emulator.paidTasks()).toBe(2);
	},
);

test('a batch and a single row side by side, each with lost answers, get their own videos', async () => {
	rig = await startMoneyRig();
	rig.emulator.addFault({ step: 'submit', kind: 'resetAfter', when: isOf('single') });
	rig.emulator.addFault({ step: 'submit', kind: 'hangAfter', when: isOf('row 3') });
	rig.emulator.addFault({ step: 'submit', kind: 'resetBefore', when: isOf('row 5') });
	const batch = rig.start({
		items: await makeRows(8),
		parameters: GENERATE,
		settings: { ...RETRY, onError: 'continueRegularOutput' },
	});
	const [ofBatch, ofSingle] = await rig.until(Promise.all([batch, start('single')]));
	expect(videoOf(ofSingle)).toMatchObject({ taskId: tasksOf(rig, 'single')[0]?.id });
	ofBatch.items.forEach(({ json }, row) => {
		if (row === 5) expect(json.error).toMatch(/shows no new task/);
		else expect(json).toMatchObject({ taskId: tasksOf(rig, `row ${row}`)[0]?.id });
	});
	expect(rig.emulator.paidTasks()).toBe(8);
});

test('a task whose answer is still on its way to one execution is not taken by another', async () => {
	rig = await startMoneyRig(WITHOUT_ECHO);
	rig.emulator.addFault({ step: 'submit', kind: 'resetBefore', when: isOf('A') });
	rig.emulator.addFault({ step: 'submit', kind: 'slowBody', seconds: 30, when: isOf('B') });
	const [ofA, ofB] = await rig.until(Promise.all([start('A'), start('B')]));
	expect(videoOf(ofB)).toMatchObject({ status: 'completed', taskId: tasksOf(rig, 'B')[0]?.id });
	expect(ofA.items).toEqual([]);
	expect(textOf(ofA)).toMatch(/shows no new task/);
});

test('four that ask for exactly the same, all of whose answers are lost, get four videos', async () => {
	rig = await startMoneyRig();
	rig.emulator.addFault({ step: 'submit', kind: 'resetAfter', times: 4 });
	const row = await makeRow({ prompt: 'x' });
	const same = async () => await rig.start({ items: [row], parameters: { ...GENERATE, seed: 42 } });
	const results = await rig.until(Promise.all([same(), same(), same(), same()]));
	expect(new Set(results.map((result) => videoOf(result).taskId))).toEqual(new Set(idsOf(rig)));
	expect(rig.emulator.paidTasks()).toBe(4);
});
