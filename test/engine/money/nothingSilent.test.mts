import { startEmulator } from '../../emulator/emulator.mts';
import { GENERATE, jsonOf, makeRow, makeRows, type Rig } from '../harness/rig.mts';
import { runNode } from '../harness/engine.mts';
import { idsOf, isOf, RETRY, startMoneyRig, tasksOf, textOf } from './support.mts';

/** Promise 2: every task and every submit with an unknown outcome is named, in the error and in the log. */

let rig: Rig;
afterEach(async () => await rig.close());

const REFUSED = { kind: 'status', status: 403, body: { code: 403, message: 'role' } } as const;

/** Row 2's answer is lost, and the list that would tell stays silent. */
const loseRow2 = (): void => {
	rig.emulator.addFault({ step: 'submit', kind: 'resetAfter', when: isOf('row 1') });
	rig.emulator.addFault({ step: 'list', kind: 'hang', times: Infinity });
};

describe('a submit without a clear answer', () => {
	test('is in the log as soon as its answer is lost, and in the error of a run that another row ends', async () => {
		rig = await startMoneyRig();
		loseRow2();
		rig.emulator.addFault({
			step: 'result',
			...REFUSED,
			when: ({ path }) => path.includes(tasksOf(rig, 'row 2')[0]?.id ?? 'none'),
		});
		const result = await rig.run({ items: await makeRows(3), parameters: GENERATE });
		expect(result.error?.message).toMatch(/\. Row 3$/);
		expect(textOf(result)).toMatch(
			/Submits without a clear answer, which may be paid for: row 2\b/,
		);
		expect(textOf(result)).toContain(tasksOf(rig, 'row 0')[0]?.id);
		expect(textOf(result)).not.toMatch(/Nothing was paid/);
		expect(result.logs.join('\n')).toMatch(/Row 2: .*no clear answer.*may exist and be paid for/);
	});

	test('is in the log of an execution that is stopped', async () => {
		rig = await startMoneyRig();
		loseRow2();
		let stop = (): void => {};
		rig.emulator.onRequest('list', () => stop());
		const result = await rig.run({
			items: await makeRows(2),
			parameters: GENERATE,
			onStart: (cancel) => (stop = cancel),
		});
		const log = result.logs.join('\n');
		expect(log).toMatch(/Row 2: .*no clear answer.*may exist and be paid for/);
		expect(log).toMatch(/execution was stopped.*row 2: a submit without a clear answer/);
		expect(log).toContain(tasksOf(rig, 'row 0')[0]?.id);
	});

	test('lets nobody say that nothing was paid, in an error row neither', async () => {
		rig = await startMoneyRig();
		loseRow2();
		const result = await rig.run({
			items: await makeRows(2),
			parameters: GENERATE,
			settings: { onError: 'continueRegularOutput' },
		});
		expect(jsonOf(result.items)[1]?.error).toMatch(/may exist and be paid for/);
		expect(jsonOf(result.items)[1]?.error).not.toMatch(/[Nn]othing was paid/);
	});
});

test('the error of the last try names the tasks of all tries, also of rows that had no turn in it', async () => {
	rig = await startMoneyRig({ accountLevel: 'bronze' });
	let isSecondTry = false;
	rig.emulator.addFault({
		step: 'result',
		...REFUSED,
		when: ({ path }) => {
			const isSixth = path.includes(tasksOf(rig, 'row 5')[0]?.id ?? 'none');
			isSecondTry ||= isSixth;
			return isSixth;
		},
	});
	// In the second try the seventh row fails while the first two hold the account's places.
	let release = (): void => {};
	const priceAsked = new Promise<void>((resolve) => (release = resolve));
	rig.emulator.addFault({ step: 'price', ...REFUSED, when: () => isSecondTry });
	rig.emulator.onRequest('price', () => {
		if (isSecondTry) setTimeout(release, 300);
	});
	rig.emulator.onRequest('result', async ({ path }) => {
		if (isSecondTry && !path.includes(tasksOf(rig, 'row 5')[0]?.id ?? '')) await priceAsked;
	});
	const result = await rig.run({
		items: await makeRows(7),
		parameters: { ...GENERATE, options: { maxCostPerRun: 100 } },
		settings: { ...RETRY, maxTries: 2 },
	});
	expect(result.error?.message).toMatch(/\. Row 7$/);
	expect(idsOf(rig)).toHaveLength(6);
	for (const id of idsOf(rig)) expect(textOf(result)).toContain(id);
	expect(textOf(result)).not.toMatch(/(?<!For this row )[Nn]othing was paid/);
});

test('a retry with the key of another account does not pay there for what may be paid already', async () => {
	rig = await startMoneyRig();
	rig.emulator.addFault({ step: 'submit', kind: 'resetAfter' });
	rig.emulator.addFault({ step: 'list', ...REFUSED, times: Infinity });
	const items = [await makeRow()];
	const failed = await rig.run({ items, parameters: GENERATE });
	expect(failed.error?.message).toMatch(/could not be read/);
	const other = await startEmulator({ clock: rig.clock, video: 'placeholder', apiKey: 'another' });
	const credential = { ...rig.credential, baseUrl: other.url, apiKey: 'another' };
	const retrying = runNode({ credential, items, parameters: GENERATE, retryOf: failed.run });
	const result = await rig.clock.runUntil(retrying, other);
	await other.close();
	expect(textOf(result)).toMatch(/another API key.*may exist and be paid for in the other account/);
	expect(rig.emulator.paidTasks() + other.paidTasks()).toBe(1);
});

test.each([
	['HTTP 400', { kind: 'status', status: 400 }],
	['code 400 in HTTP 200', { kind: 'envelopeError' }],
	['HTTP 500', { kind: 'status', status: 500 }],
] as const)(
	'an answer that names a task is that task, whatever else it says (%s)',
	async (_, fault) => {
		rig = await startMoneyRig({ includeInputs: 'ignored' });
		// Asked for when the answer is sent: the task is accepted by then.
		const data = { status: 'created' };
		Object.defineProperty(data, 'id', { enumerable: true, get: () => idsOf(rig).at(-1) });
		const body = { code: 400, message: 'odd', data };
		rig.emulator.addFault({ step: 'submit', ...fault, afterAccept: true, body });
		const result = await rig.run({
			items: [await makeRow()],
			parameters: GENERATE,
			settings: RETRY,
		});
		expect(jsonOf(result.items)[0]).toMatchObject({ status: 'completed', taskId: idsOf(rig)[0] });
		expect(rig.emulator.paidTasks()).toBe(1);
	},
);
