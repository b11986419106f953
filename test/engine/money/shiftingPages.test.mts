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

/** Before each page but the first of the first `times` readings, the newest task of these is deleted. */
function deleteBetweenPages(deletable: () => string[], times: number): void {
	const deleted = new Set<string>();
	rig.emulator.onRequest('list', async ({ body }) => {
		const { page } = body as { page: number };
		const id = deletable().find((one) => !deleted.has(one));
		if (page !== 2 || deleted.size >= times || id === undefined) return;
		deleted.add(id);
		await deleteTask(id);
	});
}

test('Get Many gives every task that is there from beginning to end', async () => {
	rig = await startMoneyRig({ taskSeconds: 1, maxPageSize: 10 });
	await rig.run({ items: await makeRows(25), parameters: SUBMIT });
	await rig.until(rig.clock.sleep(5_000));
	const [oldest, ...others] = idsOf(rig);
	const newest = others.pop()!;
	deleteBetweenPages(() => [newest], 1);
	const parameters = { resource: 'task', operation: 'getAll', returnAll: true };
	const result = await rig.run({ items: [{ json: {} }], parameters });
	const got = jsonOf(result.items).map(({ taskId }) => String(taskId));
	expect(new Set(got)).toEqual(new Set([oldest, ...others, newest]));
	expect(got).toHaveLength(25);
});

test('a lost task is found, and not paid for twice', async () => {
	rig = await startMoneyRig({ taskSeconds: 1, maxPageSize: 10, includeInputs: 'ignored' });
	rig.emulator.addFault({ step: 'submit', kind: 'hangAfter', when: isOf('lost') });
	// The lost task is the first of the second page.
	const lost = rig.start({
		items: [await makeRow({ prompt: 'lost' })],
		parameters: GENERATE,
		settings: RETRY,
	});
	const others = (async () => {
		while (rig.emulator.paidTasks() === 0) await rig.clock.sleep(100);
		return await rig.start({ items: await makeRows(10), parameters: SUBMIT });
	})();
	deleteBetweenPages(() => tasksOf(rig, 'row 9').map(({ id }) => id), 1);
	const [result] = await rig.until(Promise.all([lost, others]));
	expect(tasksOf(rig, 'lost')).toHaveLength(1);
	const told = JSON.stringify([jsonOfRow(result.items), result.error?.message]);
	expect(told).toContain(tasksOf(rig, 'lost')[0]?.id);
});
