import { request } from 'node:http';

import { core } from '../harness/engine.mts';
import { useTriggerScene } from '../harness/triggerScene.mts';

const scene = useTriggerScene();
const { openTrigger, steps, submitFinished, deliver, passTime } = scene;

describe('a repeated callback', () => {
	test('gets 200 and starts nothing, also with a fresh signature', async () => {
		const id = await submitFinished();
		expect(await deliver(id, { id: 'msg_1' })).toBe(200);
		expect(await deliver(id, { id: 'msg_1' })).toBe(200);
		await passTime(120);
		expect(await deliver(id, { id: 'msg_1' })).toBe(200);
		expect(scene.trigger.started).toHaveLength(1);
		expect(steps('result')).toHaveLength(1);
	});

	test('with another ID starts nothing: a task ends once', async () => {
		const id = await submitFinished();
		expect(await deliver(id, { id: 'msg_1' })).toBe(200);
		expect(await deliver(id, { id: 'msg_2' })).toBe(200);
		expect(scene.trigger.started).toHaveLength(1);
		expect(await deliver(await submitFinished(), { id: 'msg_3' })).toBe(200);
		expect(scene.trigger.started).toHaveLength(2);
	});

	test('with another ID that comes together with the first starts nothing', async () => {
		await scene.trigger.activate();
		const id = await submitFinished();
		const statuses = await Promise.all(
			['msg_1', 'msg_2', 'msg_3'].map(async (name) => await deliver(id, { id: name })),
		);
		expect(statuses).toEqual([200, 200, 200]);
		expect(scene.trigger.started).toHaveLength(1);
	});

	test('is known after a restart of n8n', async () => {
		const id = await submitFinished();
		const other = await submitFinished();
		await deliver(id, { id: 'msg_1' });
		await deliver(other, { id: 'msg_3' });
		await deliver(other, { id: 'msg_3' });
		await scene.trigger.idle();
		scene.trigger = await openTrigger({ stored: scene.trigger.stored() });
		expect(await deliver(other, { id: 'msg_3' })).toBe(200);
		expect(await deliver(id, { id: 'msg_1' })).toBe(200);
		expect(await deliver(id, { id: 'msg_2' })).toBe(200);
		expect(scene.trigger.started).toEqual([]);
		expect(await deliver(await submitFinished(), { id: 'msg_4' })).toBe(200);
		expect(scene.trigger.started).toHaveLength(1);
	});

	test('is forgotten after a day', async () => {
		const id = await submitFinished();
		await deliver(id, { id: 'msg_1' });
		await passTime(24 * 60 * 60 + 1);
		await deliver(id, { id: 'msg_1' });
		expect(scene.trigger.started).toHaveLength(2);
	});

	test('comes together with the first: one starts the workflow, and both get the same answer', async () => {
		const id = await submitFinished();
		const both = async () =>
			await scene.rig.clock.runUntil(
				Promise.all([deliver(id, { id: 'msg_1' }), deliver(id, { id: 'msg_1' })]),
				scene.rig.emulator,
			);
		await scene.trigger.activate();
		scene.rig.emulator.addFault({ step: 'result', kind: 'status', times: Infinity });
		expect(await both()).toEqual([503, 503]);
		scene.rig.emulator.clearFaults();
		expect(await both()).toEqual([200, 200]);
		expect(scene.trigger.started).toHaveLength(1);
	});

	test('starts the workflow if n8n could not start it at first', async () => {
		const id = await submitFinished();
		scene.trigger.failStarts(1);
		expect(await deliver(id, { id: 'msg_1' })).toBe(500);
		expect(scene.trigger.started).toEqual([]);
		expect(await deliver(id, { id: 'msg_2' })).toBe(200);
		expect(scene.trigger.started).toHaveLength(1);
	});

	test('of a test run takes nothing from production', async () => {
		const id = await submitFinished();
		const test = await openTrigger({ mode: 'manual' });
		await deliver(id, { id: 'msg_1', url: test.url });
		expect(await deliver(id, { id: 'msg_1' })).toBe(200);
		expect(scene.trigger.started).toHaveLength(1);
	});

	test('starts the workflow if n8n could not start it, and the service had hung up before', async () => {
		scene.trigger = await openTrigger({ parameters: { options: { downloadVideo: true } } });
		const id = await scene.submitTask();
		expect(await deliver(id, { id: 'msg_1' })).toBe(503);
		scene.rig.emulator.finishTask(id);
		// The same bytes again, from a client that doesn't wait until the video is stored.
		const { body, ...headers } = scene.trigger.received.at(-1)!;
		const sent = request(scene.trigger.url, { method: 'POST', headers });
		const hungUp = new Promise<void>((resolve) => sent.once('close', () => resolve()));
		sent.on('error', () => {});
		const service = core.BinaryDataService.prototype;
		const { store } = service;
		jest.spyOn(service, 'store').mockImplementation(async function (this: never, ...given) {
			sent.destroy();
			await scene.rig.clock.sleep(20_000);
			return await store.apply(this, given);
		});
		scene.trigger.failStarts(1);
		sent.end(body);
		await scene.rig.clock.runUntil(hungUp, scene.rig.emulator);
		await passTime(30);
		await scene.trigger.idle();
		await passTime(30);
		expect(scene.trigger.started).toEqual([]);
		expect(await scene.deliverInTime(id, { id: 'msg_1' })).toBe(200);
		expect(scene.trigger.started).toHaveLength(1);
	});
});
