import type { IDataObject } from 'n8n-workflow';

import { type RunOptions } from '../harness/engine.mts';
import { withOptions, MINUTE, useParkedScene, testParked } from '../harness/parkedScene.mts';
import { GENERATE, jsonOf, makeRows } from '../harness/rig.mts';
import { CHILD, PARENT } from '../harness/waitingRig.mts';

const scene = useParkedScene();
const { open, park, switchCallbacksOff } = scene;

testParked(
	'a parent that is stopped stays so, and its child ends by itself and submits nothing',
	async () => {
		switchCallbacksOff();
		await park();
		scene.waiting.stop(PARENT);
		await scene.waiting.pass(30 * MINUTE);
		expect(scene.waiting.status()).toBe('canceled');
		expect(scene.waiting.status(CHILD)).toBe('success');
		expect(scene.rig.emulator.paidTasks()).toBe(3);
	},
);

testParked('a loop parks again in its next round, with the same rows and new tasks', async () => {
	await park({ twice: true }, 2);
	const result = await scene.waiting.ended();
	const rounds = result.run.data.resultData.runData.Talk ?? [];
	const ids = rounds.map((round) => (round.data?.main?.[0] ?? []).map(({ json }) => json.taskId));
	expect(ids).toEqual([
		scene.rig.emulator
			.tasks()
			.slice(0, 2)
			.map(({ id }) => id),
		scene.rig.emulator
			.tasks()
			.slice(2)
			.map(({ id }) => id),
	]);
	expect(scene.rig.emulator.paidTasks()).toBe(4);
});

test('ends without parking when all tasks have ended by the last submit', async () => {
	await open({ accountLevel: 'bronze', taskSeconds: 1 });
	const result = await scene.waiting.start({
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
	const submitted = await scene.rig.run({
		items: await makeRows(1),
		parameters: { ...GENERATE, resource: 'task', operation: 'submit' },
	});
	await scene.rig.clock.runUntil(scene.rig.clock.sleep(5_000), scene.rig.emulator);
	return String(submitted.items[0]?.json.taskId);
}

testParked("keeps the account's limits until all rows are submitted", async () => {
	await open({ accountLevel: 'bronze', taskSeconds: 100 });
	await park({}, 5);
	expect(scene.rig.emulator.paidTasks()).toBe(5);
	expect(scene.rig.emulator.maxInFlight()).toBe(2);
	const result = await scene.waiting.ended();
	expect(jsonOf(result.items).map(({ status }) => status)).toEqual(Array(5).fill('completed'));
});

test('a retry of a run that failed before it was parked goes on with its tasks', async () => {
	scene.rig.emulator.addFault({
		...{ step: 'submit', kind: 'status', status: 400 },
		body: { code: 400, message: 'odd' },
		when: ({ body }) => (body as { prompt: string }).prompt === 'row 2',
	});
	const failed = await park();
	expect(failed.error).toBeDefined();
	await park({ retryOf: failed.run });
	const result = await scene.waiting.ended();
	expect(jsonOf(result.items).map(({ status }) => status)).toEqual(Array(3).fill('completed'));
	expect(scene.rig.emulator.paidTasks()).toBe(3);
});

testParked(
	'a wait for tasks of others parks the same way, and fails at once for an ID that is wrong',
	async () => {
		const submitted = await scene.rig.run({
			items: await makeRows(2),
			parameters: { ...GENERATE, resource: 'task', operation: 'submit' },
		});
		const items = [...submitted.items, { json: { taskId: 'nobody-knows-it' } }];
		const parked = await scene.waiting.start({
			items,
			parameters: { resource: 'task', operation: 'wait', waitMode: 'parked' },
			settings: { onError: 'continueRegularOutput' },
		});
		expect(parked.run.waitTill).toBeInstanceOf(Date);
		const result = await scene.waiting.ended();
		expect(jsonOf(result.items).map(({ status }) => status)).toEqual([
			'completed',
			'completed',
			undefined,
		]);
		expect(result.items[2]?.json.error).toContain('nobody-knows-it');
		expect(scene.rig.emulator.paidTasks()).toBe(2);
	},
);

testParked.each([
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
	expect(scene.rig.emulator.tasks()[0]?.webhookUrl).toBeUndefined();
	const [run] = result.run.data.resultData.runData.Talk ?? [];
	expect(JSON.stringify(run?.hints)).toMatch(hint);
	expect(result.items[0]?.json.status).toBe('completed');
});

testParked(
	'with a column that can not be stored as JSON it waits while the execution runs, and says so',
	async () => {
		const column: IDataObject = {};
		column.itself = column;
		const result = await scene.waiting.start({
			items: [{ json: { column, taskId: await submitOne() } }],
			parameters: {
				...{ resource: 'task', operation: 'wait', waitMode: 'parked' },
				options: { includeInputFields: true },
			},
		});
		expect(result.run.waitTill).toBeFalsy();
		expect(result.items.map(({ json }) => json.status)).toEqual(['completed']);
		const hints = result.run.data.resultData.runData.Talk?.[0]?.hints;
		expect(JSON.stringify(hints)).toMatch(/could not park this execution.*circular/);
	},
);
