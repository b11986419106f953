import { goodItems, withOptions, MINUTE, useParkedScene } from '../harness/parkedScene.mts';
import { jsonOf } from '../harness/rig.mts';
import { CHILD } from '../harness/waitingRig.mts';

const scene = useParkedScene();
const { park, switchCallbacksOff, taskOf } = scene;

describe('the time limit', () => {
	test('of a row is the same error as in a run that waits while it runs', async () => {
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

	test('of the parent hands the records of the tasks on when the child was killed in a check', async () => {
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
	});
});

test('an old child that wakes after the limit of its parent hands its results to nobody', async () => {
	switchCallbacksOff();
	await park({ parameters: withOptions({ timeoutMinutes: 5 }) });
	const wakeIn = (ms: number) => {
		const at = new Date(scene.rig.clock.now() + ms).toISOString();
		scene.waiting.rewrite(CHILD, (stored) =>
			stored.replace(/"waitTill":"[^"]+"/, `"waitTill":"${at}"`),
		);
	};
	wakeIn(60 * MINUTE);
	const result = await scene.waiting.ended();
	expect(goodItems(result)).toHaveLength(3);
	await scene.waiting.pass(2 * 60 * MINUTE);
	const { waitTill } = JSON.parse(scene.waiting.stored(CHILD)) as { waitTill: string };
	expect(Date.parse(waitTill) - scene.rig.clock.now()).toBeGreaterThan(7 * 24 * 60 * MINUTE);
	wakeIn(0);
	await scene.waiting.pass(3 * MINUTE);
	expect(scene.waiting.status(CHILD)).toBe('success');
});

describe('a state that another version of this package has written', () => {
	test.each([
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

	test('without anything that can be read fails, and says that Get Many has the tasks', async () => {
		await park();
		scene.waiting.rewrite(CHILD, (stored) => stored.replace(/"run":"\{/g, '"run":"['));
		const result = await scene.waiting.ended();
		expect(result.error?.message).toMatch(/can not be read/);
	});
});
