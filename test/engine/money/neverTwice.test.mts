import type { EmulatorOptions } from '../../emulator/types.mts';
import { GENERATE, jsonOf, makeRow, makeRows, type Rig, startRig } from '../harness/rig.mts';
import type { RunResult } from '../harness/engine.mts';

/** Promise 1, never pay twice, by the emulator's count of accepted submits. */

let rig: Rig;
beforeEach(async () => {
	rig = await startRig({ taskSeconds: 60 });
});
afterEach(async () => await rig.close());

const submits = () => rig.emulator.requests().filter(({ step }) => step === 'submit');
const ids = () => rig.emulator.tasks().map(({ id }) => id);
const idsOf = (result: RunResult) => jsonOf(result.items).map(({ taskId }) => taskId);
const RETRY = { retryOnFail: true, maxTries: 3, waitBetweenTries: 1 };

describe('Retry On Fail', () => {
	test('goes on with the tasks of the first try when a check was refused for good', async () => {
		const wasPolled = new Set<string>();
		rig.emulator.addFault({
			step: 'result',
			kind: 'status',
			status: 400,
			body: { code: 400, message: 'odd' },
			when: ({ path }) => wasPolled.size < 1 && Boolean(wasPolled.add(path)),
		});
		const result = await rig.run({
			items: await makeRows(4),
			parameters: GENERATE,
			settings: RETRY,
		});
		expect(result.error).toBeUndefined();
		expect(rig.emulator.paidTasks()).toBe(4);
		expect(idsOf(result).sort()).toEqual(ids().sort());
	});

	test('keeps seed, price and file URLs of the task that it goes on with', async () => {
		rig.emulator.addFault({ step: 'download', kind: 'status', status: 404 });
		const result = await rig.run({
			items: [await makeRow()],
			parameters: { ...GENERATE, options: { downloadVideo: true, maxCostPerRun: 5 } },
			settings: RETRY,
		});
		expect(rig.emulator.paidTasks()).toBe(1);
		const { input, priceUsd } = rig.emulator.tasks()[0]!;
		expect(result.items[0]?.json).toMatchObject({
			seed: input.seed,
			imageUrl: input.image,
			audioUrl: input.audio,
			costUsd: priceUsd,
		});
	});

	test('does not submit a refused picture again', async () => {
		rig.emulator.onRequest('result', () => {
			const [task] = rig.emulator.tasks();
			if (task?.status !== 'failed')
				rig.emulator.failTask(task!.id, { code: 1200, error: 'refused' });
		});
		const result = await rig.run({
			items: [await makeRow()],
			parameters: GENERATE,
			settings: RETRY,
		});
		expect(result.error?.message).toMatch(/refused \(status "failed", code 1200\)/);
		expect(rig.emulator.paidTasks()).toBe(1);
	});

	test('submits anew for a task that failed for a passing reason', async () => {
		let isFirst = true;
		rig.emulator.onRequest('result', () => {
			if (isFirst) rig.emulator.failTask(ids()[0]!, { code: 5000, error: 'internal' });
			isFirst = false;
		});
		const result = await rig.run({
			items: [await makeRow()],
			parameters: GENERATE,
			settings: RETRY,
		});
		expect(result.items[0]?.json).toMatchObject({ status: 'completed', taskId: ids()[1] });
		expect(rig.emulator.paidTasks()).toBe(2);
		expect(JSON.stringify(result.context)).toContain(ids()[0]);
	});
});

const refuseOneCheck = () =>
	rig.emulator.addFault({
		step: 'result',
		kind: 'status',
		status: 403,
		body: { code: 403, message: 'role' },
	});

describe('Retry of a failed execution', () => {
	test('goes on with the tasks of the failed one', async () => {
		refuseOneCheck();
		const items = await makeRows(3);
		const failed = await rig.run({ items, parameters: GENERATE });
		expect(failed.error).toBeDefined();
		const result = await rig.run({ items, parameters: GENERATE, retryOf: failed.run });
		expect(result.error).toBeUndefined();
		expect(result.items).toHaveLength(3);
		expect(rig.emulator.paidTasks()).toBe(3);
	});

	test('submits a row whose inputs were changed meanwhile, and does not forget the old task', async () => {
		refuseOneCheck();
		const items = await makeRows(1);
		const failed = await rig.run({ items, parameters: GENERATE });
		const result = await rig.run({
			items,
			parameters: { ...GENERATE, prompt: 'another' },
			retryOf: failed.run,
		});
		expect(result.items[0]?.json).toMatchObject({ prompt: 'another', taskId: ids()[1] });
		expect(JSON.stringify(result.context)).toContain(ids()[0]);
	});
});

describe('a loop that asks for the same twice', () => {
	test('gets two videos, and a retry in its second round pays for neither again', async () => {
		let checks = 0;
		rig.emulator.addFault({
			step: 'result',
			kind: 'status',
			status: 400,
			body: { code: 400, message: 'odd' },
			// In the second round, whose task has just been submitted.
			when: ({ path }) => path.includes(ids()[1] ?? 'none yet') && (checks += 1) === 1,
		});
		const result = await rig.run({
			items: await makeRows(1),
			parameters: GENERATE,
			settings: RETRY,
			twice: true,
		});
		expect(result.error).toBeUndefined();
		expect(checks).toBeGreaterThan(1);
		expect(rig.emulator.paidTasks()).toBe(2);
		expect(Object.keys(result.context.wan22Tasks as object)).toEqual([
			expect.stringMatching(/^0:0:/),
			expect.stringMatching(/^1:0:/),
		]);
	});
});

describe('a submit without a clear answer', () => {
	test.each([
		['resetAfter', {}],
		['hangAfter', {}],
		['status', { status: 503, afterAccept: true }],
		['html', { status: 502, afterAccept: true }],
		['truncatedJson', { afterAccept: true }],
		['missingId', { afterAccept: true }],
	] as const)(
		'that was accepted (%s) is found in the task list and not sent again',
		async (kind, more) => {
			rig.emulator.addFault({ step: 'submit', kind, ...more });
			const result = await rig.run({ items: [await makeRow()], parameters: GENERATE });
			expect(result.items[0]?.json).toMatchObject({ status: 'completed', taskId: ids()[0] });
			expect(submits()).toHaveLength(1);
		},
	);

	test.each([
		['resetBefore', {}],
		['hang', {}],
		['status', { status: 503 }],
		['html', { status: 504 }],
	] as const)(
		'that was not accepted (%s) fails the row, and is not sent again',
		async (kind, more) => {
			rig.emulator.addFault({ step: 'submit', kind, ...more });
			const result = await rig.run({ items: [await makeRow()], parameters: GENERATE });
			expect(result.error?.message).toMatch(/no clear answer to the submit.*shows no new task/);
			expect(result.error?.description).toMatch(/Probably nothing was paid.*Retry On Fail/);
			expect(submits()).toHaveLength(1);
			expect(rig.emulator.paidTasks()).toBe(0);
		},
	);

	test('is searched for again by a retry, a minute after the submit, and sent only then', async () => {
		rig.emulator.addFault({ step: 'submit', kind: 'resetBefore' });
		const result = await rig.run({
			items: [await makeRow()],
			parameters: GENERATE,
			settings: RETRY,
		});
		expect(result.items[0]?.json).toMatchObject({ status: 'completed' });
		const [first, second] = submits();
		expect(second!.at - first!.at).toBeGreaterThanOrEqual(60_000);
		expect(rig.emulator.paidTasks()).toBe(1);
	});

	test('of two rows at once, without an echo of their inputs, names the candidates and sends nothing', async () => {
		await rig.close();
		rig = await startRig({ taskSeconds: 60, includeInputs: 'ignored' });
		rig.emulator.addFault({ step: 'submit', kind: 'resetAfter', times: 2 });
		const result = await rig.run({
			items: await makeRows(2),
			parameters: GENERATE,
			settings: { ...RETRY, onError: 'continueRegularOutput' },
		});
		for (const item of result.items) {
			for (const id of ids()) expect(item.json.error).toContain(id);
			expect(item.json.details).toEqual({ candidateTaskIds: expect.arrayContaining(ids()) });
		}
		expect(submits()).toHaveLength(2);
	});

	const ECHOES: [string, EmulatorOptions][] = [
		['as `inputs` in the list', {}],
		['as `input` in the list', { echo: { name: 'input' } }],
		['with the seed as a text', { echo: { seedAsText: true } }],
		['in every answer, and refuses to be asked', { echoInput: true, includeInputs: 'refused' }],
	];

	test.each(ECHOES)('of two rows at once finds each its own by an echo %s', async (_, options) => {
		await rig.close();
		rig = await startRig({ taskSeconds: 60, ...options });
		rig.emulator.addFault({ step: 'submit', kind: 'resetAfter', times: 2 });
		const result = await rig.run({ items: await makeRows(2), parameters: GENERATE });
		const wanted = jsonOf(result.items).map(
			({ prompt }) => rig.emulator.tasks().find(({ input }) => input.prompt === prompt)?.id,
		);
		expect(idsOf(result)).toEqual(wanted);
		expect(submits()).toHaveLength(2);
	});

	test('takes no task of another row, whose answer was clear', async () => {
		rig.emulator.addFault({
			step: 'submit',
			kind: 'resetBefore',
			when: ({ body }) => (body as { prompt: string }).prompt === 'row 1',
		});
		const result = await rig.run({
			items: await makeRows(3),
			parameters: GENERATE,
			settings: { onError: 'continueRegularOutput' },
		});
		expect(result.items[1]?.json.error).toMatch(/shows no new task/);
		expect(new Set([result.items[0]?.json.taskId, result.items[2]?.json.taskId])).toEqual(
			new Set(ids()),
		);
	});
});

describe('cost limits', () => {
	const OPTIONS = (options: object) => ({ ...GENERATE, options: { ...options } });

	test('Get Price gives the price and submits nothing', async () => {
		const result = await rig.run({
			items: await makeRows(2),
			parameters: { ...GENERATE, operation: 'quote' },
		});
		expect(jsonOf(result.items)).toEqual(
			[0, 1].map((row) => ({
				costUsd: expect.any(Number),
				imageUrl: expect.stringMatching(/^http/),
				audioUrl: expect.stringMatching(/^http/),
				resolution: '480p',
				prompt: `row ${row}`,
			})),
		);
		expect(submits()).toEqual([]);
	});

	test('Max Cost per Video refuses the row that would cost more, and says so', async () => {
		const result = await rig.run({
			items: [await makeRow()],
			parameters: OPTIONS({ maxCostPerVideo: 0.01 }),
		});
		expect(result.error?.message).toMatch(
			/would cost \$0\.\d\d, more than "Max Cost per Video" allows \(\$0\.01\)/,
		);
		expect(submits()).toEqual([]);
	});

	test('Max Cost per Run lets the first rows through and says what is spent', async () => {
		const quoted = await rig.run({
			items: [await makeRow()],
			parameters: { ...GENERATE, operation: 'quote' },
		});
		const price = Number(quoted.items[0]?.json.costUsd);
		const result = await rig.run({
			items: await makeRows(5),
			parameters: OPTIONS({ maxCostPerRun: price * 3 }),
			settings: { onError: 'continueRegularOutput' },
		});
		expect(rig.emulator.paidTasks()).toBe(3);
		expect(result.items.map(({ json }) => Boolean(json.error))).toEqual([
			false,
			false,
			false,
			true,
			true,
		]);
		expect(result.items[0]?.json.costUsd).toBe(price);
		expect(result.items[4]?.json.error).toContain(
			`$${(price * 3).toFixed(2)} are spent or promised`,
		);
		expect(result.items[4]?.json.details).toEqual({ costUsd: price });
	});
});

describe('Stop', () => {
	test('ends the run at once, submits nothing more, and leaves the IDs in log and context', async () => {
		await rig.close();
		rig = await startRig({ taskSeconds: 600, accountLevel: 'bronze' });
		let stop = (): void => {};
		const running = rig.run({
			items: await makeRows(6),
			parameters: GENERATE,
			onStart: (cancel) => (stop = cancel),
		});
		rig.emulator.onRequest('result', () => stop());
		const result = await running;
		expect(rig.emulator.paidTasks()).toBe(2);
		const permit = async (realMs: number) =>
			await rig.clock.runUntil(new Promise((resolve) => setTimeout(resolve, realMs)), rig.emulator);
		// What had left when Stop came may still arrive; from then on nothing does, however much time passes.
		await permit(30);
		const count = rig.emulator.requests().length;
		const stoppedAt = rig.clock.now();
		void rig.clock.sleep(3_600_000);
		await permit(200);
		expect(rig.clock.now()).toBeGreaterThan(stoppedAt);
		expect(rig.emulator.requests().length).toBe(count);
		for (const id of ids()) {
			expect(result.logs.join('\n')).toContain(id);
			expect(JSON.stringify(result.context)).toContain(id);
		}
		expect(result.logs.join('\n')).toMatch(
			/execution was stopped\. Tasks of its rows, which go on at WaveSpeed: row 1: /,
		);
	});
});
