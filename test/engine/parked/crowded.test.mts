import { pauses, testParked, useParkedScene } from '../harness/parkedScene.mts';
import { CHILD } from '../harness/waitingRig.mts';

/** Many runs are parked in this n8n, so the pauses are as long as they get. */

const scene = useParkedScene();
const { open, park, taskOf, polls, lastEnd } = scene;

const stayCrowded = (): void => {
	Object.assign(pauses, { since: scene.rig.clock.now(), count: 1_000, before: 1_000 });
};

async function pass(ms: number): Promise<void> {
	for (const end = scene.rig.clock.now() + ms; scene.rig.clock.now() < end; ) {
		stayCrowded();
		await scene.waiting.pass(500);
	}
}

async function passUntil(isOver: () => boolean): Promise<void> {
	while (!isOver()) await pass(500);
}

async function parkInCrowd(rows: number): Promise<void> {
	await open({ taskSeconds: 3_600 });
	jest.spyOn(Math, 'random').mockReturnValue(0.99);
	stayCrowded();
	await park({}, rows);
}

const lag = (): number => scene.rig.clock.now() - lastEnd();

testParked('a callback never makes it later than without', async () => {
	await parkInCrowd(25);
	const { emulator, clock } = scene.rig;
	emulator.addFault({ step: 'webhook', kind: 'resetBefore', times: 4 });
	await pass(300_000);
	// This callback is missed, so none is known to be the last.
	emulator.finishTask(taskOf(24).id);
	await pass(60_000);
	const readsOf = (row: number): number =>
		polls().filter(({ path }) => path.includes(taskOf(row).id)).length;
	const sinceLook = () => (clock.now() - Date.parse('2026-11-22T08:00:00.000Z')) % 60_000;
	for (;;) {
		const before = readsOf(0);
		await passUntil(() => readsOf(0) > before);
		// n8n's next look comes between the callback and the end of the pause.
		if (sinceLook() > 10_000 && sinceLook() < 30_000) break;
		await pass(500);
	}
	const pausedUntil = (): number =>
		Date.parse((JSON.parse(scene.waiting.stored(CHILD)) as { waitTill: string }).waitTill);
	const planned = pausedUntil();
	// The first five have no callback.
	for (let row = 5; row < 21; row += 1) emulator.finishTask(taskOf(row).id);
	for (let row = 0; row < 5; row += 1) emulator.finishTask(taskOf(row).id);
	await pass(30_000);
	expect(pausedUntil()).toBeLessThanOrEqual(planned);
	for (let row = 21; row < 24; row += 1) emulator.finishTask(taskOf(row).id);
	await passUntil(() => scene.waiting.status() !== 'waiting');
	await scene.waiting.ended();
	expect(lag()).toBeLessThanOrEqual(75_000);
});
