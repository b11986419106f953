import { makeRows } from '../harness/rig.mts';
import { useTriggerScene } from '../harness/triggerScene.mts';

const scene = useTriggerScene();
const { steps, submitFinished, deliver, deliverInTime, passTime } = scene;

describe('a new secret', () => {
	test("is fetched when a signature doesn't fit", async () => {
		await scene.trigger.activate();
		const id = await submitFinished();
		const old = scene.rig.emulator.webhookSecret;
		scene.rig.emulator.rotateWebhookSecret();
		expect(await deliver(id, { id: 'msg_1' })).toBe(200);
		expect(steps('secret')).toHaveLength(2);
		expect(await deliver(id, { id: 'msg_2', secret: old })).toBe(401);
		expect(scene.trigger.started).toHaveLength(1);
	});

	test('is fetched once for callbacks that come together, and none of them is lost', async () => {
		await scene.trigger.activate();
		await scene.rig.run({
			items: await makeRows(50),
			parameters: { resource: 'task', operation: 'submit' },
		});
		const ids = scene.rig.emulator.tasks().map(({ id }) => id);
		for (const id of ids) scene.rig.emulator.finishTask(id);
		scene.rig.emulator.rotateWebhookSecret();
		const send = async () =>
			await Promise.all(ids.map(async (id) => await deliver(id, { id: `msg_${id}` })));
		// Few may wait for the new secret; the others are asked to come again.
		expect([...new Set(await send())].filter((status) => status !== 503)).toEqual([200]);
		expect(new Set(await send())).toEqual(new Set([200]));
		expect(steps('secret')).toHaveLength(2);
		expect(scene.trigger.started).toHaveLength(50);
	});

	test('puts an end to the old one within ten minutes, also if nothing is signed with the new one', async () => {
		await scene.trigger.activate();
		const id = await submitFinished();
		const stolen = scene.rig.emulator.webhookSecret;
		scene.rig.emulator.rotateWebhookSecret();
		await passTime(600);
		expect(await deliver(id, { secret: stolen })).toBe(401);
	});

	test('is asked for again within seconds when the API fails once, and callbacks go on', async () => {
		await scene.trigger.activate();
		const id = await submitFinished();
		await passTime(11 * 60);
		scene.rig.emulator.addFault({ step: 'secret', kind: 'status', status: 502, times: 1 });
		expect(await deliverInTime(id, { id: 'msg_1' })).toBe(503);
		await passTime(5);
		expect(await deliver(id, { id: 'msg_1' })).toBe(200);
		expect(steps('secret')).toHaveLength(3);
	});

	test('that can not be fetched: the callback is asked for again', async () => {
		await scene.trigger.activate();
		const id = await submitFinished();
		scene.rig.emulator.rotateWebhookSecret();
		scene.rig.emulator.addFault({ step: 'secret', kind: 'status', times: Infinity });
		expect(await deliverInTime(id, { id: 'msg_1' })).toBe(503);
		scene.rig.emulator.clearFaults();
		await passTime(60);
		expect(await deliver(id, { id: 'msg_1' })).toBe(200);
	});
});
