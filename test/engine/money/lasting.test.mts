import { GENERATE, makeRow, type Rig } from '../harness/rig.mts';
import { RETRY, startMoneyRig, textOf } from './support.mts';

/** A task that ended for a lasting reason is not paid for again by each try. */

let rig: Rig;
beforeEach(async () => {
	rig = await startMoneyRig();
});
afterEach(async () => await rig.close());

/** Each task that is asked for ends so; the fault itself spoils nothing. */
function endTasks(end: (id: string) => void): void {
	const ended = new Set<string>();
	rig.emulator.onRequest('result', () => {
		for (const { id } of rig.emulator.tasks()) {
			if (!ended.has(id)) end(id);
			ended.add(id);
		}
	});
}

const run = async () =>
	await rig.run({ items: [await makeRow({ prompt: 'x' })], parameters: GENERATE, settings: RETRY });

test.each([
	'Content moderation: the picture was refused',
	'Failed to download image: 403 Forbidden',
	'NSFW content was found',
])('a failure that says so in words alone: %s', async (error) => {
	endTasks((id) => rig.emulator.failTask(id, { error, code: 0 }));
	expect(textOf(await run())).toContain(error);
	expect(rig.emulator.paidTasks()).toBe(1);
});

test('a task that somebody has cancelled at WaveSpeed', async () => {
	endTasks((id) => rig.emulator.setTask(id, { status: 'cancelled' }));
	expect(textOf(await run())).toMatch(/cancelled at WaveSpeed/);
	expect(rig.emulator.paidTasks()).toBe(1);
});

test('and one that failed with other words is submitted anew', async () => {
	endTasks((id) => rig.emulator.failTask(id, { error: 'GPU out of memory', code: 0 }));
	await run();
	expect(rig.emulator.paidTasks()).toBe(3);
});
