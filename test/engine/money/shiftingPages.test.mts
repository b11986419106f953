import { GENERATE, jsonOf, makeRow, makeRows, type Rig } from '../harness/rig.mts';
import { idsOf, isOf, jsonOfRow, RETRY, startMoneyRig, tasksOf } from './support.mts';

/** Tasks that are deleted while the list is read pull others to a page that was read before. */

let rig: Rig;
afterEach(async () => await rig.close());

const SUBMIT = { ...GENERATE, resource: 'task', operation: 'submit' };

/** What another workflow or a person does. */
async function deleteTask(id: string): Promise<void> {
	const reply = await fetch(`${rig.emulator.url}/api/v3/predictions/delete`, {
		method: 'POST',
		headers: {
			authorization: `Bearer ${rig.emulator.apiKey}`,
			'content-type': 'application/json',
		},
		body: JSON.stringify({ ids: [id] }),
	});
	expect(reply.status).toBe(200);
}

test('Get Many gives every task that is there from beginning to end', async () => {
	rig = await startMoneyRig({ taskSeconds: 1, maxPageSize: 10 });
	await rig.run({ items: await makeRows(25), parameters: SUBMIT });
	await rig.until(rig.clock.sleep(5_000));
	const [oldest, ...others] = idsOf(rig);
	const newest = others.pop()!;
	let isDeleted = false;
	rig.emulator.onRequest('list', async ({ body }) => {
		if ((body as { page: number }).page !== 2 || isDeleted) return;
		isDeleted = true;
		await deleteTask(newest);
	});
	const parameters = { resource: 'task', operation: 'getAll', returnAll: true };
	const result = await rig.run({ items: [{ json: {} }], parameters });
	const got = jsonOf(result.items).map(({ taskId }) => String(taskId));
	expect(new Set(got)).toEqual(new Set([oldest, ...others, newest]));
	expect(got).toHaveLength(25);
});

test('a lost task is found, and not paid for twice', async () => {
	rig = await startMoneyRig({ taskSeconds: 1, maxPageSize: 1 });
	rig.emulator.addFault({ step: 'submit', kind: 'hangAfter', when: isOf('lost') });
	const lost = rig.start({
		items: [await makeRow({ prompt: 'lost' })],
		parameters: GENERATE,
		settings: RETRY,
	});
	const others = (async () => {
		while (rig.emulator.paidTasks() === 0) await rig.clock.sleep(100);
		return await rig.start({ items: await makeRows(6), parameters: SUBMIT });
	})();
	// The lost task is the oldest; just before its page is asked for, it moves to the one before.
	rig.emulator.onRequest('list', async ({ body }) => {
		const newer = rig.emulator
			.tasks()
			.filter(({ status, input }) => status !== 'deleted' && input.prompt !== 'lost');
		const newest = newer.at(-1);
		const isNext = (body as { page: number }).page === newer.length + 1;
		if (isNext && newest) await deleteTask(newest.id);
	});
	const [result] = await rig.until(Promise.all([lost, others]));
	expect(tasksOf(rig, 'lost')).toHaveLength(1);
	const told = JSON.stringify([jsonOfRow(result.items), result.error?.message]);
	expect(told).toContain(tasksOf(rig, 'lost')[0]?.id);
});
