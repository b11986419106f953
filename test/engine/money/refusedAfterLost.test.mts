import { GENERATE, jsonOf, makeRow, type Rig } from '../harness/rig.mts';
import { GOES_ON, idsOf, jsonOfRow, RETRY, startMoneyRig, submitsOf, textOf } from './support.mts';

/**
 * A submit is lost, its task shows up late, and the submit of the second try is refused, by an empty balance, say: that
 * has changed nothing about the first one, whose task the next try still has to look for.
 */

let rig: Rig;
afterEach(async () => await rig.close());

/** `listLagMs`: the list shows the task only then. */
async function loseThenRefuse(listLagMs: number): Promise<void> {
	rig = await startMoneyRig();
	const { clock, emulator } = rig;
	const startedAt = clock.now();
	emulator.addFault({ step: 'submit', kind: 'resetAfter' });
	emulator.addFault({
		step: 'list',
		kind: 'status',
		status: 200,
		body: { code: 200, message: 'success', data: { page: 1, items: [] } },
		times: Infinity,
		when: () => clock.now() < startedAt + listLagMs,
	});
	emulator.addFault({
		step: 'submit',
		kind: 'status',
		status: 400,
		body: { code: 400, message: 'insufficient credits' },
	});
}

test('the third try, by hand, finds the task of the first one', async () => {
	await loseThenRefuse(100_000);
	const items = [await makeRow({ prompt: 'x' })];
	const first = await rig.run({ items, parameters: GENERATE });
	const second = await rig.run({ items, parameters: GENERATE, retryOf: first.run });
	expect(textOf(second)).toMatch(/insufficient credits/);
	await rig.until(rig.clock.sleep(600_000));
	const third = await rig.run({ items, parameters: GENERATE, retryOf: second.run });
	expect(jsonOfRow(third.items)).toMatchObject({ status: 'completed', taskId: idsOf(rig)[0] });
	expect(rig.emulator.paidTasks()).toBe(1);
	expect(submitsOf(rig)).toHaveLength(2);
});

test('the third try of Retry On Fail finds it, too', async () => {
	await loseThenRefuse(121_000);
	const result = await rig.run({
		items: [await makeRow({ prompt: 'x' })],
		parameters: GENERATE,
		settings: { ...RETRY, waitBetweenTries: 5_000 },
	});
	const told = JSON.stringify([result.items, textOf(result)]);
	expect(told).toContain(idsOf(rig)[0]);
	expect(rig.emulator.paidTasks()).toBe(1);
});

test.each([
	['the error', {}],
	['the error row', GOES_ON],
])('%s of the refused try says that a task may exist and be paid for', async (_, settings) => {
	await loseThenRefuse(75_000);
	const result = await rig.run({
		items: [await makeRow({ prompt: 'x' })],
		parameters: GENERATE,
		settings: { ...RETRY, maxTries: 2, ...settings },
	});
	const told = JSON.stringify([jsonOf(result.items), textOf(result)]);
	expect(told).toMatch(/insufficient credits/);
	expect(told).toMatch(/had no clear answer: a task may exist and be paid for/);
	expect(told).not.toMatch(/Nothing was paid/);
});
