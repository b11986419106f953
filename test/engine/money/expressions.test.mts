import { sampleFile, storeFile } from '../harness/engine.mts';
import { GENERATE, jsonOf, makeRows, type Rig } from '../harness/rig.mts';
import { hideTasksFor, idsOf, RETRY, startMoneyRig, tasksOf } from './support.mts';

/** A row is found again by what the workflow asks for, not by what an expression gives this time. */

let rig: Rig;
beforeEach(async () => {
	rig = await startMoneyRig();
});
afterEach(async () => await rig.close());

const refuseOneCheck = (skip = 0): void =>
	rig.emulator.addFault({
		step: 'result',
		kind: 'status',
		status: 403,
		body: { code: 403, message: 'role' },
		skip,
	});

const CHANGING = [
	['Math.random()', { ...GENERATE, prompt: '={{ $json.prompt + Math.random() }}' }],
	['$now', { ...GENERATE, prompt: '={{ $json.prompt + " " + $now.toMillis() + Math.random() }}' }],
	['a seed that is drawn', { ...GENERATE, seed: '={{ Math.floor(Math.random() * 1e9) }}' }],
] as const;

describe.each(CHANGING)('with %s', (_, parameters) => {
	test('Retry On Fail pays once for each row', async () => {
		refuseOneCheck(1);
		const result = await rig.run({ items: await makeRows(3), parameters, settings: RETRY });
		expect(result.error).toBeUndefined();
		expect(rig.emulator.paidTasks()).toBe(3);
		expect(jsonOf(result.items).map(({ taskId }) => taskId)).toHaveLength(3);
	});

	test('the item says what was really sent, not what the expression gives in the last try', async () => {
		refuseOneCheck();
		const result = await rig.run({ items: await makeRows(1), parameters, settings: RETRY });
		const [task] = rig.emulator.tasks();
		expect(jsonOf(result.items)[0]).toMatchObject({
			prompt: task?.input.prompt,
			seed: task?.input.seed,
		});
	});

	test('Retry of the execution, after a restart of n8n too, pays once for each row', async () => {
		refuseOneCheck(1);
		const items = await makeRows(3);
		const failed = await rig.run({ items, parameters });
		expect(failed.error).toBeDefined();
		rig.restart();
		const result = await rig.run({ items, parameters, retryOf: failed.run });
		expect(result.items).toHaveLength(3);
		expect(rig.emulator.paidTasks()).toBe(3);
	});

	test('a lost answer is found by what was sent', async () => {
		rig.emulator.addFault({ step: 'submit', kind: 'hangAfter' });
		rig.emulator.addFault({ step: 'list', kind: 'status', status: 403 });
		const result = await rig.run({ items: await makeRows(1), parameters, settings: RETRY });
		expect(jsonOf(result.items)[0]).toMatchObject({ status: 'completed', taskId: idsOf(rig)[0] });
		expect(rig.emulator.paidTasks()).toBe(1);
	});

	test('a loop that asks twice gets two videos', async () => {
		const result = await rig.run({ items: await makeRows(2), parameters, twice: true });
		expect(result.error).toBeUndefined();
		expect(rig.emulator.paidTasks()).toBe(4);
	});
});

test('rows that change their order between execution and Retry keep their tasks or pay for what is new, never swap', async () => {
	refuseOneCheck(1);
	const items = await makeRows(2);
	const failed = await rig.run({ items, parameters: GENERATE });
	// Retry keeps the stored input of the node, so a row is where it was.
	const result = await rig.run({ items: [], parameters: GENERATE, retryOf: failed.run });
	for (const { prompt, taskId } of jsonOf(result.items)) {
		expect(tasksOf(rig, String(prompt)).map(({ id }) => id)).toEqual([taskId]);
	}
	expect(result.items).toHaveLength(2);
});

test('a changed expression asks for a new video, and the old task stays named', async () => {
	refuseOneCheck();
	const items = await makeRows(1);
	const failed = await rig.run({ items, parameters: GENERATE });
	const parameters = { ...GENERATE, prompt: '={{ $json.prompt + "!" }}' };
	const result = await rig.run({ items, parameters, retryOf: failed.run });
	expect(jsonOf(result.items)[0]).toMatchObject({ prompt: 'row 0!', taskId: idsOf(rig)[1] });
	expect(JSON.stringify(result.context)).toContain(idsOf(rig)[0]);
});

test.each(CHANGING)(
	'with %s, a field that is written otherwise and gives the same changes nothing',
	async (_, parameters) => {
		refuseOneCheck();
		const failed = await rig.run({ items: await makeRows(1), parameters });
		const named = { ...parameters, imageBinaryPropertyName: 'image' };
		const result = await rig.run({ parameters: named, retryOf: failed.run });
		expect(jsonOf(result.items)[0]).toMatchObject({ status: 'completed', taskId: idsOf(rig)[0] });
		expect(rig.emulator.paidTasks()).toBe(1);
	},
);

describe('an expression that is repaired between two tries', () => {
	/** The third row's prompt is refused for good; all other tasks are made. */
	const refuseThird = (): void => {
		rig.emulator.onRequest('result', () => {
			const bad = rig.emulator.tasks().find(({ input }) => input.prompt === 'bad words');
			if (bad && bad.status !== 'failed')
				rig.emulator.failTask(bad.id, { code: 1200, error: 'moderation' });
		});
	};

	test('pays for the row that it changes, and for no other', async () => {
		refuseThird();
		const items = await makeRows(5);
		items[2]!.json = { prompt: 'bad words', safe: 'row 2' };
		const failed = await rig.run({ items, parameters: GENERATE });
		expect(rig.emulator.paidTasks()).toBe(5);
		const parameters = { ...GENERATE, prompt: '={{ $json.safe || $json.prompt }}' };
		const result = await rig.run({ items, parameters, retryOf: failed.run });
		expect(jsonOf(result.items).map(({ prompt }) => prompt)).toEqual(
			[0, 1, 2, 3, 4].map((row) => `row ${row}`),
		);
		expect(rig.emulator.paidTasks()).toBe(6);
	});

	test.each([
		['the same field by another way', { prompt: '={{ $json["prompt"] }}' }],
		['the same text as a text', { prompt: 'row 0' }],
		['the same resolution in another spelling', { resolution: '480P' }],
	])('pays nothing where it asks for the same in other words: %s', async (_, changed) => {
		refuseOneCheck();
		const items = await makeRows(1);
		const failed = await rig.run({ items, parameters: GENERATE });
		const parameters = { ...GENERATE, ...changed };
		const result = await rig.run({ items, parameters, retryOf: failed.run });
		expect(jsonOf(result.items)[0]).toMatchObject({ status: 'completed', taskId: idsOf(rig)[0] });
		expect(rig.emulator.paidTasks()).toBe(1);
	});

	test.each([
		['another text', { prompt: '={{ $json.prompt + "!" }}' }],
		['another resolution', { resolution: '720p' }],
		['a seed of the user', { seed: 7 }],
		['another picture', { imageBinaryPropertyName: 'other' }],
	])('asks for a new video where it asks for something else: %s', async (_, changed) => {
		refuseOneCheck();
		const [row] = await makeRows(1);
		const bytes = Buffer.concat([sampleFile('portrait.png'), Buffer.from('another')]);
		const other = await storeFile(bytes, 'other.png', 'image/png');
		const items = [{ ...row!, binary: { ...row!.binary, other } }];
		const before = { ...GENERATE, imageBinaryPropertyName: 'image' };
		const failed = await rig.run({ items, parameters: before });
		const parameters = { ...before, ...changed };
		const result = await rig.run({ items, parameters, retryOf: failed.run });
		expect(jsonOf(result.items)[0]).toMatchObject({ status: 'completed', taskId: idsOf(rig)[1] });
		expect(rig.emulator.paidTasks()).toBe(2);
	});
});

test('a lost submit whose row asks for something else by the next try: its task is named', async () => {
	rig.emulator.addFault({ step: 'submit', kind: 'resetAfter' });
	hideTasksFor(rig, 30_000);
	const failed = await rig.run({ items: await makeRows(1), parameters: GENERATE });
	expect(failed.error).toBeDefined();
	await rig.until(rig.clock.sleep(300_000));
	const parameters = { ...GENERATE, prompt: '={{ $json.prompt + "!" }}' };
	const result = await rig.run({ parameters, retryOf: failed.run });
	const [lost, made] = idsOf(rig);
	expect(jsonOf(result.items)[0]).toMatchObject({ prompt: 'row 0!', taskId: made });
	expect(result.logs.join()).toMatch(new RegExp(`task ${lost} is of an earlier try`));
	expect(JSON.stringify(result.run.data)).toMatch(new RegExp(`task ${lost} is of an earlier try`));
});
