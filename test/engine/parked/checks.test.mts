import {
	badItems,
	goodItems,
	processStart,
	withOptions,
	MINUTE,
	useParkedScene,
} from '../harness/parkedScene.mts';
import { jsonOf } from '../harness/rig.mts';
import { CHILD } from '../harness/waitingRig.mts';

const scene = useParkedScene();
const { open, park, switchCallbacksOff, taskOf, polls } = scene;

test('keeps checking with callbacks that are missed, and a check costs no more than the rows that are due', async () => {
	switchCallbacksOff();
	await park({}, 9);
	const before = polls().length;
	await scene.waiting.pass(10 * MINUTE);
	// About once a minute for each.
	expect(polls().length - before).toBeLessThanOrEqual(9 * 11);
	expect(polls().length - before).toBeGreaterThanOrEqual(9 * 8);
	expect(jsonOf((await scene.waiting.ended()).items)).toHaveLength(9);
});

test('checks no task more often than the shortest gap that was asked for', async () => {
	switchCallbacksOff();
	await park({ parameters: withOptions({ pollIntervalSeconds: 300 }) }, 2);
	const before = polls().length;
	await scene.waiting.pass(9 * MINUTE);
	expect(polls().length - before).toBe(2);
});

test('does nothing while n8n starts, which would declare it crashed, and goes on at its next look', async () => {
	switchCallbacksOff();
	await park();
	for (const { id } of scene.rig.emulator.tasks()) scene.rig.emulator.finishTask(id);
	await scene.waiting.pass(30_000);
	const before = polls().length;
	processStart.at = scene.rig.clock.now() + 20_000;
	await scene.waiting.pass(50_000);
	expect(polls()).toHaveLength(before);
	expect(scene.waiting.status(CHILD)).toBe('waiting');
	const startedAt = processStart.at;
	const result = await scene.waiting.ended();
	expect(jsonOf(result.items).map(({ status }) => status)).toEqual(Array(3).fill('completed'));
	expect(scene.rig.clock.now() - startedAt).toBeLessThanOrEqual(125_000);
});

describe('a task that can not be read', () => {
	test('fails alone, as an error row', async () => {
		await park({ settings: { onError: 'continueErrorOutput' } });
		const { id } = taskOf(1);
		scene.rig.emulator.addFault({
			...{ step: 'result', kind: 'status', status: 404, times: Infinity },
			body: { code: 404, message: 'not found' },
			when: ({ path }) => path.includes(id),
		});
		const result = await scene.waiting.ended();
		expect(jsonOf(goodItems(result)).map(({ prompt }) => prompt)).toEqual(['row 0', 'row 2']);
		expect(badItems(result).map(({ json }) => json.error)).toEqual([expect.stringContaining(id)]);
	});

	test('does not end the wait while the API is down for all', async () => {
		switchCallbacksOff();
		await park();
		scene.rig.emulator.addFault({ step: 'result', kind: 'status', status: 503, times: Infinity });
		await scene.waiting.pass(20 * MINUTE);
		expect(scene.waiting.status()).toBe('waiting');
		scene.rig.emulator.clearFaults();
		const result = await scene.waiting.ended();
		expect(jsonOf(result.items).map(({ status }) => status)).toEqual(Array(3).fill('completed'));
	});

	test('and many others like it do not keep the rest from being checked', async () => {
		await open({ taskSeconds: 60 });
		switchCallbacksOff();
		const limits = withOptions({ timeoutMinutes: 30 });
		await park({ parameters: limits, settings: { onError: 'continueErrorOutput' } }, 60);
		const bad = new Set(Array.from({ length: 40 }, (_, row) => taskOf(row).id));
		scene.rig.emulator.addFault({
			...{ step: 'result', kind: 'status', status: 503, times: Infinity },
			when: ({ path }) => [...bad].some((id) => path.includes(id)),
		});
		const result = await scene.waiting.ended();
		expect(jsonOf(goodItems(result)).map(({ prompt }) => prompt)).toEqual(
			Array.from({ length: 20 }, (_, row) => `row ${row + 40}`),
		);
	});
});
