import type { IDataObject } from 'n8n-workflow';

import { built, type RunOptions, type RunResult } from './harness/engine.mts';
import { isAtLeast, testSince } from './harness/n8nVersion.mts';
import { GENERATE, jsonOf, makeRows, type Rig, startRig } from './harness/rig.mts';
import { startWaiting, type WaitingRig } from './harness/waitingRig.mts';

/** What the node does where n8n is too old for something. The older n8n is played here; test:compat runs real ones. */

interface Abilities {
	HANDS_OVER_RESULTS: boolean;
	FAILS_WHEN_RESUMED: boolean;
	MAY_LOSE_WAITING_EXECUTIONS: boolean;
}
const abilities = built<Abilities>('nodes/shared/n8n/session/abilities.js');

let rig: Rig;
let waiting: WaitingRig;
beforeEach(async () => {
	const { processStart } = built<{ processStart: { at: number } }>(
		'nodes/shared/n8n/waiting/childSteps.js',
	);
	processStart.at = 0;
	rig = await startRig({ taskSeconds: 600 });
	waiting = await startWaiting(rig);
});
afterEach(async () => {
	jest.restoreAllMocks();
	await waiting.close();
	await rig.close();
});

const taskOf = (row: number) =>
	rig.emulator.tasks().find(({ input }) => input.prompt === `row ${row}`)!;

const hintsOf = ({ run }: RunResult): string =>
	JSON.stringify(run.data.resultData.runData.Talk?.[0]?.hints);

async function park(options: IDataObject = {}, more: Partial<RunOptions> = {}): Promise<RunResult> {
	const parameters = { ...GENERATE, waitMode: 'parked', options };
	return await waiting.start({ items: await makeRows(3), parameters, ...more });
}

test('the node knows what this n8n can do', () => {
	expect({ ...abilities }).toMatchObject({
		HANDS_OVER_RESULTS: isAtLeast('2.1.0'),
		FAILS_WHEN_RESUMED: isAtLeast('2.30.0'),
		MAY_LOSE_WAITING_EXECUTIONS: !isAtLeast('2.34.0'),
	});
});

test('where n8n hands no results to a parked node, it waits while the execution runs and says so', async () => {
	jest.replaceProperty(abilities, 'HANDS_OVER_RESULTS', false);
	const result = await park();
	expect(result.run.waitTill).toBeFalsy();
	expect(jsonOf(result.items).map(({ status }) => status)).toEqual(Array(3).fill('completed'));
	expect(hintsOf(result)).toMatch(/can't hand results to a parked node.*n8n 2\.5/);
	expect(rig.emulator.paidTasks()).toBe(3);
});

const testParked = testSince('2.5.0', 'n8n is too old to park in');

describe('where n8n can not let a run fail that was parked', () => {
	beforeEach(() => void jest.replaceProperty(abilities, 'FAILS_WHEN_RESUMED', false));

	testParked(
		'a failed row in stop mode says why in its item, and the other rows have their videos',
		async () => {
			await park();
			rig.emulator.failTask(taskOf(1).id, { code: 1200, error: 'refused' });
			const result = await waiting.ended();
			expect(waiting.status()).toBe('success');
			expect(jsonOf(result.items)).toMatchObject([
				{ taskId: taskOf(0).id, status: 'completed', videoUrl: taskOf(0).outputs[0] },
				{ taskId: taskOf(1).id, status: 'failed', videoUrl: null, failureReason: 'refused' },
				{ taskId: taskOf(2).id, status: 'completed', videoUrl: taskOf(2).outputs[0] },
			]);
			expect(result.items[1]?.json).toMatchObject({ failureCode: 1200, prompt: 'row 1' });
		},
	);

	testParked('a row that has not ended in its time says so in its item', async () => {
		await park({ timeoutMinutes: 5 });
		const result = await waiting.ended();
		expect(result.items).toHaveLength(3);
		for (const [row, { json }] of result.items.entries()) {
			expect(json).toMatchObject({ taskId: taskOf(row).id, videoUrl: null });
			expect(json.failureReason).toMatch(/has not ended after \d minutes/);
		}
	});

	testParked('a task that can not be read any more keeps its ID in its item', async () => {
		await park();
		const { id } = taskOf(1);
		rig.emulator.addFault({
			...{ step: 'result', kind: 'status', status: 404, times: Infinity },
			body: { code: 404, message: 'not found' },
			when: ({ path }) => path.includes(id),
		});
		const result = await waiting.ended();
		expect(jsonOf(result.items)).toMatchObject([
			{ status: 'completed' },
			{ taskId: id, failureReason: expect.stringContaining('WaveSpeed') },
			{ status: 'completed' },
		]);
	});

	testParked('a video that can not be fetched keeps its URL in its item', async () => {
		await park({ downloadVideo: true });
		const { id } = taskOf(1);
		rig.emulator.addFault({
			...{ step: 'download', kind: 'status', status: 404, times: Infinity },
			when: ({ path }) => path.includes(id),
		});
		const result = await waiting.ended();
		expect(result.items[1]?.json).toMatchObject({
			...{ taskId: id, videoUrl: taskOf(1).outputs[0] },
			failureReason: expect.stringContaining('could not be downloaded'),
		});
		expect(result.items[0]?.binary?.data).toBeDefined();
	});
});

describe('where n8n may lose a waiting execution that it is not to keep', () => {
	beforeEach(() => void jest.replaceProperty(abilities, 'MAY_LOSE_WAITING_EXECUTIONS', true));

	test.each([
		['none', { saveDataSuccessExecution: 'none' as const }],
		["the instance's default, which may be none", { saveDataSuccessExecution: 'DEFAULT' as const }],
		['not set, which means the default', { saveDataSuccessExecution: undefined }],
	])('it waits while the execution runs and says so: %s', async (_what, workflowSettings) => {
		jest.replaceProperty(abilities, 'HANDS_OVER_RESULTS', true);
		const result = await park({}, { workflowSettings });
		expect(result.run.waitTill).toBeFalsy();
		expect(jsonOf(result.items).map(({ status }) => status)).toEqual(Array(3).fill('completed'));
		expect(hintsOf(result)).toMatch(/loses a parked execution.*choose \\"Save\\".*2\.34/);
	});

	testParked('it parks where the workflow itself says that executions are kept', async () => {
		const workflowSettings = { saveDataSuccessExecution: 'all' as const };
		const parked = await park({}, { workflowSettings });
		expect(parked.run.waitTill).toBeInstanceOf(Date);
		expect((await waiting.ended()).items).toHaveLength(3);
	});
});

testParked('elsewhere it parks also where nothing is kept of what succeeds', async () => {
	jest.replaceProperty(abilities, 'MAY_LOSE_WAITING_EXECUTIONS', false);
	const parked = await park({}, { workflowSettings: { saveDataSuccessExecution: 'none' } });
	expect(parked.run.waitTill).toBeInstanceOf(Date);
});
