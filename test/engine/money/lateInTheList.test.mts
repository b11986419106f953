import { GENERATE, jsonOf, makeRow, type Rig } from '../harness/rig.mts';
import {
	GOES_ON,
	hideTasksFor,
	isOf,
	jsonOfRow,
	RETRY,
	startMoneyRig,
	submitsOf,
	tasksOf,
} from './support.mts';

/** A task that was paid for, whose answer is lost, and that the list shows only after the row's search has found none. */

const TWICE = { ...RETRY, maxTries: 2 };

let rig: Rig;
afterEach(async () => await rig.close());

const isLaterSubmitOfA = (request: Parameters<ReturnType<typeof isOf>>[0]): boolean =>
	isOf('A')(request) && submitsOf(rig).filter(isOf('A')).length > 1;

test.each([
	['refused', { kind: 'status', status: 400 }],
	['turned away', { kind: 'tooManyRequests', retryAfter: '15' }],
] as const)(
	'another execution, whose submit never arrived, does not take it while the next submit of its own row is %s',
	async (_, fault) => {
		rig = await startMoneyRig({ includeInputs: 'ignored' });
		rig.emulator.addFault({ step: 'submit', kind: 'resetAfter', when: isOf('A') });
		rig.emulator.addFault({ step: 'submit', kind: 'resetBefore', when: isOf('B') });
		hideTasksFor(rig, 64_000);
		rig.emulator.addFault({ step: 'submit', ...fault, times: 4, when: isLaterSubmitOfA });
		const start = async (prompt: string, afterMs: number) => {
			await rig.clock.sleep(afterMs);
			const items = [await makeRow({ prompt })];
			return await rig.start({ items, parameters: GENERATE, settings: TWICE });
		};
		const [, ofB] = await rig.until(Promise.all([start('A', 0), start('B', 6_000)]));
		const ofA = tasksOf(rig, 'A').map(({ id }) => id);
		expect(ofA.length).toBeGreaterThan(0);
		expect(ofA).not.toContain(jsonOfRow(ofB.items).taskId);
	},
);

test('a workflow that lists the tasks and waits for all of them makes nobody pay again', async () => {
	rig = await startMoneyRig({ includeInputs: 'ignored', taskSeconds: 300 });
	rig.emulator.addFault({ step: 'submit', kind: 'hangAfter' });
	const asking = rig.start({
		items: [await makeRow({ prompt: 'A' })],
		parameters: GENERATE,
		settings: TWICE,
	});
	const collect = async () => {
		await rig.clock.sleep(40_000);
		const list = { resource: 'task', operation: 'getAll', returnAll: true };
		const listed = await rig.start({ items: [{ json: {} }], parameters: list });
		const items = jsonOf(listed.items).map(({ taskId }) => ({ json: { taskId } }));
		expect(items).toHaveLength(1);
		const parameters = { resource: 'task', operation: 'wait', taskId: '={{ $json.taskId }}' };
		return await rig.start({ items, parameters, settings: GOES_ON });
	};
	const [asked] = await rig.until(Promise.all([asking, collect()]));
	expect(rig.emulator.paidTasks()).toBe(1);
	expect(asked.error?.message ?? JSON.stringify(asked.items)).toContain(tasksOf(rig, 'A')[0]?.id);
});

test('a task that agrees in everything, by a clock that is three minutes ahead of the header, is named and not paid for again', async () => {
	rig = await startMoneyRig({ dateHeaderAheadMs: 180_000 });
	rig.emulator.addFault({ step: 'submit', kind: 'resetAfter' });
	const parameters = { ...GENERATE, seed: 42 };
	const result = await rig.run({ items: [await makeRow()], parameters, settings: TWICE });
	expect(rig.emulator.paidTasks()).toBe(1);
	expect(result.error?.message ?? JSON.stringify(result.items)).toContain(
		rig.emulator.tasks()[0]?.id,
	);
});
