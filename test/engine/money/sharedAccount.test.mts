import type { EmulatorOptions } from '../../emulator/types.mts';
import type { Credential, RunResult } from '../harness/engine.mts';
import { built } from '../harness/engine.mts';
import { GENERATE, makeRow, type Rig } from '../harness/rig.mts';
import { idsOf, isOf, jsonOfRow, startMoneyRig, tasksOf, textOf } from './support.mts';

/**
 * One account may have several keys, and be reached by several addresses; which belong together nobody tells. So a
 * search for a lost task knows what the whole process has sent.
 */

let rig: Rig;
afterEach(async () => await rig.close());

const WITHOUT_ECHO: EmulatorOptions = { includeInputs: 'ignored' };
const SUBMIT = { ...GENERATE, resource: 'task', operation: 'submit' };

const start = async (prompt: string, credential: Credential, parameters = SUBMIT) =>
	await rig.start({ items: [await makeRow({ prompt })], parameters, credential });

/** The two executions run side by side, and the request of "mine" never arrives. */
async function runBoth(theirCredential: Credential): Promise<[RunResult, RunResult]> {
	rig.emulator.addFault({ step: 'submit', kind: 'resetBefore', when: isOf('mine') });
	return await rig.until(
		Promise.all([start('mine', rig.credential), start('theirs', theirCredential)]),
	);
}

function expectNotTheirs([mine, theirs]: [RunResult, RunResult]): void {
	expect(jsonOfRow(theirs.items).taskId).toBe(tasksOf(rig, 'theirs')[0]?.id);
	expect(mine.items).toEqual([]);
	expect(textOf(mine)).toMatch(/no clear answer/);
	expect(rig.emulator.paidTasks()).toBe(1);
}

test('a submit that never arrived takes no task that was submitted with another key', async () => {
	rig = await startMoneyRig({ ...WITHOUT_ECHO, moreApiKeys: ['second-key'] });
	expectNotTheirs(await runBoth({ ...rig.credential, apiKey: 'second-key' }));
});

test('nor one that was submitted by another address of the service', async () => {
	rig = await startMoneyRig(WITHOUT_ECHO);
	const baseUrl = rig.credential.baseUrl.replace('127.0.0.1', 'localhost');
	expect(baseUrl).not.toBe(rig.credential.baseUrl);
	expectNotTheirs(await runBoth({ ...rig.credential, baseUrl }));
});

test('nor one of its own account, when more than a hundred others are used meanwhile', async () => {
	rig = await startMoneyRig(WITHOUT_ECHO);
	rig.emulator.addFault({ step: 'submit', kind: 'resetBefore', when: isOf('mine') });
	const { accounts } = built<{ accounts: { open(...args: unknown[]): unknown } }>(
		'nodes/shared/n8n/session/openApi.js',
	);
	const later = async (): Promise<RunResult> => {
		await rig.clock.sleep(1_000);
		const level = 'bronze';
		for (let count = 0; count <= 101; count += 1) {
			const key = { id: `other ${count}`, level };
			accounts.open(key, rig.clock.now(), Math.random);
		}
		return await start('theirs', rig.credential);
	};
	expectNotTheirs(await rig.until(Promise.all([start('mine', rig.credential), later()])));
});

test('after a restart of n8n, without echo and without the service’s time, nothing of before is taken', async () => {
	rig = await startMoneyRig({ ...WITHOUT_ECHO, dateHeader: false });
	await rig.until(start('theirs', rig.credential));
	rig.restart();
	await rig.until(rig.clock.sleep(20_000));
	rig.emulator.addFault({ step: 'submit', kind: 'resetBefore' });
	const mine = await rig.until(start('mine', rig.credential));
	expect(mine.items).toEqual([]);
	expect(textOf(mine)).toContain(idsOf(rig)[0]);
	expect(rig.emulator.paidTasks()).toBe(1);
});
