import { Cancellation } from '../../nodes/shared/async/cancellation';
import type { RowTask } from '../../nodes/shared/batch/runRow';
import { failureInWords, type FailureInWords } from './support/words.mts';
import { stopped } from './support/api.mts';
import { createRequest, createBatchRig, fileOf } from './support/batchRig.mts';
import type { SubmitFault } from './support/service.mts';
import type { Settled } from '../../nodes/shared/async/settle';

const taskIdOf = (outcome: Settled<RowTask> | undefined): string | undefined =>
	outcome?.ok ? outcome.value.submitted.taskId : undefined;

const failureIn = (outcome: Settled<RowTask> | undefined): FailureInWords => {
	if (!outcome || outcome.ok) throw new Error('the row did not fail');
	return failureInWords(outcome.error);
};

const idsOf = (outcomes: Settled<RowTask>[]): (string | undefined)[] => outcomes.map(taskIdOf);
const ONE = [createRequest()];
const TWO = [createRequest({ prompt: 'a' }), createRequest({ prompt: 'b' })];

/** Faults after which nobody knows, with a task or without. */
const WITH_TASK: SubmitFault[] = [
	'resetAfter',
	'hangAfter',
	'errorAfter',
	'htmlAfter',
	'cutOffAfter',
	'namelessAfter',
];
const WITHOUT_TASK: SubmitFault[] = ['resetBefore', 'hangBefore', 'errorBefore'];

describe('a submit', () => {
	it('is in the ledger before it leaves, and with its task before anything else happens', async () => {
		const { time, service, store, start } = createBatchRig();
		const states: unknown[] = [];
		const { outcomes } = start(ONE, {
			log: () => void states.push(...Object.values(store).map((entry) => ({ ...entry }))),
		});
		service.onAccepted = () =>
			void states.push(...Object.values(store).map((entry) => ({ ...entry })));
		await time.run(outcomes);
		expect(states).toMatchObject([{ state: 'sent' }, { state: 'accepted', taskId: 'task0' }]);
		expect(states[0]).not.toHaveProperty('taskId');
	});

	it('writes the ID of its task into the log at once', async () => {
		const { time, start } = createBatchRig();
		const { log, outcomes } = start(ONE);
		await time.advance(1_000);
		expect(log).toEqual(['Row 1: WaveSpeed accepted task task0']);
		await time.run(outcomes);
	});

	it('is sent again after each "too many requests", since nothing was accepted', async () => {
		const { service, attempt } = createBatchRig({
			submitFaults: ['tooMany', 'tooManyRetryAfter', 'tooMany'],
		});
		expect(idsOf(await attempt(ONE))).toEqual(['task0']);
		expect(service.submitsAt).toHaveLength(4);
		expect(service.tasks).toHaveLength(1);
	});

	it('gives up when everything has been refused for longer than the budget allows', async () => {
		const { time, service, store, attempt } = createBatchRig({
			submitFaults: new Array<SubmitFault>(1_000).fill('tooMany'),
		});
		const [outcome] = await attempt(ONE, { longestRateLimitMs: 10 * 60_000 });
		const failure = failureIn(outcome);
		expect(failure.kind).toBe('rateLimited');
		expect(failure.message).toMatch(/refused every submit for 1\d minutes/);
		expect(failure.paid).toBe('nothing');
		expect(time.elapsed()).toBeGreaterThanOrEqual(10 * 60_000);
		expect(time.elapsed()).toBeLessThan(12 * 60_000);
		expect(service.submitsAt.length).toBeLessThan(30);
		expect(store).toEqual({});
	});

	it('goes on in the line when others come through, however long they take', async () => {
		const { time, account, service, start } = createBatchRig();
		const { submitGate } = account;
		const waiter = { clock: time.clockFor(new Cancellation()), cancellation: new Cancellation() };
		const enter = async () => await submitGate.enter(waiter);
		const minute = 60_000;
		(await enter()).refused('1');
		// One request at a time now; the row is behind three.
		const others = [enter(), enter(), enter()];
		await time.advance(minute);
		const { outcomes } = start(ONE, { longestRateLimitMs: 10 * minute });
		await time.advance(5 * minute);
		(await others[0])?.accepted();
		await time.advance(10 * minute);
		(await others[1])?.release();
		(await others[2])?.release();
		expect(idsOf(await time.run(outcomes))).toEqual(['task0']);
		expect(service.submitsAt).toHaveLength(1);
	});

	it('says after an hour of refusals for how long, that nothing was paid, and what to do', async () => {
		const { service, attempt } = createBatchRig({
			submitFaults: new Array<SubmitFault>(1_000).fill('tooMany'),
		});
		// Some hear of it by their own answer, others in the line.
		const rows = Array.from({ length: 5 }, (_, row) => createRequest({ prompt: `${row}` }));
		const outcomes = await attempt(rows, { longestRateLimitMs: 60 * 60_000 });
		for (const failure of outcomes.map(failureIn)) {
			expect(failure).toMatchObject({ kind: 'rateLimited', paid: 'nothing' });
			expect(failure.message).toMatch(
				/refused every submit for 6\d minutes with "too many requests"/,
			);
			expect(failure.advice).toMatch(/Try again later, or choose the right account level/);
		}
		expect(service.tasks).toEqual([]);
	});

	it('is tried at least once by each run, also in the pause after an hour of refusals', async () => {
		const submitFaults = new Array<SubmitFault>(1_000).fill('tooMany');
		const { time, service, attempt } = createBatchRig({ submitFaults });
		const minute = 60_000;
		const ended: number[] = [];
		for (let run = 0; run < 10; run += 1) {
			const before = service.submitsAt.length;
			await attempt([createRequest({ prompt: `${run}` })], { longestRateLimitMs: 10 * minute });
			expect(service.submitsAt.length).toBeGreaterThan(before);
			ended.push(time.elapsed());
		}
		// Each further run asks once, after the pause that it found.
		expect(Math.max(...ended.slice(1).map((end, run) => end - ended[run]!))).toBeLessThan(
			1.5 * minute,
		);
		submitFaults.length = service.submitsAt.length;
		expect(idsOf(await attempt(ONE, { longestRateLimitMs: 10 * minute }))).toEqual(['task0']);
	});

	it('has all its time again when nobody has asked for long: one refusal at breakfast says nothing of the night', async () => {
		const submitFaults = new Array<SubmitFault>(1_000).fill('tooMany');
		const { time, service, attempt } = createBatchRig({ submitFaults });
		const minute = 60_000;
		await attempt(ONE, { longestRateLimitMs: 10 * minute });
		await time.advance(6 * 60 * minute);
		submitFaults.length = service.submitsAt.length + 2;
		const rows = ['a', 'b', 'c'].map((prompt) => createRequest({ prompt }));
		const outcomes = await attempt(rows, { longestRateLimitMs: 10 * minute });
		expect(outcomes.map(({ ok }) => ok)).toEqual([true, true, true]);
	});

	it('is sent again when nothing reached the service', async () => {
		const { service, attempt } = createBatchRig({ submitFaults: ['notSent', 'notSent'] });
		expect(idsOf(await attempt(ONE))).toEqual(['task0']);
		expect(service.countOf('/speech-to-video')).toBe(3);
		expect(service.countOf('/predictions')).toBe(0);
	});

	it('fails when nothing has reached the service for a minute and a half, and leaves no entry', async () => {
		const { time, service, store, attempt } = createBatchRig({
			submitFaults: new Array<SubmitFault>(10).fill('notSent'),
		});
		const failure = failureIn((await attempt(ONE))[0]);
		expect(failure).toMatchObject({ kind: 'unavailable', paid: 'nothing' });
		expect(time.elapsed()).toBeLessThan(100_000);
		expect(service.countOf('/predictions')).toBe(0);
		expect(store).toEqual({});
		await time.advance(1_000);
		expect(idsOf(await attempt(ONE))).toEqual(['task0']);
	});

	it('is not sent again when it was refused, and leaves no entry', async () => {
		const { service, store, attempt } = createBatchRig({ submitFaults: ['refused'] });
		const failure = failureIn((await attempt(ONE))[0]);
		expect(failure).toMatchObject({ kind: 'refused', httpStatus: 400 });
		expect(failure.message).toContain('the seed is out of range');
		expect(service.countOf('/speech-to-video')).toBe(1);
		expect(store).toEqual({});
	});

	it('does not leave when the run is halted while it waits for its turn', async () => {
		const { time, service, start } = createBatchRig();
		const { cancellation, outcomes } = start([...TWO, ...TWO], { submitsPerMinute: 1 });
		await time.advance(30_000);
		expect(service.submitsAt).toHaveLength(1);
		cancellation.cancel(stopped());
		const ended = await time.run(outcomes);
		expect(ended.map((outcome) => failureIn(outcome).kind)).toEqual(new Array(4).fill('stopped'));
		expect(time.elapsed()).toBe(30_000);
		await time.advance(600_000);
		expect(service.submitsAt).toHaveLength(1);
	});

	it('does not leave when the run is halted while it waits for another row’s search', async () => {
		const { time, service, start } = createBatchRig({
			submitFaults: ['resetBefore'],
			// The first row searches for half a minute; the second is ready to submit only meanwhile.
			listFaults: ['hang'],
			ticketFaults: ['error', 'error', 'error'],
		});
		const { cancellation, outcomes } = start([
			createRequest(),
			createRequest({ image: fileOf('x') }),
		]);
		await time.advance(20_000);
		expect(service.countOf('https://store.example/1')).toBe(1);
		cancellation.cancel(stopped());
		await time.run(outcomes);
		await time.advance(600_000);
		expect(service.countOf('/speech-to-video')).toBe(1);
	});

	it('keeps at most 100 submits under way, however many rows there are', async () => {
		const faults = Array.from({ length: 250 }, () => 'slow' as const);
		const { service, store, attempt } = createBatchRig({ submitFaults: faults });
		let most = 0;
		service.onAccepted = () => {
			const underWay = Object.values(store).filter(({ state }) => state === 'sent').length;
			most = Math.max(most, underWay);
		};
		const asks = faults.map((_, row) => createRequest({ prompt: `row ${row}` }));
		const outcomes = await attempt(asks, { tasksInFlight: 1_000, submitsPerMinute: 1_000 });
		expect(outcomes.every(({ ok }) => ok)).toBe(true);
		expect(service.tasks).toHaveLength(250);
		expect(most).toBe(100);
	});

	it.each([true, false])(
		'waits for a limit of its own execution without holding what others need (it waits for tasks: %s)',
		async (isWaitedFor) => {
			const { time, account, service, start } = createBatchRig();
			account.places.resize(20);
			const prompts = (name: string, count: number) =>
				Array.from({ length: count }, (_, row) => createRequest({ prompt: `${name} ${row}` }));
			const rows = { rowsAtOnce: 1_000, tasksInFlight: 20, submitsOnly: !isWaitedFor };
			const slow = start(prompts('slow', 300), { ...rows, submitsPerMinute: 1 });
			await time.advance(90_000);
			expect(service.submitsAt).toHaveLength(2);
			const others = start(prompts('other', 10), { ...rows, ledgerStore: {} });
			await time.advance(1_000);
			expect(service.submitsAt).toHaveLength(2 + 10);
			slow.cancellation.cancel(stopped());
			await time.run(Promise.all([slow.outcomes, others.outcomes]));
			expect(account.isIdle).toBe(true);
		},
	);

	it('that is under way at a cancellation is waited for, so that its task is known', async () => {
		const { time, store, start } = createBatchRig({ submitFaults: ['slow'] });
		const { cancellation, outcomes } = start(ONE);
		await time.advance(5_000);
		cancellation.cancel(stopped());
		const failure = failureIn((await time.run(outcomes))[0]);
		expect(failure).toMatchObject({ kind: 'stopped', details: { taskId: 'task0' } });
		expect(Object.values(store)).toMatchObject([{ state: 'accepted', taskId: 'task0' }]);
	});
});

describe('a submit without a clear answer', () => {
	it.each(WITH_TASK)(
		'is never sent again (%s): its task is found and waited for',
		async (fault) => {
			const { service, store, attempt } = createBatchRig({ submitFaults: [fault] });
			expect(idsOf(await attempt(ONE))).toEqual(['task0']);
			expect(service.countOf('/speech-to-video')).toBe(1);
			expect(Object.values(store)).toMatchObject([{ state: 'accepted', taskId: 'task0' }]);
		},
	);

	it.each(WITHOUT_TASK)('is never sent again (%s), also when no task is found', async (fault) => {
		const { service, store, attempt } = createBatchRig({ submitFaults: [fault] });
		const failure = failureIn((await attempt(ONE))[0]);
		expect(failure.kind).toBe('submitUnknown');
		expect(failure.advice).toContain('Probably nothing was paid');
		expect(service.countOf('/speech-to-video')).toBe(1);
		expect(Object.values(store)).toMatchObject([{ state: 'sent' }]);
	});

	it('looks a second time, for a task that takes a while to show up', async () => {
		const { attempt } = createBatchRig({ submitFaults: ['resetAfter'], listLagMs: 8_000 });
		expect(idsOf(await attempt(ONE))).toEqual(['task0']);
	});

	it('finds the task for the row in its log', async () => {
		const { time, start } = createBatchRig({ submitFaults: ['resetAfter'] });
		const { log, outcomes } = start(ONE);
		await time.run(outcomes);
		expect(log).toEqual([
			expect.stringContaining('Row 1: WaveSpeed gave no clear answer to the submit'),
			'Row 1: found task task0 after a submit without a clear answer',
		]);
	});

	it('names the candidates and takes none when several could be meant', async () => {
		const { service, store, attempt } = createBatchRig({ submitFaults: ['resetAfter'] });
		service.addForeignTask();
		const failure = failureIn((await attempt(ONE))[0]);
		expect(failure.kind).toBe('submitUnknown');
		expect(failure.details.candidateTaskIds).toEqual(['task1', 'task0']);
		expect(failure.message).toContain('task1, task0');
		expect(Object.values(store)).toMatchObject([{ state: 'sent' }]);

		const again = failureIn((await attempt(ONE))[0]);
		expect(again.details.candidateTaskIds).toEqual(['task1', 'task0']);
		expect(service.countOf('/speech-to-video')).toBe(1);
	});

	it('takes the right one of several where the service repeats inputs', async () => {
		const { service, attempt } = createBatchRig({ submitFaults: ['resetAfter'], echoInput: true });
		service.addForeignTask();
		expect(idsOf(await attempt(ONE))).toEqual(['task1']);
	});

	it('gives two rows that were lost together one task each, or none', async () => {
		const faults: SubmitFault[] = ['resetAfter', 'resetAfter'];
		const silent = createBatchRig({ submitFaults: faults });
		expect(idsOf(await silent.attempt(TWO))).toEqual([undefined, undefined]);
		const echoing = createBatchRig({ submitFaults: faults, echoInput: true });
		expect(idsOf(await echoing.attempt(TWO)).sort()).toEqual(['task0', 'task1']);
	});

	it('gives no task to two rows that ask for exactly the same', async () => {
		const same = [createRequest({ seed: 5 }), createRequest({ seed: 5 })];
		const { service, attempt } = createBatchRig({
			submitFaults: ['resetAfter', 'resetAfter'],
			echoInput: true,
		});
		expect(idsOf(await attempt(same)).sort()).toEqual(['task0', 'task1']);
		expect(service.tasks).toHaveLength(2);
	});

	it('gives each task to one of the rows that ask for the same and look at the same list', async () => {
		const { service, attempt } = createBatchRig({
			submitFaults: new Array<SubmitFault>(5).fill('resetAfter'),
			echoInput: true,
		});
		const same = Array.from({ length: 5 }, () => createRequest({ seed: 5 }));
		expect(new Set(idsOf(await attempt(same)))).toEqual(new Set(service.tasks.map(({ id }) => id)));
	});

	it('does not take the task of a row whose answer is still on its way', async () => {
		const { service, attempt } = createBatchRig({ submitFaults: ['slow', 'resetBefore'] });
		const outcomes = await attempt(TWO);
		expect(taskIdOf(outcomes[0])).toBe('task0');
		expect(failureIn(outcomes[1]).kind).toBe('submitUnknown');
		expect(failureIn(outcomes[1]).details).toEqual({});
		expect(service.tasks).toHaveLength(1);
	});

	it('says that a task may exist when the list cannot be read', async () => {
		const { attempt } = createBatchRig({
			submitFaults: ['resetAfter'],
			listFaults: new Array(20).fill('error'),
		});
		const failure = failureIn((await attempt(ONE))[0]);
		expect(failure.kind).toBe('submitUnknown');
		expect(failure.message).toContain('task list could not be read');
		expect(failure.advice).toContain('may exist and be paid for');
		expect(failure.paid).toBe('told');
	});

	it('ends its search at once when the run is halted, and keeps its entry', async () => {
		const { time, store, start } = createBatchRig({
			submitFaults: ['resetAfter'],
			listLagMs: 5_000,
		});
		const { cancellation, outcomes } = start(ONE);
		await time.advance(1_000);
		cancellation.cancel(stopped());
		expect(failureIn((await time.run(outcomes))[0]).kind).toBe('stopped');
		expect(time.elapsed()).toBe(1_000);
		expect(Object.values(store)).toMatchObject([{ state: 'sent' }]);
	});
});

describe('a retry after a submit without a clear answer', () => {
	it('looks again a minute after the attempt, and sends when there is still nothing', async () => {
		const { time, service, attempt } = createBatchRig({ submitFaults: ['resetBefore'] });
		await attempt(ONE);
		const lists = service.countOf('/predictions');
		const endedAt = 40;
		expect(idsOf(await attempt(ONE))).toEqual(['task0']);
		const later = service.requests
			.filter(({ request }) => request.method === 'POST')
			.slice(1 + lists);
		expect(later.map(({ request }) => 'path' in request.target && request.target.path)).toEqual([
			'/api/v3/predictions',
			'/api/v3/wavespeed-ai/wan-2.2/speech-to-video',
		]);
		expect(later[0]!.at - time.now() + time.elapsed()).toBeGreaterThanOrEqual(endedAt + 60_000);
		expect(service.tasks).toHaveLength(1);
	});

	it('takes the task that has shown up meanwhile instead of paying for another', async () => {
		const { service, attempt } = createBatchRig({
			submitFaults: ['hangAfter'],
			listLagMs: 175_000,
		});
		expect(failureIn((await attempt(ONE))[0]).kind).toBe('submitUnknown');
		const [outcome] = await attempt(ONE);
		expect(taskIdOf(outcome)).toBe('task0');
		expect(outcome?.ok && outcome.value.submitted.isResumed).toBe(true);
		expect(service.tasks).toHaveLength(1);
	});

	it('takes a task that the service made only after the answer was lost', async () => {
		const { service, attempt } = createBatchRig({ submitFaults: ['lateAfter'] });
		expect(failureIn((await attempt(ONE))[0]).kind).toBe('submitUnknown');
		expect(idsOf(await attempt(ONE))).toEqual(['task0']);
		expect(service.tasks).toHaveLength(1);
	});

	it('does not wait when the attempt was more than a minute ago', async () => {
		const { time, service, attempt } = createBatchRig({ submitFaults: ['resetBefore'] });
		await attempt(ONE);
		await time.advance(90_000);
		const before = time.now();
		await attempt(ONE);
		expect(service.tasks[0]!.createdAt - before).toBeLessThan(1_000);
	});

	it('does not send while the list cannot be read', async () => {
		const { service, attempt } = createBatchRig({
			submitFaults: ['resetBefore'],
			// Three looks right after the loss, each of them one page.
			listFaults: ['none', 'none', 'none', ...new Array<'error'>(5).fill('error')],
		});
		await attempt(ONE);
		expect(failureIn((await attempt(ONE))[0]).kind).toBe('submitUnknown');
		expect(service.countOf('/speech-to-video')).toBe(1);
		expect(idsOf(await attempt(ONE))).toEqual(['task0']);
	});
});
