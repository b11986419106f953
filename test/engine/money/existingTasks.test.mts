import { GENERATE, jsonOf, makeRow, makeRows, type Rig } from '../harness/rig.mts';
import { GOES_ON, jsonOfRow, minutesOf, startMoneyRig, textOf } from './support.mts';

/** Rows that bring their task along, as those of a sheet that is started again. */

const existing = (timeoutMinutes: number) => ({
	...GENERATE,
	options: { existingTaskId: '={{ $json.task_id }}', timeoutMinutes },
});

let rig: Rig;
afterEach(async () => await rig.close());

test('all end at their time limit in an outage, and not one after the other', async () => {
	rig = await startMoneyRig({ accountLevel: 'bronze' });
	rig.emulator.addFault({ step: 'result', kind: 'status', status: 503, times: Infinity });
	const items = Array.from({ length: 30 }, (_, row) => ({
		json: { task_id: row.toString(16).padStart(32, 'a') },
	}));
	const minutes = await minutesOf(rig, async () => {
		await rig.run({ items, parameters: existing(15), settings: GOES_ON });
	});
	expect(minutes).toBeLessThan(17);
});

test('keep no new row behind them from being submitted, since they hold no place', async () => {
	const isOld = (prompt: unknown): boolean => String(prompt).startsWith('old');
	rig = await startMoneyRig({ taskSeconds: ({ prompt }) => (isOld(prompt) ? 3_000 : 30) });
	const old = Array.from({ length: 10 }, (_, row) => ({ prompt: `old ${row}` }));
	const submitted = await rig.run({
		items: await Promise.all(old.map(makeRow)),
		parameters: { ...GENERATE, resource: 'task', operation: 'submit' },
	});
	const taken = jsonOf(submitted.items).map(({ taskId }) => ({ json: { task_id: taskId } }));
	const startedAt = rig.clock.now();
	const result = await rig.run({
		credential: { ...rig.credential, accountLevel: 'bronze' },
		items: [...taken, ...(await makeRows(2))],
		parameters: existing(60),
	});
	expect(jsonOf(result.items)).toHaveLength(12);
	for (const { input, createdAt } of rig.emulator.tasks()) {
		if (!isOld(input.prompt)) expect(createdAt - startedAt).toBeLessThan(5 * 60_000);
	}
});

test('are named in an error about something else, which does not say that nothing was paid', async () => {
	rig = await startMoneyRig();
	const taskId = 'a'.repeat(32);
	const parameters = {
		...existing(60),
		options: { ...existing(60).options, pollIntervalSeconds: 0 },
	};
	const result = await rig.run({ items: [{ json: { task_id: taskId } }], parameters });
	expect(textOf(result)).toContain(taskId);
	expect(textOf(result)).not.toMatch(/Nothing was paid\./);
});

test.each(['get', 'wait'])(
	'that another node names (%s) are not taken for a lost submit',
	async (operation) => {
		rig = await startMoneyRig({ includeInputs: 'ignored' });
		const theirs = await rig.run({
			items: [await makeRow({ prompt: 'theirs' })],
			parameters: { ...GENERATE, resource: 'task', operation: 'submit' },
		});
		// As a task of another worker's, which this process knows nothing of.
		rig.restart();
		const taskId = String(jsonOf(theirs.items)[0]?.taskId);
		const named = rig.start({ parameters: { resource: 'task', operation, taskId } });
		if (operation === 'get') await rig.until(named);
		rig.emulator.addFault({ step: 'submit', kind: 'resetBefore' });
		const mine = rig.start({ items: [await makeRow({ prompt: 'mine' })], parameters: GENERATE });
		const [result] = await rig.until(Promise.all([mine, named]));
		expect(jsonOf(result.items)).toEqual([]);
	},
);

test.each([
	['wait', 'waitMode'],
	['wait', 'simplify'],
	['get', 'simplify'],
])('%s with a broken expression in %s names the task as well', async (operation, field) => {
	rig = await startMoneyRig();
	const taskId = 'c'.repeat(32);
	const broken = '={{ $("Nobody").item.json.x }}';
	const parameters = { resource: 'task', operation, taskId, [field]: broken };
	const { items } = await rig.run({ items: [{ json: {} }], parameters, settings: GOES_ON });
	expect(jsonOfRow(items)).toMatchObject({
		error: expect.stringMatching(/failed: .*This attempt paid nothing\./),
		details: { parameter: field, taskId },
	});
});

test.each([
	['simplify', /"simplify" failed: .*This attempt paid nothing\./],
	['waitMode', /"waitMode" failed: .*This attempt paid nothing\./],
	// None of the options can be read then, so that the ID is not known either.
	['options', /"options" failed: .*This attempt paid nothing\./],
])(
	'a broken expression in %s says nothing untrue about money, and names the task of the row',
	async (field, said) => {
		rig = await startMoneyRig();
		const broken = '={{ $("Nobody").item.json.x }}';
		const options = {
			existingTaskId: 'b'.repeat(32),
			...(field === 'options' ? { timeoutMinutes: broken } : {}),
		};
		const parameters = {
			...GENERATE,
			...(field === 'options' ? {} : { [field]: broken }),
			options,
		};
		const { items } = await rig.run({ items: [{ json: {} }], parameters, settings: GOES_ON });
		expect(jsonOfRow(items)).toMatchObject({
			error: expect.stringMatching(said),
			details: {
				parameter: field,
				...(field === 'options' ? {} : { taskId: options.existingTaskId }),
			},
		});
	},
);
