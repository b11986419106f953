import {
	badItems,
	goodItems,
	pauses,
	processStart,
	withOptions,
	MINUTE,
	useParkedScene,
	testParked,
} from '../harness/parkedScene.mts';
import { jsonOf } from '../harness/rig.mts';
import { CHILD } from '../harness/waitingRig.mts';

const scene = useParkedScene();
const { open, park, switchCallbacksOff, taskOf, polls, lastEnd } = scene;

testParked(
	'keeps checking with callbacks that are missed, and a check costs no more than the rows that are due',
	async () => {
		switchCallbacksOff();
		await park({}, 9);
		const before = polls().length;
		await scene.waiting.pass(10 * MINUTE);
		// About once a minute for each.
		expect(polls().length - before).toBeLessThanOrEqual(9 * 11);
		expect(polls().length - before).toBeGreaterThanOrEqual(9 * 8);
		expect(jsonOf((await scene.waiting.ended()).items)).toHaveLength(9);
	},
);

testParked('checks no task more often than the shortest gap that was asked for', async () => {
	switchCallbacksOff();
	await park({ parameters: withOptions({ pollIntervalSeconds: 300 }) }, 2);
	const before = polls().length;
	await scene.waiting.pass(9 * MINUTE);
	expect(polls().length - before).toBe(2);
});

testParked(
	'does nothing while n8n starts, which would declare it crashed, and goes on at its next look',
	async () => {
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
	},
);

test('where many executions are parked, each wakes at a time of its own, since n8n wakes at once what is overdue', async () => {
	switchCallbacksOff();
	const pauseOf = async (others: number): Promise<number> => {
		const now = scene.rig.clock.now();
		Object.assign(pauses, { since: now, count: others, before: 0 });
		await park();
		const { waitTill } = JSON.parse(scene.waiting.stored(CHILD)) as { waitTill: string };
		return Date.parse(waitTill) - now;
	};
	expect(await pauseOf(0)).toBeLessThan(MINUTE);
	const many = [await pauseOf(50), await pauseOf(50), await pauseOf(50)];
	for (const pause of many) {
		expect(pause).toBeGreaterThanOrEqual(MINUTE);
		expect(pause).toBeLessThanOrEqual(70_000);
	}
	expect(new Set(many).size).toBeGreaterThan(1);
	expect(jsonOf((await scene.waiting.ended()).items)).toHaveLength(3);
	expect(scene.rig.clock.now() - lastEnd()).toBeLessThanOrEqual(75_000);
});

describe('a task that can not be read', () => {
	testParked('fails alone, as an error row', async () => {
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

	testParked('does not end the wait while the API is down for all', async () => {
		switchCallbacksOff();
		await park();
		scene.rig.emulator.addFault({ step: 'result', kind: 'status', status: 503, times: Infinity });
		await scene.waiting.pass(20 * MINUTE);
		expect(scene.waiting.status()).toBe('waiting');
		scene.rig.emulator.clearFaults();
		const result = await scene.waiting.ended();
		expect(jsonOf(result.items).map(({ status }) => status)).toEqual(Array(3).fill('completed'));
	});

	testParked('and many others like it do not keep the rest from being checked', async () => {
		await open({ taskSeconds: 60 });
		switchCallbacksOff();
		const limits = withOptions({ timeoutMinutes: 5 });
		await park({ parameters: limits, settings: { onError: 'continueErrorOutput' } }, 44);
		const bad = new Set(Array.from({ length: 41 }, (_, row) => taskOf(row).id));
		scene.rig.emulator.addFault({
			...{ step: 'result', kind: 'status', status: 503, times: Infinity },
			when: ({ path }) => [...bad].some((id) => path.includes(id)),
		});
		const result = await scene.waiting.ended();
		expect(jsonOf(goodItems(result)).map(({ prompt }) => prompt)).toEqual(
			Array.from({ length: 3 }, (_, row) => `row ${row + 41}`),
		);
	});
});
