import { routesDetails, type RunOptions } from '../harness/engine.mts';
import {
	badItems,
	goodItems,
	PARKED,
	withOptions,
	MINUTE,
	useParkedScene,
	testFailing,
	testParked,
} from '../harness/parkedScene.mts';
import { jsonOf, makeRows } from '../harness/rig.mts';

const scene = useParkedScene();
const { park, switchCallbacksOff, taskOf } = scene;

describe('a failed task', () => {
	const failRow1 = async (more: Partial<RunOptions> = {}) => {
		await park(more);
		scene.rig.emulator.failTask(taskOf(1).id, { code: 1200, error: 'refused' });
		return await scene.waiting.ended();
	};

	testFailing(
		'ends the run in stop mode, with its reason, its row and all tasks, and says how to go on',
		async () => {
			const result = await failRow1();
			expect(scene.waiting.status()).toBe('error');
			expect(result.error?.message).toMatch(/refused.*\. Row 2\b/);
			expect(result.error?.message).toContain(taskOf(1).id);
			for (const row of [0, 2]) expect(result.error?.description).toContain(taskOf(row).id);
			expect(result.error?.description).toMatch(/"Existing Task ID".*"Get Many"/);
			expect(result.error?.description).not.toMatch(/Retry On Fail, or Retry of the execution/);
		},
	);

	testFailing(
		'with a reason that passes says the same as its Retry does: no new task',
		async () => {
			await park({ settings: { retryOnFail: true, maxTries: 3, waitBetweenTries: 0 } });
			scene.rig.emulator.failTask(taskOf(1).id, { code: 500, error: 'GPU worker lost' });
			const { error } = await scene.waiting.ended();
			expect(error?.description).not.toMatch(/retry submits|retry does not submit/i);
			expect(error?.description).toMatch(/no Retry On Fail does\. A new execution.*is paid for/);
			expect(scene.rig.emulator.paidTasks()).toBe(3);
		},
	);

	testFailing('ends the run soon, without waiting for the other rows', async () => {
		switchCallbacksOff();
		const before = scene.rig.clock.now();
		await failRow1();
		expect(scene.rig.clock.now() - before).toBeLessThanOrEqual(3 * MINUTE);
	});

	testFailing('ends the run before the videos of the other rows are fetched', async () => {
		await park({ parameters: withOptions({ downloadVideo: true }) });
		await scene.waiting.pass(5 * MINUTE);
		const { emulator } = scene.rig;
		// The other rows have ended by the check that sees the failure.
		for (const row of [0, 2]) emulator.finishTask(taskOf(row).id);
		emulator.failTask(taskOf(1).id, { code: 1200, error: 'refused' });
		const result = await scene.waiting.ended();
		expect(result.error?.message).toMatch(/refused.*\. Row 2\b/);
		expect(emulator.requests().filter(({ step }) => step === 'download')).toEqual([]);
	});

	testFailing('fails again on Retry, and pays nothing', async () => {
		const failed = await failRow1();
		const retried = await scene.waiting.start({
			...{ items: await makeRows(3), parameters: PARKED, retryOf: failed.run },
		});
		expect(retried.error?.message).toBe(failed.error?.message);
		expect(scene.rig.emulator.paidTasks()).toBe(3);
	});

	testParked(
		'leaves on the error branch where there is one, with the row’s own fields',
		async () => {
			const result = await failRow1({ settings: { onError: 'continueErrorOutput' } });
			expect(jsonOf(goodItems(result)).map(({ prompt }) => prompt)).toEqual(['row 0', 'row 2']);
			const [bad] = jsonOf(badItems(result));
			expect(bad).toMatchObject({ prompt: 'row 1', error: expect.stringContaining(taskOf(1).id) });
			const details = { taskId: taskOf(1).id, failureReason: 'refused', failureCode: 1200 };
			if (routesDetails) expect(bad?.details).toMatchObject(details);
		},
	);

	testParked('is an item where that is wanted', async () => {
		const result = await failRow1({ parameters: withOptions({ failedTasks: 'output' }) });
		expect(result.items[1]?.json).toMatchObject({ status: 'failed', failureReason: 'refused' });
	});
});

describe('an error row that is known before the run is parked', () => {
	const refuseRow0 = () =>
		scene.rig.emulator.addFault({
			...{ step: 'submit', kind: 'status', status: 400, times: Infinity },
			body: { code: 400, message: 'invalid prompt' },
			when: ({ body }) => (body as { prompt: string }).prompt === 'row 0',
		});

	testParked('does not make Retry On Fail pay again for the good rows', async () => {
		refuseRow0();
		const retryOnFail = { retryOnFail: true, maxTries: 3, waitBetweenTries: 0 };
		const parked = await park({ settings: { onError: 'continueErrorOutput', ...retryOnFail } });
		expect(parked.run.waitTill).toBeInstanceOf(Date);
		const result = await scene.waiting.ended();
		expect(jsonOf(goodItems(result)).map(({ prompt }) => prompt)).toEqual(['row 1', 'row 2']);
		expect(jsonOf(badItems(result)).map(({ prompt }) => prompt)).toEqual(['row 0']);
		expect(scene.rig.emulator.paidTasks()).toBe(2);
		expect(scene.waiting.status('3')).toBeUndefined();
	});

	test('ends the run before it is parked in stop mode, with the IDs of the others', async () => {
		scene.rig.emulator.addFault({
			...{ step: 'submit', kind: 'status', status: 400 },
			body: { code: 400, message: 'invalid prompt' },
			when: ({ body }) => (body as { prompt: string }).prompt === 'row 2',
		});
		const result = await park();
		expect(result.run.waitTill).toBeFalsy();
		expect(result.error?.message).toMatch(/invalid prompt.*\. Row 3\b/);
		for (const { id } of scene.rig.emulator.tasks())
			expect(result.error?.description).toContain(id);
	});
});

testParked(
	'an input field called "error" does not make Retry On Fail run the parked node again',
	async () => {
		const items = (await makeRows(2)).map((item) => ({
			...item,
			json: { ...item.json, error: '' },
		}));
		const settings = { retryOnFail: true, maxTries: 3, waitBetweenTries: 0 };
		await park({ items, settings, parameters: withOptions({ includeInputFields: true }) });
		expect((await scene.waiting.ended()).items).toHaveLength(2);
		expect(scene.rig.emulator.paidTasks()).toBe(2);
		expect(scene.waiting.status('3')).toBeUndefined();
	},
);
