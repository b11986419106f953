import type { HttpOutcome } from '../../nodes/shared/wavespeed/http/types';
import { waitForTask } from '../../nodes/shared/wavespeed/tasks/waitForTask';
import { nextGapMs, type WaitOptions } from '../../nodes/shared/wavespeed/tasks/waitStep';
import {
	answer,
	createRig,
	failureFrom,
	hang,
	LATENCY_MS,
	noReply,
	ok,
	rawTask,
	refusal,
	type Rig,
	type Step,
	stopped,
} from './support/api.mts';
import { createService } from './support/service.mts';
import { createVirtualTime, START_MS } from './support/virtualTime.mts';
import { Cancellation } from '../../nodes/shared/async/cancellation';
import { BackoffGate } from '../../nodes/shared/async/backoffGate';
import { Outages } from '../../nodes/shared/wavespeed/http/outages';
import { TaskReads } from '../../nodes/shared/wavespeed/tasks/taskReads';
import { ServiceClock } from '../../nodes/shared/wavespeed/http/serviceClock';

const OPTIONS: WaitOptions = {
	timeoutMs: 3_600_000,
	minGapMs: 5_000,
	firstGapMs: 5_000,
	startedAt: START_MS,
};
const running = (status = 'processing'): HttpOutcome =>
	ok(rawTask('t', status, { created_at: 'unknown' }));
const completed = ok(rawTask('t', 'completed'));

const wait = async ({ api, time }: Rig, options: Partial<WaitOptions> = {}) =>
	await time.run(waitForTask(api, 't', { ...OPTIONS, ...options }));

/** A real task of so many ms, and when it was checked, in ms since the start. */
async function watch(lastsMs: number, options: Partial<WaitOptions> = {}) {
	const time = createVirtualTime();
	const cancellation = new Cancellation();
	const service = createService(time, { tasks: [{ lastsMs, end: 'completed' }] });
	const { id } = service.addForeignTask();
	const clock = time.clockFor(cancellation);
	const api = {
		clock,
		cancellation,
		random: () => 0.5,
		send: service.connect(cancellation),
		readGate: new BackoffGate(() => 0.5),
		serviceClock: new ServiceClock(),
		outages: new Outages(),
		taskReads: new TaskReads(() => true),
	};
	const task = await time.run(waitForTask(api, id, { ...OPTIONS, ...options }));
	return { task, checks: service.requests.map(({ at }) => at - START_MS), endedAt: time.elapsed() };
}

describe('the gap between two checks', () => {
	it('is the smallest at first, then a tenth of the wait, and never longer than 30 s', () => {
		expect(
			[0, 10_000, 50_000, 51_000, 200_000, 300_000, 10_000_000].map((ms) => nextGapMs(ms, 5_000)),
		).toEqual([5_000, 5_000, 5_000, 5_100, 20_000, 30_000, 30_000]);
	});

	it('is never shorter than asked for, also above 30 s', () => {
		expect(nextGapMs(0, 45_000)).toBe(45_000);
		expect(nextGapMs(10_000_000, 45_000)).toBe(45_000);
		expect(nextGapMs(0, 1_000)).toBe(1_000);
	});
});

describe('waiting for a task', () => {
	it('takes at most 20 requests for 2 minutes and 60 for 20 minutes', async () => {
		expect((await watch(120_000)).checks.length).toBeLessThanOrEqual(20);
		expect((await watch(1_200_000)).checks.length).toBeLessThanOrEqual(60);
	});

	it.each([1_000, 30_000, 120_000, 1_200_000])(
		'sees the end of a task of %i ms within a tenth of its time, or the shortest gap',
		async (lastsMs) => {
			const { task, endedAt } = await watch(lastsMs);
			expect(task.status).toBe('completed');
			expect(endedAt - lastsMs).toBeLessThanOrEqual(Math.max(5_000, lastsMs * 0.1, 0) + 1_000);
			expect(endedAt - lastsMs).toBeLessThanOrEqual(31_000);
		},
	);

	it('grows its gaps and never checks before the shortest gap is over', async () => {
		const { checks } = await watch(1_200_000, { minGapMs: 7_000, firstGapMs: 7_000 });
		const gaps = checks.slice(1).map((at, index) => at - checks[index]!);
		expect(checks[0]).toBe(7_000);
		expect(Math.min(...gaps)).toBeGreaterThanOrEqual(7_000);
		// The answer itself takes a moment.
		expect(Math.max(...gaps)).toBeLessThanOrEqual(30_100);
		expect([...gaps].sort((a, b) => a - b)).toEqual(gaps);
	});

	it('looks at once when no first gap is asked for, and does not sleep after the answer', async () => {
		const rig = createRig([completed]);
		await wait(rig, { firstGapMs: 0 });
		expect(rig.time.sleeps).toEqual([]);
		expect(rig.time.elapsed()).toBe(LATENCY_MS);
	});

	it('does not sleep after the answer that says that the task has ended', async () => {
		const rig = createRig([running(), completed]);
		await wait(rig);
		expect(rig.time.sleeps).toEqual([5_000, 5_000]);
	});

	it('counts the wait from the start of the task, not of the call', async () => {
		const rig = createRig([running(), completed]);
		await wait(rig, { startedAt: START_MS - 200_000, firstGapMs: 0 });
		expect(rig.time.sleeps).toEqual([(200_000 + LATENCY_MS) * 0.1]);
	});

	it('takes the service’s word for the start of a task that somebody else has submitted', async () => {
		const created = new Date(START_MS - 100_000).toISOString();
		const rig = createRig([ok(rawTask('t', 'processing', { created_at: created })), completed]);
		await wait(rig, { startedAt: undefined, firstGapMs: 0 });
		expect(rig.time.sleeps).toEqual([(100_000 + LATENCY_MS) * 0.1]);
	});

	it('lets its gaps grow also when the service’s clock is ahead', async () => {
		const created = new Date(START_MS + 3_600_000).toISOString();
		const ahead = ok(rawTask('t', 'processing', { created_at: created }));
		const rig = createRig([...new Array<Step>(20).fill(ahead), completed]);
		await wait(rig, { startedAt: undefined, firstGapMs: 0 });
		expect(rig.time.sleeps[0]).toBe(5_000);
		expect(rig.time.sleeps.at(-1)).toBeGreaterThan(10_000);
	});

	it.each(['created', 'queued', 'PROCESSING', 'warming up', '', '__proto__', 'constructor'])(
		'goes on waiting while the status is "%s"',
		async (status) => {
			const rig = createRig([running(status), running(status), completed]);
			expect((await wait(rig)).status).toBe('completed');
			expect(rig.requests).toHaveLength(3);
		},
	);

	it.each(['completed', 'failed', 'cancelled', 'canceled', 'timeout', 'deleted', 'Failed'])(
		'ends with the task when the status is "%s"',
		async (status) => {
			const rig = createRig([running(status)]);
			expect((await wait(rig)).status).toBe(status);
			expect(rig.requests).toHaveLength(1);
		},
	);

	it('puts the ID into the URL as one segment', async () => {
		const rig = createRig([ok(rawTask('../a b?c', 'completed'))]);
		await rig.time.run(waitForTask(rig.api, '../a b?c', OPTIONS));
		expect(rig.requests[0]?.target).toEqual({ path: '/api/v3/predictions/..%2Fa%20b%3Fc/result' });
	});
});

describe('the time limit of a wait', () => {
	it('ends it with an error that names the task, its status and the time, and says that it goes on', async () => {
		const rig = createRig([running('queued')]);
		const failure = await failureFrom(wait(rig, { timeoutMs: 600_000 }));
		expect(failure.kind).toBe('waitTimedOut');
		expect(failure.message).toBe('The task has not ended after 10 minutes (last status: queued)');
		expect(failure.advice).toContain('goes on at WaveSpeed and is paid for');
		expect(failure.details).toEqual({ taskId: 't', status: 'queued' });
		expect(rig.time.elapsed()).toBe(600_000 + LATENCY_MS);
	});

	it('includes a last check at the limit itself', async () => {
		const rig = createRig((time) => [() => (time.elapsed() >= 12_000 ? completed : running())]);
		expect((await wait(rig, { timeoutMs: 12_000 })).status).toBe('completed');
		expect(rig.time.elapsed()).toBe(12_000 + LATENCY_MS);
	});

	it.each([1, 7_000, 61_000, 299_999, 3_600_000])(
		'of %i ms is never exceeded by a gap',
		async (timeoutMs) => {
			const rig = createRig([running()]);
			await failureFrom(wait(rig, { timeoutMs }));
			expect(rig.time.elapsed()).toBe(timeoutMs + LATENCY_MS);
		},
	);

	it.each<[string, Step]>([
		['resets', noReply],
		['server errors', refusal(503)],
		['unreadable answers', answer(200, '<html>')],
		['refusals for too many requests', refusal(429, '', { 'retry-after': '50' })],
		['answers of the wrong shape', ok({ status: 'completed' })],
	])('bounds the retries after %s', async (_, step) => {
		const rig = createRig([running('queued'), step]);
		const failure = await failureFrom(wait(rig, { timeoutMs: 300_000 }));
		expect(failure.kind).toBe('waitTimedOut');
		expect(failure.details).toEqual({ taskId: 't', status: 'queued' });
		expect(rig.time.elapsed()).toBeGreaterThan(300_000 - 60_000);
		expect(rig.time.elapsed()).toBeLessThanOrEqual(310_000);
	});

	it('bounds requests that hang', async () => {
		const rig = createRig((time) => [hang(time)]);
		const failure = await failureFrom(wait(rig, { timeoutMs: 65_000 }));
		expect(failure.kind).toBe('waitTimedOut');
		expect(rig.time.elapsed()).toBeLessThanOrEqual(75_100);
		expect(Math.max(...rig.requests.map(({ timeoutMs }) => timeoutMs))).toBeLessThanOrEqual(30_000);
	});

	it('names the status that was known before the first answer', async () => {
		const rig = createRig([noReply]);
		const failure = await failureFrom(wait(rig, { timeoutMs: 30_000, lastStatus: 'created' }));
		expect(failure.details.status).toBe('created');
	});
});

describe('a wait that is disturbed', () => {
	it('goes on through hours of passing failures', async () => {
		const outage: Step[] = new Array<Step>(200).fill(refusal(502));
		const rig = createRig([running(), ...outage, running(), completed]);
		expect((await wait(rig, { timeoutMs: 24 * 3_600_000 })).status).toBe('completed');
	});

	it.each([
		[401, 'credential'],
		[403, 'credential'],
		[400, 'refused'],
	] as const)(
		'ends at once after HTTP %i, keeps the ID and says that the task goes on',
		async (status, kind) => {
			const rig = createRig([running('queued'), refusal(status, 'no')]);
			const failure = await failureFrom(wait(rig));
			expect(failure).toMatchObject({ kind, details: { taskId: 't', status: 'queued' } });
			expect(failure.advice).toContain('The task goes on at WaveSpeed and is paid for');
			expect(failure.paid).toBe('told');
			expect(rig.requests).toHaveLength(2);
		},
	);

	it('takes "not found" for "not yet there" in the first minute of a task', async () => {
		const rig = createRig([refusal(404), refusal(404), completed]);
		expect((await wait(rig)).status).toBe('completed');
	});

	it('takes "not found" at its word afterwards, and for a task of unknown age, and says only that accepted tasks are paid for', async () => {
		const rigs = [
			{ rig: createRig([refusal(404)]), options: {} },
			{ rig: createRig([refusal(404)]), options: { startedAt: undefined, firstGapMs: 0 } },
		];
		for (const { rig, options } of rigs) {
			const failure = await failureFrom(wait(rig, options));
			expect(failure).toMatchObject({ kind: 'refused', httpStatus: 404, details: { taskId: 't' } });
			expect(failure.advice).toContain('Check the ID');
			expect(failure.advice).not.toMatch(/nothing was paid|goes on/i);
			expect(rig.time.elapsed()).toBeLessThan(95_000);
		}
	});

	it('ends at once when the run is halted, in a gap and in a request, and keeps the ID', async () => {
		for (const haltAt of [2_000, 5_005]) {
			const rig = createRig((time) => [hang(time)]);
			const { time, cancellation, api } = rig;
			void time.delay(haltAt).then(() => cancellation.cancel(stopped()));
			api.send = async (request) => {
				let forget = (): void => {};
				const cutOff = new Promise<never>((_, reject) => (forget = cancellation.onCancel(reject)));
				const answered = hang(time)(request);
				return await Promise.race([answered, cutOff]).finally(() => forget());
			};
			const failure = await failureFrom(wait(rig, { lastStatus: 'created' }));
			expect(failure).toMatchObject({
				kind: 'stopped',
				details: { taskId: 't', status: 'created' },
			});
			expect(time.elapsed()).toBe(haltAt);
		}
	});

	it('passes a mistake in the program on as it is, after one request', async () => {
		const rig = createRig([
			() => {
				throw new TypeError('undefined is not a function');
			},
		]);
		await expect(wait(rig)).rejects.toThrow(TypeError);
		expect(rig.requests).toHaveLength(1);
	});
});
