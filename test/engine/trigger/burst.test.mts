import { setImmediate } from 'node:timers/promises';

import type { EmulatorTask, RecordedRequest } from '../../emulator/types.mts';
import { jsonOf, makeRows } from '../harness/rig.mts';
import { useTriggerScene } from '../harness/triggerScene.mts';

const scene = useTriggerScene();
const { steps, deliver, nowSeconds } = scene;

describe('a burst of 200 callbacks', () => {
	const submitMany = async (): Promise<EmulatorTask[]> => {
		const submitted = await scene.rig.run({
			items: await makeRows(200),
			parameters: { resource: 'task', operation: 'submit' },
		});
		expect(submitted.error).toBeUndefined();
		for (const { id } of scene.rig.emulator.tasks()) scene.rig.emulator.finishTask(id);
		return scene.rig.emulator.tasks();
	};

	test('starts the workflow once for each, though all are sent three times', async () => {
		await scene.trigger.activate();
		const tasks = await submitMany();
		const send = async (round: number) =>
			await Promise.all(
				tasks.map(
					async ({ id }) => await deliver(id, { id: `msg_${id}`, timestamp: nowSeconds() + round }),
				),
			);
		const statuses = await Promise.all([send(0), send(1), send(2)]);
		expect(new Set(statuses.flat())).toEqual(new Set([200]));
		const ids = jsonOf(scene.trigger.started).map((json) => json.taskId);
		expect(ids).toHaveLength(200);
		expect(new Set(ids)).toEqual(new Set(tasks.map(({ id }) => id)));
		expect(steps('secret')).toHaveLength(1);
		expect(steps('result')).toHaveLength(200);
		expect(scene.trigger.thrown).toEqual([]);
		// The last one stores what the others know too, however n8n's copies overwrite each other.
		expect(await deliver(tasks[0]!.id, { id: `msg_${tasks[0]!.id}` })).toBe(200);
		await scene.trigger.idle();
		const { wan22Deliveries } = JSON.parse(scene.trigger.stored())['node:Trigger'];
		// The ID of each, and the end that it told.
		expect(Object.keys(wan22Deliveries)).toHaveLength(400);
	}, 180_000);

	test('is looked at a few at a time, within the requests of the account', async () => {
		await scene.trigger.activate();
		const tasks = await submitMany();
		let underWay = 0;
		let most = 0;
		const stop = scene.rig.emulator.onRequest('result', async () => {
			underWay += 1;
			most = Math.max(most, underWay);
			for (let round = 0; round < 50; round += 1) await setImmediate();
			underWay -= 1;
		});
		await Promise.all(tasks.map(async ({ id }) => await deliver(id, { id: `msg_${id}` })));
		stop();
		expect(scene.trigger.started).toHaveLength(200);
		expect(most).toBeGreaterThan(1);
		expect(most).toBeLessThanOrEqual(32);
	}, 60_000);

	test('loses none when the API is down for a part of them and the service sends again', async () => {
		const tasks = await submitMany();
		await scene.trigger.activate();
		scene.rig.emulator.addFault({ step: 'result', kind: 'status', times: 250 });
		const send = async () =>
			await scene.rig.clock.runUntil(
				Promise.all(tasks.map(async ({ id }) => await deliver(id, { id: `msg_${id}` }))),
				scene.rig.emulator,
			);
		for (let round = 0; round < 4; round += 1) await send();
		const ids = jsonOf(scene.trigger.started).map((json) => json.taskId);
		expect(ids).toHaveLength(200);
		expect(new Set(ids).size).toBe(200);
	}, 180_000);
});

test('callbacks of an account whose API hangs keep those of another one from nothing', async () => {
	const { rig } = scene;
	await scene.trigger.activate();
	// The same service by another name is another account for the node.
	const baseUrl = rig.emulator.url.replace('127.0.0.1', 'localhost');
	const other = await scene.openTrigger({ credential: { ...rig.credential, baseUrl } });
	await other.activate();
	const { error } = await rig.run({
		items: await makeRows(25),
		parameters: { resource: 'task', operation: 'submit' },
	});
	expect(error).toBeUndefined();
	const ids = rig.emulator.tasks().map(({ id }) => id);
	for (const id of ids) rig.emulator.finishTask(id);
	const isHanging = ({ headers }: RecordedRequest): boolean => !headers.host?.includes('localhost');
	rig.emulator.addFault({ step: 'result', kind: 'hang', times: Infinity, when: isHanging });
	const [own, ...others] = ids;
	const hanging = others.map(async (id) => await deliver(id));
	while (steps('result').filter(isHanging).length < 8) await setImmediate();
	const healthy = deliver(String(own), { url: other.url });
	expect(await rig.clock.runUntil(healthy, rig.emulator)).toBe(200);
	const statuses = await rig.clock.runUntil(Promise.all(hanging), rig.emulator);
	expect(new Set(statuses)).toEqual(new Set([503]));
	expect(other.started).toHaveLength(1);
});
