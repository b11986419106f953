import { setTimeout } from 'node:timers/promises';

import type { INodeType } from 'n8n-workflow';

import {
	MINUTE,
	PARKED,
	processStart,
	testParked,
	useParkedScene,
} from '../harness/parkedScene.mts';
import { NODE_TYPE, types } from '../harness/engine.mts';
import { jsonOf } from '../harness/rig.mts';
import { CHILD, PARENT } from '../harness/waitingRig.mts';

const node = types[NODE_TYPE] as INodeType & { webhook: NonNullable<INodeType['webhook']> };
const { webhook } = node;
afterEach(() => void (node.webhook = webhook));

const scene = useParkedScene();
const { open, park, taskOf, polls, lastEnd } = scene;

/** As the parent does: the answer's status. */
async function callChild(taskIds: string[], written = (url: string) => url): Promise<number> {
	const { contextData } = (
		JSON.parse(scene.waiting.stored()) as {
			executionData: { contextData: Record<string, { wan22Child: string }> };
		}
	).executionData;
	const child = contextData['node:Talk']?.wan22Child ?? '';
	const { url } = JSON.parse(child) as { url: string };
	const { status } = await fetch(written(url), {
		method: 'POST',
		headers: { 'content-type': 'application/json' },
		body: JSON.stringify({ taskIds }),
	});
	return status;
}

testParked('goes on within seconds of the last end where the callbacks arrive', async () => {
	await park();
	const result = await scene.waiting.ended();
	expect(jsonOf(result.items).map(({ status }) => status)).toEqual(Array(3).fill('completed'));
	expect(scene.rig.clock.now() - lastEnd()).toBeLessThanOrEqual(5_000);
	expect(scene.waiting.answers.filter(({ execution }) => execution === PARENT)).toContainEqual({
		...{ execution: PARENT, status: 200 },
	});
});

testParked('looks a few times only where the tasks end one after another', async () => {
	const taskSeconds = ({ prompt = '' }: { prompt?: string }) => 65 + Number(prompt.split(' ')[1]);
	await open({ taskSeconds });
	await park({}, 20);
	const runsOf = () => (scene.waiting.stored(CHILD).match(/"startTime"/g) ?? []).length;
	const before = runsOf();
	const result = await scene.waiting.ended();
	expect(jsonOf(result.items).map(({ status }) => status)).toEqual(Array(20).fill('completed'));
	expect(scene.rig.clock.now() - lastEnd()).toBeLessThanOrEqual(5_000);
	// Three steps for each time that the child goes on; each of the 20 callbacks alone would be 60.
	expect(runsOf() - before).toBeLessThanOrEqual(21);
});

describe('callbacks', () => {
	testParked.each([
		['forged', { signature: `v3,${'0'.repeat(64)}` }, 401],
		['unsigned', { signature: null }, 401],
		['truncated', { signature: 'v3,abc' }, 401],
		['old', { timestamp: 1 }, 401],
		['signed with another secret', { secret: 'whsec_other' }, 401],
	])('that are %s are refused and wake nobody', async (_name, overrides, status) => {
		await park({}, 1);
		const before = polls().length;
		const answers = await scene.rig.emulator.deliverWebhook(taskOf(0).id, overrides);
		expect(answers.map((answer) => answer.status)).toEqual([status]);
		await scene.waiting.pass(2_000);
		expect(polls()).toHaveLength(before);
	});

	testParked(
		'that come together, late, twice and too early change nothing but the lag',
		async () => {
			await park({}, 9);
			const ids = scene.rig.emulator.tasks().map(({ id }) => id);
			const send = async () =>
				await Promise.all(
					[...ids, ...ids].map(async (id) => await scene.rig.emulator.deliverWebhook(id)),
				);
			const early = await scene.rig.clock.runUntil(send(), scene.rig.emulator);
			expect(early.flat().every(({ status }) => status === 200)).toBe(true);
			await scene.waiting.pass(MINUTE);
			expect(scene.waiting.status()).toBe('waiting');
			for (const id of ids) scene.rig.emulator.finishTask(id);
			await scene.rig.clock.runUntil(send(), scene.rig.emulator);
			const result = await scene.waiting.ended();
			expect(jsonOf(result.items).map(({ taskId }) => taskId)).toEqual(ids);
			const late = await scene.rig.emulator.deliverWebhook(ids[0]!);
			expect(late.at(0)?.status).toBe(409);
		},
	);

	testParked(
		'that come together are all let in, also where the secret has to be asked for anew',
		async () => {
			await open({ taskSeconds: 3_600 });
			await park({}, 20);
			const { emulator } = scene.rig;
			await emulator.deliverWebhook(taskOf(0).id);
			const earlier = emulator.webhookDeliveries().length;
			await scene.waiting.pass(11 * MINUTE);
			// Answered when all callbacks have come.
			let haveCome: () => void = () => {};
			const allHaveCome = new Promise<void>((resolve) => (haveCome = resolve));
			emulator.onRequest('secret', async () => await allHaveCome);
			let count = 0;
			node.webhook = async function () {
				count += 1;
				if (count === 20) haveCome();
				return await webhook.call(this);
			};
			for (const { id } of emulator.tasks()) emulator.finishTask(id);
			await emulator.idle();
			await scene.waiting.ended();
			const statuses = emulator.webhookDeliveries().map(({ status }) => status);
			expect(statuses.slice(earlier)).toEqual(Array(20).fill(200));
		},
	);

	testParked('are heard where the child was being woken by another one just then', async () => {
		await open({ taskSeconds: 3_600 });
		await park({}, 2);
		scene.switchCallbacksOff();
		await scene.waiting.pass(10 * MINUTE);
		const before = polls().length;
		while (polls().length === before) await scene.waiting.pass(100);
		await scene.waiting.pass(2_000);
		const ids = [taskOf(0).id, taskOf(1).id];
		for (const id of ids) scene.rig.emulator.finishTask(id);
		// n8n takes some milliseconds until its database says that the execution runs.
		node.webhook = async function () {
			const outcome = await webhook.call(this);
			await setTimeout(40);
			return outcome;
		};
		const statuses = await Promise.all(ids.map(async (id) => await callChild([id])));
		node.webhook = webhook;
		expect([...statuses].sort()).toEqual([200, 500]);
		await scene.waiting.pass(500);
		const refused = ids[statuses.indexOf(500)] ?? '';
		expect(await callChild([refused])).toBe(200);
		await scene.waiting.ended();
		expect(scene.rig.clock.now() - lastEnd()).toBeLessThanOrEqual(5_000);
	});

	testParked(
		'say nothing about the result: a body that tells of an end is not believed',
		async () => {
			await park({}, 1);
			const { id } = taskOf(0);
			const body = { id, status: 'completed', outputs: ['https://evil.example/x.mp4'] };
			await scene.rig.emulator.deliverWebhook(id, { body });
			await scene.waiting.pass(MINUTE);
			expect(scene.waiting.status()).toBe('waiting');
			const result = await scene.waiting.ended();
			expect(JSON.stringify(result.items)).not.toContain('evil');
		},
	);

	testParked(
		'that are sent again and again wake nobody once their task has been checked',
		async () => {
			const taskSeconds = ({ prompt }: { prompt?: string }) => (prompt === 'row 0' ? 100 : 3_600);
			await open({ taskSeconds });
			await park({}, 2);
			await scene.waiting.pass(3 * MINUTE);
			const runsOf = () => (scene.waiting.stored(CHILD).match(/"startTime"/g) ?? []).length;
			const before = runsOf();
			const looks = Math.ceil(30 / 60) + 1;
			for (let second = 0; second < 30; second += 1) {
				await scene.rig.clock.runUntil(
					scene.rig.emulator.deliverWebhook(taskOf(0).id),
					scene.rig.emulator,
				);
				await scene.waiting.pass(1_000);
			}
			// Three steps for each look of n8n's timer.
			expect(runsOf() - before).toBeLessThanOrEqual(3 * looks);
		},
	);

	testParked(
		'and requests to the child itself wake it once a minute for a task that goes on',
		async () => {
			await open({ taskSeconds: 3_600 });
			await park({}, 1);
			await scene.waiting.pass(MINUTE);
			const before = polls().length;
			for (let call = 0; call < 40; call += 1) {
				// n8n takes an address in many ways.
				const written = (url: string) =>
					call % 2 === 0 ? url : url.replace('webhook-waiting', 'Webhook-Waiting');
				await callChild([taskOf(0).id], written);
				await scene.waiting.pass(3_000);
			}
			// Two minutes, in each of which n8n's timer wakes it as well.
			expect(polls().length - before).toBeGreaterThanOrEqual(2);
			expect(polls().length - before).toBeLessThanOrEqual(6);
		},
	);

	testParked('call a child once at most that n8n’s timer has ended before', async () => {
		await open({ taskSeconds: 3_600 });
		await park({}, 1);
		await scene.waiting.pass(5 * MINUTE);
		scene.rig.emulator.finishTask(taskOf(0).id);
		await scene.waiting.pass(2 * MINUTE);
		expect(scene.waiting.status()).toBe('success');
		const toChild = scene.waiting.answers.filter(({ execution }) => execution === CHILD);
		expect(toChild).toEqual([{ execution: CHILD, status: 409 }]);
	});

	testParked(
		'soon after a start of n8n are both acted on, whatever the gap between checks',
		async () => {
			await open({ taskSeconds: 36_000 });
			const options = { pollIntervalSeconds: 600, timeoutMinutes: 600 };
			await park({ parameters: { ...PARKED, options } }, 2);
			await scene.waiting.pass(3 * MINUTE);
			processStart.at = scene.rig.clock.now();
			await scene.waiting.pass(5_000);
			scene.rig.emulator.finishTask(taskOf(0).id);
			await scene.waiting.pass(12_000);
			scene.rig.emulator.finishTask(taskOf(1).id);
			await scene.waiting.ended();
			expect(scene.rig.clock.now() - lastEnd()).toBeLessThanOrEqual(75_000);
		},
	);
});
