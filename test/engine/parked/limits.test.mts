import {
	type IExecuteFunctions,
	type INodeExecutionData,
	type INodeType,
	WAIT_INDEFINITELY,
} from 'n8n-workflow';

import { core, types } from '../harness/engine.mts';
import {
	goodItems,
	withOptions,
	MINUTE,
	useParkedScene,
	testFailing,
	testParked,
} from '../harness/parkedScene.mts';
import { jsonOf } from '../harness/rig.mts';
import { CHILD } from '../harness/waitingRig.mts';

const scene = useParkedScene();
const { park, switchCallbacksOff, taskOf } = scene;
afterEach(() => {
	jest.restoreAllMocks();
	scene.rig.skewMachineClock(0);
});

describe('the time limit', () => {
	testParked('of a row is the same error as in a run that waits while it runs', async () => {
		switchCallbacksOff();
		await park({
			parameters: withOptions({ timeoutMinutes: 5 }),
			settings: { onError: 'continueRegularOutput' },
		});
		const result = await scene.waiting.ended();
		for (const [row, { json }] of result.items.entries()) {
			expect(json.error).toMatch(/has not ended after \d minutes \(last status: processing\)/);
			expect(json.details).toMatchObject({ taskId: taskOf(row).id, status: 'processing' });
		}
	});

	testParked(
		'of the parent hands the records of the tasks on when the child was killed in a check',
		async () => {
			await park({ parameters: withOptions({ timeoutMinutes: 5, includeInputFields: true }) });
			scene.waiting.killNextStep(CHILD);
			const before = scene.rig.clock.now();
			const result = await scene.waiting.ended();
			expect(scene.waiting.status(CHILD)).toBe('crashed');
			expect(scene.waiting.status()).toBe('success');
			expect(scene.rig.clock.now() - before).toBeLessThanOrEqual(20 * MINUTE);
			expect(jsonOf(goodItems(result))).toEqual(
				scene.rig.emulator
					.tasks()
					.map(({ id, input }) =>
						expect.objectContaining({ taskId: id, videoUrl: null, prompt: input.prompt }),
					),
			);
		},
	);
});

describe('a child that wakes after the limit of its parent', () => {
	const rewriteWait = (at: number) =>
		scene.waiting.rewrite(CHILD, (stored) =>
			stored.replace(/"waitTill":"[^"]+"/, `"waitTill":"${new Date(at).toISOString()}"`),
		);
	const outlastParent = async (change = (stored: string) => stored) => {
		switchCallbacksOff();
		await park({ parameters: withOptions({ timeoutMinutes: 5 }) });
		scene.waiting.rewrite(CHILD, change);
		rewriteWait(scene.rig.clock.now() + 60 * MINUTE);
	};

	testParked.each([
		['', undefined],
		[
			', also if another version has written it',
			(stored: string) => stored.replaceAll('"wan22Wait":1', '"wan22Wait":99'),
		],
	])('hands its results to nobody, and never ends, whoever wakes it%s', async (_name, change) => {
		await outlastParent(change);
		const result = await scene.waiting.ended();
		expect(goodItems(result)).toHaveLength(3);
		for (let wake = 0; wake < 4; wake += 1) {
			await scene.waiting.pass(70 * MINUTE);
			expect(scene.waiting.status(CHILD)).toBe('waiting');
			const { waitTill } = JSON.parse(scene.waiting.stored(CHILD)) as { waitTill: string };
			expect(new Date(waitTill).getUTCFullYear()).toBe(3000);
			rewriteWait(scene.rig.clock.now());
		}
	});

	testParked('does not resume an approval that the parent waits for by then', async () => {
		const pass = types['test.passThrough'] as INodeType;
		const execute = pass.execute!;
		jest.spyOn(pass, 'execute').mockImplementation(async function (this: IExecuteFunctions) {
			const items = (await execute.call(this)) as INodeExecutionData[][];
			if (this.getNode().name === 'Good') await this.putExecutionToWait(WAIT_INDEFINITELY);
			return items;
		});
		await outlastParent();
		await scene.waiting.pass(30 * MINUTE);
		const before = scene.waiting.stored();
		expect(JSON.parse(before)).toMatchObject({ resultData: { lastNodeExecuted: 'Good' } });
		await scene.waiting.pass(24 * 60 * MINUTE);
		expect(scene.waiting.status()).toBe('waiting');
		expect(scene.waiting.stored()).toBe(before);
	});
});

describe('a storage of n8n that stops while a video of a parked run is stored', () => {
	interface BinaryService {
		store(...given: unknown[]): Promise<unknown>;
	}
	const service = core.BinaryDataService.prototype as unknown as BinaryService;
	const stopAt = (stopsAt: (video: number) => boolean, onStop: () => Promise<void>) => {
		const { store } = service;
		let seen = 0;
		jest.spyOn(service, 'store').mockImplementation(async function (this: unknown, ...given) {
			const stored = await store.apply(this, given);
			const isVideo = (given[2] as { mimeType?: string }).mimeType === 'video/mp4';
			if (isVideo && stopsAt((seen += 1))) await onStop();
			return stored;
		});
	};
	const downloads = { downloadVideo: true, timeoutMinutes: 30 };
	const isSecond = (video: number): boolean => video === 2;
	const hang = async (): Promise<void> => await scene.rig.clock.sleep(300 * MINUTE);

	testParked(
		'costs that one file: the run goes on within minutes, with the URL of the video',
		async () => {
			stopAt(isSecond, hang);
			await park({ parameters: withOptions(downloads) });
			const result = await scene.waiting.ended();
			expect(scene.waiting.status()).toBe('success');
			expect(result.items.filter(({ binary }) => binary?.data)).toHaveLength(2);
			const without = result.items.filter(({ binary }) => !binary?.data);
			expect(jsonOf(without)).toEqual([
				expect.objectContaining({
					taskId: expect.any(String),
					videoUrl: expect.stringMatching(/^http/),
					failureReason: expect.stringMatching(/storage has not answered for 5 minutes/),
				}),
			]);
			expect(scene.rig.clock.now() - scene.lastEnd()).toBeLessThan(10 * MINUTE);
			// The child is not late, so it has ended.
			expect(scene.waiting.status(CHILD)).toBe('success');
		},
	);

	testParked('for all files costs them all, and the run goes on within minutes', async () => {
		stopAt(() => true, hang);
		await park({ parameters: withOptions(downloads) }, 40);
		const result = await scene.waiting.ended();
		expect(scene.waiting.status()).toBe('success');
		expect(scene.waiting.status(CHILD)).toBe('success');
		const reasons = jsonOf(result.items).map(({ failureReason }) => String(failureReason));
		expect(reasons).toHaveLength(40);
		// Four at a time, for five minutes each: after the second four nobody waits any more.
		const waited = reasons.filter((reason) => reason.includes('has not answered for 5 minutes'));
		const told = reasons.filter((reason) => reason.includes('its storage does not answer'));
		expect([waited.length, told.length]).toEqual([8, 32]);
		expect(scene.rig.clock.now() - scene.lastEnd()).toBeLessThan(15 * MINUTE);
	});

	testParked(
		'for minutes at each file costs those that have no turn before the limit',
		async () => {
			stopAt(
				() => true,
				async () => await scene.rig.clock.sleep(4.5 * MINUTE),
			);
			await park({ parameters: withOptions(downloads) }, 60);
			const result = await scene.waiting.ended();
			expect(scene.waiting.status(CHILD)).toBe('success');
			const without = result.items.filter(({ binary }) => !binary?.data);
			expect(without.length).toBeGreaterThan(0);
			expect(without.length).toBeLessThan(60);
			for (const { failureReason } of jsonOf(without)) {
				expect(failureReason).toMatch(/not be downloaded within the time limit/);
			}
		},
	);

	testParked('hands nothing over when the limit of the parent passes meanwhile', async () => {
		stopAt(isSecond, async () => scene.rig.skewMachineClock(3 * 60 * MINUTE));
		await park({ parameters: withOptions(downloads) });
		await scene.waiting.pass(40 * MINUTE);
		expect(scene.waiting.status(CHILD)).toBe('waiting');
		expect(scene.waiting.stored(CHILD)).toContain('tooLate');
		expect(scene.waiting.status()).toBe('waiting');
	});
});

describe('a state that another version of this package has written', () => {
	testParked.each([
		['of a later layout', (stored: string) => stored.replaceAll('"wan22Wait":1', '"wan22Wait":99')],
		[
			'with a text that can not be read',
			(stored: string) => stored.replace(/"open":"\[/g, '"open":"{'),
		],
	])('%s ends with every row as the record of its task', async (_name, change) => {
		await park();
		scene.waiting.rewrite(CHILD, change);
		const result = await scene.waiting.ended();
		expect(jsonOf(goodItems(result))).toEqual(
			[0, 1, 2].map((row) =>
				expect.objectContaining({ taskId: taskOf(row).id, prompt: `row ${row}`, videoUrl: null }),
			),
		);
	});

	testFailing(
		'without anything that can be read fails, and says that Get Many has the tasks',
		async () => {
			await park();
			scene.waiting.rewrite(CHILD, (stored) => stored.replace(/"run":"\{/g, '"run":"['));
			const result = await scene.waiting.ended();
			expect(result.error?.message).toMatch(/can not be read/);
		},
	);
});
