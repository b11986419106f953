import {
	badItems,
	goodItems,
	processStart,
	withOptions,
	MINUTE,
	useParkedScene,
	testFailing,
	testParked,
} from '../harness/parkedScene.mts';
import { jsonOf } from '../harness/rig.mts';
import { CHILD } from '../harness/waitingRig.mts';

const scene = useParkedScene();
const { open, park, switchCallbacksOff, taskOf, polls } = scene;

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

	testParked('and 40 of them let the others be checked at each look', async () => {
		await open({ taskSeconds: 100_000 });
		switchCallbacksOff();
		await park({ settings: { onError: 'continueRegularOutput' } }, 60);
		const rowOf = (path: string): number =>
			scene.rig.emulator.tasks().findIndex(({ id }) => path.includes(id));
		scene.rig.emulator.addFault({
			...{ step: 'result', kind: 'status', status: 503, times: Infinity },
			when: ({ path }) => rowOf(path) < 40,
		});
		const before = polls().length;
		await scene.waiting.pass(20 * MINUTE);
		const looks = polls()
			.slice(before)
			.filter(({ path }) => rowOf(path) === 50)
			.map(({ at }) => at);
		const gaps = looks.slice(1).map((at, index) => at - (looks[index] ?? 0));
		expect(Math.max(...gaps)).toBeLessThanOrEqual(75_000);
		expect(gaps.length).toBeGreaterThanOrEqual(15);
	});

	testParked('and many others like it do not keep the rest from being checked', async () => {
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

describe('a credential that the child can not read', () => {
	afterEach(() => scene.rig.skewMachineClock(0));
	const hideKey = () => {
		const { credential } = scene.rig;
		const { apiKey } = credential;
		let isHidden = true;
		// As of an expression that names a node of the workflow.
		Object.defineProperty(credential, 'apiKey', {
			...{ enumerable: true, configurable: true },
			get() {
				if (isHidden) throw new Error("Referenced node doesn't exist");
				return apiKey;
			},
		});
		return () => void (isHidden = false);
	};
	const REASON =
		/could not be read during the parked wait: Referenced node doesn't exist.*is paid for.*"While the Execution Runs".*"Get" and this ID/;

	testParked('ends the wait soon with error rows that say so, and no time-out', async () => {
		await park({ settings: { onError: 'continueRegularOutput' } });
		hideKey();
		const before = scene.rig.clock.now();
		const { items } = await scene.waiting.ended();
		expect(scene.rig.clock.now() - before).toBeLessThanOrEqual(13 * MINUTE);
		for (const [row, { json }] of items.entries()) {
			expect(json.error).toMatch(REASON);
			expect(json.details).toMatchObject({ taskId: taskOf(row).id });
		}
		expect(items).toHaveLength(3);
	});

	testFailing('fails the run in stop mode, with all tasks', async () => {
		await park();
		hideKey();
		const { error } = await scene.waiting.ended();
		expect(error?.message).toMatch(/could not be read during the parked wait/);
		for (const row of [0, 1, 2])
			expect(`${error?.message} ${error?.description}`).toContain(taskOf(row).id);
	});

	testParked('is not given up for a time in which n8n was down', async () => {
		switchCallbacksOff();
		await park({ parameters: withOptions({ timeoutMinutes: 1_200 }) });
		const showKey = hideKey();
		await scene.waiting.pass(2 * MINUTE);
		scene.rig.skewMachineClock(180 * MINUTE);
		await scene.waiting.pass(3 * MINUTE);
		showKey();
		const { items } = await scene.waiting.ended();
		expect(items.map(({ json }) => json.status)).toEqual(Array(3).fill('completed'));
	});

	testParked('is told also where the time limit comes first', async () => {
		switchCallbacksOff();
		const settings = { onError: 'continueRegularOutput' as const };
		await park({ settings, parameters: withOptions({ timeoutMinutes: 3 }) });
		hideKey();
		const { items } = await scene.waiting.ended();
		for (const { json } of items) expect(json.error).toMatch(REASON);
	});

	testParked('for some minutes only does no harm', async () => {
		switchCallbacksOff();
		await park();
		const showKey = hideKey();
		await scene.waiting.pass(8 * MINUTE);
		showKey();
		await scene.waiting.pass(2 * MINUTE);
		const { items } = await scene.waiting.ended();
		expect(items.map(({ json }) => json.status)).toEqual(Array(3).fill('completed'));
	});
});
