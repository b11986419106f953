import type { INode } from 'n8n-workflow';

import { readStored, routesDetails } from './harness/engine.mts';
import {
	everythingReadable,
	GENERATE,
	jsonOf,
	makeRows,
	type Rig,
	startRig,
} from './harness/rig.mts';

let rig: Rig;
beforeEach(async () => {
	rig = await startRig({ taskSeconds: 60 });
});
afterEach(async () => await rig.close());

const isSubmitOf = (row: number) => (request: { body: unknown }) =>
	(request.body as { prompt?: string }).prompt === `row ${row}`;

/** Row 1 is refused by the service's moderation, row 2 of the file store, all others are fine. */
async function makeMixedRows() {
	const items = await makeRows(4);
	items[2] = { json: { prompt: 'row 2', name: 'Cleo' } };
	return items;
}

const refuseRow1 = () =>
	rig.emulator.addFault({
		step: 'submit',
		kind: 'status',
		status: 400,
		body: { code: 400, message: 'invalid prompt' },
		when: isSubmitOf(1),
	});

const MODES: INode['onError'][] = ['continueRegularOutput', 'continueErrorOutput'];

test.each(MODES)(
	'with %s bad rows are {error, details} and good rows are untouched',
	async (onError) => {
		refuseRow1();
		const result = await rig.run({
			items: await makeMixedRows(),
			parameters: GENERATE,
			settings: { onError },
		});
		expect(rig.emulator.paidTasks()).toBe(2);
		const good = result.items.filter((item) => !item.json.error);
		expect(jsonOf(good)).toEqual([
			expect.objectContaining({ prompt: 'row 0', status: 'completed' }),
			expect.objectContaining({ prompt: 'row 3', status: 'completed' }),
		]);
		const bad =
			onError === 'continueErrorOutput'
				? result.errorItems
				: result.items.filter((item) => item.json.error);
		expect(bad.map(({ json }) => json.error)).toEqual([
			expect.stringMatching(/^Could not submit the task: invalid prompt\. Nothing was paid\. ./),
			expect.stringMatching(/^There is no picture in this item/),
		]);
		const isKept = onError === 'continueRegularOutput' || routesDetails;
		expect(bad.map(({ json }) => json.details)).toEqual(
			isKept ? [{}, { parameter: 'imageBinaryPropertyName' }] : [undefined, undefined],
		);
		for (const item of bad) expect(item.error).toBeUndefined();
		if (onError === 'continueRegularOutput') {
			expect(result.items.map(({ pairedItem }) => pairedItem)).toEqual(
				[0, 1, 2, 3].map((item) => ({ item })),
			);
			expect(Object.keys(bad[0]!.json)).toEqual(['error', 'details']);
		} else {
			// n8n adds the row's own fields there.
			expect(bad[1]?.json).toMatchObject({ name: 'Cleo' });
		}
	},
);

test('a failed row keeps its own fields on the regular output when asked to', async () => {
	const result = await rig.run({
		items: await makeMixedRows(),
		parameters: { ...GENERATE, options: { includeInputFields: true } },
		settings: { onError: 'continueRegularOutput' },
	});
	expect(result.items[2]?.json).toMatchObject({ name: 'Cleo', error: expect.any(String) });
});

test('details of a failed task hold what is known, for nodes that go on with it', async () => {
	const running = rig.run({
		items: await makeRows(2),
		parameters: GENERATE,
		settings: { onError: 'continueRegularOutput' },
	});
	rig.emulator.onRequest('result', ({ path }) => {
		const task = rig.emulator.tasks().find(({ input }) => input.prompt === 'row 1');
		if (task && path.includes(task.id)) {
			rig.emulator.failTask(task.id, { code: 1200, error: 'Content refused' });
		}
	});
	const result = await running;
	const task = rig.emulator.tasks().find(({ input }) => input.prompt === 'row 1');
	expect(result.items[1]?.json.details).toEqual({
		taskId: task?.id,
		status: 'failed',
		failureReason: 'Content refused',
		failureCode: 1200,
	});
	expect(result.items[0]?.json).toMatchObject({ status: 'completed' });
});

test('a download that fails keeps the URL of the paid video', async () => {
	rig.emulator.addFault({ step: 'download', kind: 'status', status: 500, times: Infinity });
	const parameters = { ...GENERATE, options: { downloadVideo: true } };
	const continued = await rig.run({
		items: await makeRows(1),
		parameters,
		settings: { onError: 'continueRegularOutput' },
	});
	const url = rig.emulator.tasks()[0]?.outputs[0];
	expect(continued.items[0]?.json).toMatchObject({
		error: expect.stringMatching(/could not be downloaded/),
		details: {
			taskId: rig.emulator.tasks()[0]?.id,
			status: 'completed',
			videoUrl: url,
			videoUrls: [url],
		},
	});
	const stopped = await rig.run({ items: await makeRows(1), parameters });
	expect(stopped.error?.message).toContain(String(rig.emulator.tasks()[1]?.outputs[0]));
});

test.each(['resetBefore', 'resetAfter', 'status', 'hangAfter', 'slowBody'] as const)(
	'a download that ends in %s once is tried again',
	async (kind) => {
		rig.emulator.addFault({ step: 'download', kind });
		const result = await rig.run({
			items: await makeRows(1),
			parameters: { ...GENERATE, options: { downloadVideo: true } },
		});
		expect(result.error).toBeUndefined();
		const video = await readStored(result.items[0]!.binary!.data!);
		expect(video.length).toBeGreaterThan(1000);
	},
);

describe('in stop mode', () => {
	test('the error names the row and the tasks of the others, and the others are not submitted any more', async () => {
		await rig.close();
		rig = await startRig({ taskSeconds: 60, accountLevel: 'bronze' });
		refuseRow1();
		const result = await rig.run({ items: await makeRows(6), parameters: GENERATE });
		expect(result.error?.message).toBe('Could not submit the task: invalid prompt. Row 2');
		const [task] = rig.emulator.tasks();
		expect(rig.emulator.paidTasks()).toBe(1);
		expect(result.error?.description).toContain(`row 1: ${task?.id}`);
		expect(result.error?.context).toMatchObject({
			itemIndex: 1,
			otherTasks: [{ row: 0, taskId: task?.id }],
		});
		expect(JSON.stringify(result.context)).toContain(task?.id);
	});

	test.each([
		['ECONNRESET', 'ECONNRESET while loading the file'],
		['ETIMEDOUT', 'connect ETIMEDOUT 1.2.3.4'],
		['503', 'upstream said 503'],
	])("n8n's canned text for %s doesn't replace ours", async (_name, reason) => {
		const running = rig.run({ items: await makeRows(1), parameters: GENERATE });
		rig.emulator.onRequest('result', () => {
			const [task] = rig.emulator.tasks();
			if (task) rig.emulator.failTask(task.id, { code: 1402, error: reason });
		});
		const result = await running;
		expect(result.error?.message).toContain(reason);
		expect(result.error?.message).toContain(rig.emulator.tasks()[0]?.id);
	});

	test('a check that is refused for good says that the task goes on', async () => {
		rig.emulator.addFault({
			step: 'result',
			kind: 'status',
			status: 403,
			body: { code: 403, message: 'role' },
		});
		const result = await rig.run({ items: await makeRows(1), parameters: GENERATE });
		expect(result.error?.description).toMatch(/goes on at WaveSpeed and is paid for/);
		expect(result.error?.context?.data).toMatchObject({ taskId: rig.emulator.tasks()[0]?.id });
	});
});

describe('the key', () => {
	const key = 'sk-secret-0123456789';
	beforeEach(async () => {
		await rig.close();
		rig = await startRig({ apiKey: key });
	});

	test('is nowhere in an error whose text repeats the request', async () => {
		rig.emulator.addFault({
			step: 'ticket',
			kind: 'status',
			status: 400,
			body: { code: 400, message: `bad request: authorization: Bearer ${key}` },
		});
		const result = await rig.run({ items: await makeRows(1), parameters: GENERATE });
		expect(result.error?.message).toContain('[API key]');
		expect(everythingReadable(result)).not.toContain(key);
	});

	test('is nowhere in what a good run leaves behind', async () => {
		const result = await rig.run({ items: await makeRows(2), parameters: GENERATE });
		expect(result.items).toHaveLength(2);
		expect(everythingReadable(result)).not.toContain(key);
	});

	test.each(['ticket', 'submit', 'result', 'price'] as const)(
		'does not follow a redirect of the %s endpoint to another host',
		async (step) => {
			rig.emulator.addFault({
				step,
				kind: 'redirect',
				location: `${rig.emulator.mediaUrl}/elsewhere`,
				times: Infinity,
			});
			await rig.run({
				items: await makeRows(1),
				parameters: { ...GENERATE, options: { maxCostPerRun: 5, timeoutMinutes: 1 } },
			});
			const elsewhere = rig.emulator.requests().filter(({ path }) => path === '/elsewhere');
			expect(elsewhere).toEqual([]);
		},
	);
});

test('an error row names its task also if the key is refused while the task runs', async () => {
	rig.emulator.addFault({ step: 'result', kind: 'status', status: 401, times: Infinity });
	const { items, errorItems } = await rig.run({
		items: await makeRows(1),
		parameters: GENERATE,
		settings: { onError: 'continueErrorOutput' },
	});
	expect(items).toEqual([]);
	expect(errorItems).toHaveLength(1);
	expect(JSON.stringify(errorItems[0]?.json)).toContain(rig.emulator.tasks()[0]?.id);
});
