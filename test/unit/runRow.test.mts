import { quoteRow, submitRow } from '../../nodes/shared/batch/runRow';
import { failureInWords, type FailureInWords } from './support/words.mts';
import { failureFrom, refusal } from './support/api.mts';
import { type Connection, createRequest, createBatchRig, fileOf } from './support/batchRig.mts';
import type { Settled } from '../../nodes/shared/async/settle';

const failureIn = (outcome: Settled<unknown> | undefined): FailureInWords => {
	if (!outcome || outcome.ok) throw new Error('the row did not fail');
	return failureInWords(outcome.error);
};
const asks = (count: number, more = {}) =>
	Array.from({ length: count }, (_, row) => createRequest({ prompt: `row ${row}`, ...more }));

describe('a batch', () => {
	it('takes the time of one task when the account allows all rows side by side', async () => {
		const { time, service, attempt } = createBatchRig();
		const outcomes = await attempt(asks(20), { tasksInFlight: 20 });
		expect(outcomes.every(({ ok }) => ok)).toBe(true);
		expect(service.tasks).toHaveLength(20);
		expect(time.elapsed()).toBeLessThan(70_000);
	});

	it('keeps no more tasks in flight than allowed, and no place empty', async () => {
		const { time, service, attempt } = createBatchRig();
		let most = 0;
		service.onAccepted = () => {
			const running = service.tasks.filter(({ endsAt }) => endsAt > time.now()).length;
			most = Math.max(most, running);
		};
		await attempt(asks(6), { tasksInFlight: 2 });
		expect(most).toBe(2);
		// Three rounds of a minute, each seen by a check within a tenth of it.
		expect(time.elapsed()).toBeLessThan(3 * 67_000);
	});

	it('returns the rows in their order, whichever ends first', async () => {
		const lasts = [90_000, 10_000, 50_000, 20_000];
		const { time, start } = createBatchRig({
			tasks: lasts.map((lastsMs) => ({ lastsMs, end: 'completed' })),
		});
		const { ended, outcomes } = start(asks(4));
		const results = await time.run(outcomes);
		expect(results.map((outcome) => outcome.ok && outcome.value.submitted.input.prompt)).toEqual(
			asks(4).map(({ prompt }) => prompt),
		);
		expect(ended).toEqual([1, 3, 2, 0]);
	});

	it('is not touched by one bad row', async () => {
		const { attempt } = createBatchRig({ submitFaults: ['none', 'refused'] });
		const outcomes = await attempt(asks(3));
		expect(outcomes.map(({ ok }) => ok)).toEqual([true, false, true]);
	});

	it('uploads a file once that all rows share, and draws each row its own seed', async () => {
		const { service, attempt } = createBatchRig();
		const outcomes = await attempt(asks(30, { image: fileOf('the same picture') }), {
			tasksInFlight: 30,
		});
		expect(service.countOf('/media/uploads')).toBe(1);
		const seeds = outcomes.map((outcome) => outcome.ok && outcome.value.submitted.input.seed);
		expect(new Set(seeds).size).toBe(30);
	});

	it('draws whole seeds within the range of the API, and keeps one that was asked for', async () => {
		const { service, attempt } = createBatchRig();
		await attempt([
			createRequest(),
			createRequest({ seed: 0 }),
			createRequest({ seed: 2_147_483_647 }),
		]);
		const seeds = service.tasks.map(({ input }) => input.seed);
		expect(seeds.slice(1)).toEqual([0, 2_147_483_647]);
		expect(Number.isInteger(seeds[0])).toBe(true);
		expect(seeds[0]).toBeGreaterThanOrEqual(0);
	});
});

describe('a retry of a batch', () => {
	it('goes on with the tasks of the first attempt and pays for none of them again', async () => {
		const { service, attempt } = createBatchRig({ pollFaults: ['unauthorized', 'unauthorized'] });
		const first = await attempt(asks(3));
		expect(first.map(({ ok }) => ok)).toEqual([false, false, true]);
		const second = await attempt(asks(3));
		expect(second.map((outcome) => outcome.ok && outcome.value.submitted.taskId)).toEqual([
			'task0',
			'task1',
			'task2',
		]);
		expect(service.tasks).toHaveLength(3);
	});

	it('looks at once at a task that may have ended long ago', async () => {
		const { time, attempt } = createBatchRig({ pollFaults: ['unauthorized'] });
		await attempt(asks(1));
		await time.advance(600_000);
		const before = time.now();
		await attempt(asks(1));
		expect(time.now() - before).toBeLessThan(1_000);
	});

	it('sends a row again whose task failed for a passing reason', async () => {
		const { service, store, attempt } = createBatchRig({
			tasks: [{ lastsMs: 20_000, end: 'failed' }],
		});
		const first = (await attempt(asks(1)))[0];
		expect(first?.ok && first.value.task.status).toBe('failed');
		expect(service.tasks).toHaveLength(1);
		const second = (await attempt(asks(1)))[0];
		expect(second?.ok && second.value.submitted).toMatchObject({
			taskId: 'task1',
			isResumed: false,
		});
		expect(Object.values(store)).toMatchObject([{ taskId: 'task1', earlierTaskIds: ['task0'] }]);
	});

	it('does not send a row again whose task was refused for a lasting reason', async () => {
		const { service, attempt } = createBatchRig({ tasks: [{ lastsMs: 20_000, end: 'refused' }] });
		await attempt(asks(1));
		const second = (await attempt(asks(1)))[0];
		expect(second?.ok && second.value.task).toMatchObject({
			id: 'task0',
			status: 'failed',
			errorCode: 1402,
		});
		expect(service.tasks).toHaveLength(1);
	});

	it.each([
		['the search finds it', ['resetAfter'], 1],
		['there is none', ['resetBefore'], 0],
	] as const)(
		'looks once for the lost submit of a row that has changed, and delays nothing (%s)',
		async (_, submitFaults, found) => {
			const { time, service, start } = createBatchRig({
				submitFaults: [...submitFaults],
				listLagMs: 30_000,
			});
			await time.run(start([createRequest({ prompt: 'before' })]).outcomes);
			await time.advance(60_000);
			const sentBefore = service.submitsAt.length;
			const startedAt = time.now();
			const { log, outcomes } = start([createRequest({ prompt: 'after' })]);
			expect((await time.run(outcomes)).map(({ ok }) => ok)).toEqual([true]);
			expect((service.submitsAt[sentBefore] ?? Infinity) - startedAt).toBeLessThan(1_000);
			expect(log.filter((line) => line.includes('of an earlier try'))).toHaveLength(found);
			expect(service.tasks).toHaveLength(1 + found);
		},
	);

	it('submits anew what has changed', async () => {
		const { service, attempt } = createBatchRig();
		await attempt([createRequest({ prompt: 'before' })]);
		await attempt([createRequest({ prompt: 'after' })]);
		expect(service.tasks).toHaveLength(2);
	});

	it('submits anew in another round of a loop', async () => {
		const { service, attempt } = createBatchRig();
		await attempt(asks(1), { runIndex: 0 });
		await attempt(asks(1), { runIndex: 1 });
		await attempt(asks(1), { runIndex: 1 });
		expect(service.tasks).toHaveLength(2);
	});

	it('keeps the account’s limit while it looks for tasks that may be running', async () => {
		const { time, service, attempt } = createBatchRig({
			submitFaults: ['resetAfter', 'refused', 'refused', 'refused'],
			listLagMs: 55_000,
			tasks: [{ lastsMs: 600_000, end: 'completed' }],
		});
		await attempt(asks(4), { tasksInFlight: 1 });
		let most = 0;
		service.onAccepted = () => {
			most = Math.max(most, service.tasks.filter(({ endsAt }) => endsAt > time.now()).length);
		};
		const outcomes = await attempt(asks(4), { tasksInFlight: 1 });
		expect(outcomes.every(({ ok }) => ok)).toBe(true);
		expect(most).toBe(1);
	});
});

describe('the cost limits', () => {
	it('refuse a row that is too dear alone, before it is submitted', async () => {
		const { service, attempt } = createBatchRig({ price: 0.5 });
		const failure = failureIn((await attempt(asks(1, { maxCostPerVideo: 0.49 })))[0]);
		expect(failure).toMatchObject({ kind: 'costLimit', details: { costUsd: 0.5 } });
		expect(failure.message).toContain('$0.50');
		expect(failure.message).toContain('$0.49');
		expect(service.submitsAt).toHaveLength(0);
	});

	it('let a row through that costs exactly the limit', async () => {
		const { attempt } = createBatchRig({ price: 0.5 });
		const [outcome] = await attempt(asks(1, { maxCostPerVideo: 0.5 }));
		expect(outcome?.ok && outcome.value.submitted.costUsd).toBe(0.5);
	});

	it('let the first rows through that fit, and refuse those above', async () => {
		const { service, attempt } = createBatchRig({ price: 0.1 });
		const outcomes = await attempt(asks(5, { maxCostPerRun: 0.3 }));
		expect(outcomes.map(({ ok }) => ok)).toEqual([true, true, true, false, false]);
		expect(failureIn(outcomes[3]).message).toContain('$0.30 are spent or promised');
		expect(service.tasks).toHaveLength(3);
	});

	it('allow nothing at 0 and everything that is free', async () => {
		const dear = createBatchRig({ price: 0.1 });
		expect((await dear.attempt(asks(1, { maxCostPerRun: 0 })))[0]?.ok).toBe(false);
		const free = createBatchRig({ price: 0 });
		expect((await free.attempt(asks(1, { maxCostPerRun: 0, maxCostPerVideo: 0 })))[0]?.ok).toBe(
			true,
		);
	});

	it('count what an earlier attempt has spent', async () => {
		const { service, attempt } = createBatchRig({ price: 0.2, pollFaults: ['unauthorized'] });
		const limit = { maxCostPerRun: 0.4 };
		await attempt(asks(1, limit));
		const outcomes = await attempt(asks(3, limit));
		expect(outcomes.map(({ ok }) => ok)).toEqual([true, true, false]);
		expect(service.tasks).toHaveLength(2);
	});

	it('count what an earlier attempt has spent without a limit, whose prices are asked for then', async () => {
		const { service, attempt } = createBatchRig({
			price: 0.2,
			pollFaults: ['unauthorized', 'unauthorized'],
		});
		await attempt(asks(2));
		expect(service.countOf('/price')).toBe(0);
		const outcomes = await attempt(asks(5, { maxCostPerRun: 0.6 }));
		expect(outcomes.map(({ ok }) => ok)).toEqual([true, true, true, false, false]);
		expect(service.tasks).toHaveLength(3);
		// Of both earlier rows once, and of the three new ones.
		expect(service.countOf('/price')).toBe(5);
	});

	it('refuse a row where the price of what an earlier attempt has submitted can not be had', async () => {
		const { service, attempt } = createBatchRig({ pollFaults: ['unauthorized'] });
		await attempt([createRequest({ resolution: '720p' })]);
		const connectThrough = ({ clock, send }: Connection): Connection => ({
			clock,
			send: async (request) =>
				'path' in request.target &&
				request.target.path.endsWith('/price') &&
				JSON.stringify(request.json).includes('720p')
					? refusal(400, 'no such file')
					: await send(request),
		});
		const limit = { maxCostPerRun: 100 };
		const [, outcome] = await attempt(
			[createRequest({ resolution: '720p', ...limit }), createRequest(limit)],
			{ connectThrough },
		);
		expect(failureIn(outcome).message).toMatch(/task that row 1 has already.*no such file/);
		expect(failureIn(outcome).paid).toBe('nothingForThisRow');
		expect(service.tasks).toHaveLength(1);
	});

	it('do not count a submit that has turned out to have made no task', async () => {
		const { service, attempt } = createBatchRig({ price: 0.2, submitFaults: ['resetBefore'] });
		const limit = { maxCostPerRun: 0.3 };
		await attempt(asks(1, limit));
		const outcomes = await attempt(asks(1, limit));
		expect(outcomes.map(({ ok }) => ok)).toEqual([true]);
		expect(service.tasks).toHaveLength(1);
	});

	it('do not count a task that failed for a passing reason, since it is refunded', async () => {
		const { attempt } = createBatchRig({ price: 0.2, tasks: [{ lastsMs: 20_000, end: 'failed' }] });
		const limit = { maxCostPerRun: 0.3 };
		await attempt(asks(1, limit));
		const [outcome] = await attempt(asks(1, limit));
		expect(outcome?.ok && outcome.value.task.status).toBe('completed');
	});

	it('do not count a submit that was refused', async () => {
		const { attempt } = createBatchRig({ price: 0.2, submitFaults: ['refused'] });
		// One after the other: the second decides after the first was refused.
		const outcomes = await attempt(asks(2, { maxCostPerRun: 0.3 }), { rowsAtOnce: 1 });
		expect(outcomes.map(({ ok }) => ok)).toEqual([false, true]);
	});

	it('never let a retried row wait for one that has not begun', async () => {
		const limit = { maxCostPerRun: 100 };
		const { service, attempt } = createBatchRig({
			// The first three rows are refused, the last three fail and are sent again.
			submitFaults: ['refused', 'refused', 'refused'],
			tasks: new Array(3).fill({ lastsMs: 20_000, end: 'failed' }),
		});
		const first = await attempt(asks(6, limit));
		expect(first.map(({ ok }) => ok)).toEqual([false, false, false, true, true, true]);
		const second = await attempt(asks(6, limit), { rowsAtOnce: 2 });
		expect(second.map((outcome) => outcome.ok && outcome.value.task.status)).toEqual(
			new Array(6).fill('completed'),
		);
		expect(service.tasks).toHaveLength(9);
	});

	it('never let a row with a lost submit wait for one that has not begun', async () => {
		const limit = { maxCostPerRun: 100 };
		const { attempt } = createBatchRig({
			submitFaults: ['refused', 'refused', 'resetBefore', 'resetBefore'],
		});
		await attempt(asks(4, limit));
		const second = await attempt(asks(4, limit), { rowsAtOnce: 2 });
		expect(second.every(({ ok }) => ok)).toBe(true);
	});
});

describe('the wait for a row’s task', () => {
	it('names task and cost when it ends too early', async () => {
		const { attempt } = createBatchRig({
			price: 0.2,
			tasks: [{ lastsMs: 7_200_000, end: 'completed' }],
		});
		const [outcome] = await attempt(asks(1, { maxCostPerRun: 1 }));
		expect(failureIn(outcome)).toMatchObject({
			kind: 'waitTimedOut',
			details: { taskId: 'task0', status: 'processing', costUsd: 0.2 },
		});
	});
});

describe('submitting without waiting', () => {
	const submit = async (rig: ReturnType<typeof createBatchRig>) => {
		const { batch } = rig.start([]);
		return await rig.time.run(submitRow(batch, 0, createRequest()));
	};

	it('returns the new task as it is', async () => {
		const rig = createBatchRig();
		const { submitted, task } = await submit(rig);
		expect(submitted).toMatchObject({ taskId: 'task0', isResumed: false });
		expect(task.status).toBe('processing');
		expect(rig.service.countOf('/result')).toBe(0);
	});

	it('returns the task of an earlier attempt as it is now', async () => {
		const rig = createBatchRig();
		await submit(rig);
		await rig.time.advance(120_000);
		const { submitted, task } = await submit(rig);
		expect(submitted).toMatchObject({ taskId: 'task0', isResumed: true });
		expect(task.status).toBe('completed');
		expect(rig.service.tasks).toHaveLength(1);
	});

	it('sends again after a passing failure of the earlier task only', async () => {
		for (const [end, count] of [
			['failed', 2],
			['cancelled', 1],
			['refused', 1],
		] as const) {
			const rig = createBatchRig({ tasks: [{ lastsMs: 1_000, end }] });
			await submit(rig);
			await rig.time.advance(120_000);
			await submit(rig);
			expect(rig.service.tasks).toHaveLength(count);
		}
	});

	it('keeps the ID of the earlier task when it cannot be read, and does not say that nothing was paid', async () => {
		const rig = createBatchRig({ pollFaults: ['unauthorized'] });
		await submit(rig);
		const failure = await failureFrom(submit(rig));
		expect(failure).toMatchObject({ kind: 'credential', details: { taskId: 'task0' } });
		expect(failure.paid).toBe('told');
		expect(rig.service.tasks).toHaveLength(1);
	});
});

describe('a quote', () => {
	it('uploads and asks, and submits nothing', async () => {
		const { time, service, store, start } = createBatchRig({ price: 0 });
		const { batch } = start([]);
		const ready = createRequest({ image: fileOf('x') });
		const { costUsd, input } = await time.run(quoteRow(batch, ready));
		expect(costUsd).toBe(0);
		expect(input.image).toBe('https://files.example/1');
		expect(service.submitsAt).toHaveLength(0);
		expect(store).toEqual({});
	});
});
