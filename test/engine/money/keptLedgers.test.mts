import { liveLedgers, type RunResult } from '../harness/engine.mts';
import { GENERATE, makeRows, type Rig } from '../harness/rig.mts';
import { startMoneyRig } from './support.mts';

/** What the process keeps of executions that have ended, for a second Retry. */

let rig: Rig;
beforeEach(async () => {
	rig = await startMoneyRig();
});
afterEach(async () => await rig.close());

/** Asked once: it is known from then on. */
const isKept = ({ context }: RunResult): boolean => {
	const nothing = {};
	return liveLedgers.open(String(context.wan22Origin), nothing) !== nothing;
};

test.each([false, true])('nothing of one that has ended well (a loop: %s)', async (twice) => {
	const result = await rig.run({ items: await makeRows(2), parameters: GENERATE, twice });
	expect(result.error).toBeUndefined();
	expect(rig.emulator.paidTasks()).toBe(twice ? 4 : 2);
	expect(isKept(result)).toBe(false);
});

test('nothing of one that has ended well by Retry On Fail', async () => {
	rig.emulator.addFault({ step: 'submit', kind: 'status', status: 400 });
	const settings = { retryOnFail: true, maxTries: 3, waitBetweenTries: 1 };
	const result = await rig.run({ items: await makeRows(2), parameters: GENERATE, settings });
	expect(result.error).toBeUndefined();
	expect(isKept(result)).toBe(false);
});

test('the tasks of a retry, which may be made a second time', async () => {
	rig.emulator.addFault({ step: 'submit', kind: 'status', status: 400 });
	const failed = await rig.run({ items: await makeRows(2), parameters: GENERATE });
	expect(failed.error).toBeDefined();
	const retried = await rig.run({ parameters: GENERATE, retryOf: failed.run });
	expect(retried.error).toBeUndefined();
	expect(isKept(retried)).toBe(true);
});
