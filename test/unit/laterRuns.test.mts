import { Account } from '../../nodes/shared/account/account';
import { SigningSecret } from '../../nodes/shared/account/signingSecret';
import { Submissions } from '../../nodes/shared/account/submissions';
import { BackoffGate } from '../../nodes/shared/async/backoffGate';
import { Cancellation } from '../../nodes/shared/async/cancellation';
import { settle, type Settled } from '../../nodes/shared/async/settle';
import { quoteRow, type RowTask } from '../../nodes/shared/batch/runRow';
import { type ApiContext, requestWithRetry } from '../../nodes/shared/wavespeed/http/request';
import type { HttpOutcome, HttpRequest } from '../../nodes/shared/wavespeed/http/types';
import { waitForTask } from '../../nodes/shared/wavespeed/tasks/waitForTask';
import { createRig, noReply, ok, refusal, stopped } from './support/api.mts';
import {
	type AttemptOptions,
	createBatchRig,
	createRandom,
	createRequest,
	fileOf,
} from './support/batchRig.mts';
import type { SubmitFault } from './support/service.mts';
import { createVirtualTime } from './support/virtualTime.mts';
import { failureInWords } from './support/words.mts';

/**
 * What the process keeps of an account must not harm a run that begins later: what was refused in the night, a run that was
 * stopped, hours of sleep. And many runs that are refused together end together.
 */

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const many = (fault: SubmitFault, count = 100_000) => new Array<SubmitFault>(count).fill(fault);
const BRONZE = { tasksInFlight: 2, submitsPerMinute: 2, longestRateLimitMs: HOUR };
const ULTRA = { tasksInFlight: 10_000, submitsPerMinute: 5_000, longestRateLimitMs: HOUR };

const createBronze = (now: number) => new Account('bronze', createRandom(), new Submissions(now));

const wordsOf = (outcome: Settled<RowTask> | undefined): string => {
	if (!outcome) return 'nothing';
	return outcome.ok ? 'ok' : failureInWords(outcome.error).message;
};

const pathOf = ({ target }: HttpRequest): string => ('path' in target ? target.path : '');

type Say = (path: string, request: HttpRequest) => Promise<HttpOutcome | undefined>;

/** What the network says in the place of the service; undefined: the service answers. */
const through = (say: Say): Pick<AttemptOptions, 'connectThrough'> => ({
	connectThrough: ({ clock, send }) => ({
		clock,
		send: async (request) => (await say(pathOf(request), request)) ?? (await send(request)),
	}),
});

const readPrice = async (api: ApiContext) =>
	await settle(
		requestWithRetry(
			api,
			{
				purpose: { action: 'quote' },
				request: { method: 'POST', target: { path: '/api/v3/model/price' } },
				parse: (data) => data,
			},
			{ deadline: api.clock.now() + 30_000, maxAttempts: 1 },
		),
	);

describe('runs whose submits are refused for an hour', () => {
	it('end together, however many wait for the few places', async () => {
		const { time, start } = createBatchRig({ submitFaults: many('tooMany') });
		const account = createBronze(time.now());
		const ends: number[] = [];
		const runs = Array.from({ length: 200 }, async (_, run) => {
			const options = { account, ledgerStore: {}, ...BRONZE };
			await start([createRequest({ prompt: `${run}` })], options).outcomes;
			ends.push(time.elapsed() / MINUTE);
		});
		await time.run(Promise.all(runs));
		expect(ends).toHaveLength(200);
		expect(Math.max(...ends)).toBeLessThan(65);
	});

	it('wait no longer, and are no more, with one that begins every 20 seconds', async () => {
		const { time, start } = createBatchRig({ submitFaults: many('tooMany') });
		const account = createBronze(time.now());
		let [open, longest] = [0, 0];
		const runs: Promise<unknown>[] = [];
		for (let run = 0; run < 720; run += 1) {
			const begunAt = time.elapsed();
			open += 1;
			const options = { account, ledgerStore: {}, ...BRONZE };
			const { outcomes } = start([createRequest({ prompt: `${run}` })], options);
			runs.push(
				outcomes.then(() => {
					open -= 1;
					longest = Math.max(longest, time.elapsed() - begunAt);
				}),
			);
			await time.advance(20_000);
		}
		expect(open).toBeLessThan(20);
		await time.run(Promise.all(runs));
		expect(longest).toBeLessThan(65 * MINUTE);
	});

	it('do not go one by one because of submits that were lost a day before', async () => {
		const submitFaults = [...many('errorBefore', 3), ...many('tooMany')];
		const { time, attempt, start } = createBatchRig({ submitFaults });
		for (const prompt of ['a', 'b', 'c']) {
			await attempt([createRequest({ prompt })], { ...ULTRA, ledgerStore: {} });
		}
		await time.advance(24 * HOUR);
		const begunAt = time.elapsed();
		const runs = Array.from({ length: 300 }, async (_, run) => {
			await start([createRequest({ prompt: `${run}` })], { ...ULTRA, ledgerStore: {} }).outcomes;
		});
		await time.run(Promise.all(runs));
		expect(time.elapsed() - begunAt).toBeLessThan(65 * MINUTE);
	});

	it('keep no retry waiting whose task has ended', async () => {
		const submitFaults: SubmitFault[] = ['none', 'refused', ...many('tooMany')];
		const { time, start } = createBatchRig({ submitFaults });
		const options = { ...BRONZE, account: createBronze(time.now()) };
		const ledgerStore = {};
		const rows = [createRequest({ prompt: 'mine' }), createRequest({ prompt: 'bad' })];
		await time.run(start(rows, { ...options, ledgerStore }).outcomes);
		for (let run = 0; run < 100; run += 1) {
			start([createRequest({ prompt: `${run}` })], { ...options, ledgerStore: {} });
		}
		await time.advance(5 * MINUTE);
		const begunAt = time.elapsed();
		const retry = start(rows.slice(0, 1), { ...options, ledgerStore });
		expect((await time.run(retry.outcomes)).map(wordsOf)).toEqual(['ok']);
		expect(time.elapsed() - begunAt).toBeLessThan(MINUTE);
	});

	it.each([0, 5, 20])(
		'keep a row waiting no longer for %d others of its retry that have ended',
		async (count) => {
			const ended = new Array(count).fill({ lastsMs: 1_000, end: 'completed' });
			const tasks = [...ended, { lastsMs: 8 * MINUTE, end: 'completed' }];
			const { time, account, start } = createBatchRig({ tasks });
			let isRefusing = false;
			const refuse: Say = async (path) => {
				await time.delay(80);
				return isRefusing && path.endsWith('/speech-to-video')
					? refusal(429, 'too many')
					: undefined;
			};
			const limits = { tasksInFlight: 100, submitsPerMinute: 1_000, longestRateLimitMs: HOUR };
			const options = { account, ...limits, ...through(refuse) };
			const rows = tasks.map((_, row) => createRequest({ prompt: `${row}` }));
			const ledgerStore = {};
			const first = start(rows, { ...options, ledgerStore });
			await time.advance(3_000);
			first.cancellation.cancel(stopped());
			await time.run(first.outcomes);
			isRefusing = true;
			account.places.resize(2);
			for (let run = 0; run < 10; run += 1) {
				start([createRequest({ prompt: `other ${run}` })], { ...options, ledgerStore: {} });
			}
			await time.advance(2 * MINUTE);
			const begunAt = time.elapsed();
			await time.run(start(rows, { ...options, ledgerStore }).outcomes);
			expect(time.elapsed() - begunAt).toBeLessThan(10 * MINUTE);
		},
	);

	it('end also where another run’s bad row is refused now and then for what is wrong with it', async () => {
		const { time, attempt, start } = createBatchRig({ submitFaults: many('tooMany') });
		const refuseBad: Say = async (_, { json }) =>
			await Promise.resolve(json?.prompt === 'bad' ? refusal(400, 'bad parameter') : undefined);
		const options = { ledgerStore: {}, longestRateLimitMs: HOUR, ...through(refuseBad) };
		let isOver = false;
		const ours = start([createRequest({ prompt: 'ours' })], options);
		void ours.outcomes.then(() => (isOver = true));
		for (let count = 0; count < 6 && !isOver; count += 1) {
			await time.advance(HOUR / 2);
			await attempt([createRequest({ prompt: 'bad' })], { ...options, ledgerStore: {} });
		}
		expect(isOver).toBe(true);
	});
});

it('a batch goes on when its own tasks have ended, whatever other runs were told meanwhile', async () => {
	const tasks = new Array(2).fill({ lastsMs: 70 * MINUTE, end: 'completed' });
	const { time, service, start } = createBatchRig({ tasks });
	const isRunning = ({ endsAt }: { endsAt: number }): boolean => endsAt > time.now();
	const refuseThird: Say = async (path) => {
		if (!path.endsWith('/speech-to-video')) return undefined;
		if (service.tasks.filter(isRunning).length < 2) return undefined;
		await time.delay(80);
		return refusal(429, 'You have reached your concurrency limit');
	};
	const options = { ...BRONZE, account: createBronze(time.now()), ...through(refuseThird) };
	const rows = Array.from({ length: 30 }, (_, row) => createRequest({ prompt: `row ${row}` }));
	const settings = { timeoutMs: 2 * HOUR, minGapMs: 5_000 };
	const batch = start(rows, { ...options, ledgerStore: {}, settings });
	await time.advance(MINUTE);
	for (let run = 0; run < 20; run += 1) {
		const other = { ...options, ledgerStore: {}, submitsOnly: true };
		start([createRequest({ prompt: `other ${run}` })], other);
		await time.advance(5 * MINUTE);
	}
	const told = (await time.run(batch.outcomes)).map(wordsOf);
	expect(told).toEqual(rows.map(() => 'ok'));
});

it('a row is tried once more if a task ends in the pause in which its hour is over', async () => {
	const tasks = [{ lastsMs: 59.5 * MINUTE, end: 'completed' as const }];
	const { time, start, service } = createBatchRig({ tasks });
	const isFull = () => service.tasks.some(({ endsAt }) => endsAt > time.now());
	const refuse: Say = async (path) => {
		await time.delay(80);
		if (!path.endsWith('/speech-to-video') || !isFull()) return undefined;
		return refusal(429, 'too many', { 'retry-after': '100' });
	};
	const settings = { timeoutMs: 2 * HOUR, minGapMs: 5_000 };
	const options = { longestRateLimitMs: HOUR, settings, ...through(refuse) };
	start([createRequest({ prompt: 'long' })], { ...options, ledgerStore: {} });
	await time.advance(10_000);
	const second = start([createRequest({ prompt: 'waits' })], { ...options, ledgerStore: {} });
	expect((await time.run(second.outcomes)).map(wordsOf)).toEqual(['ok']);
});

describe('while an endpoint says nothing but "too many requests"', () => {
	it('rows one after the other find out once, also beside a run that waits', async () => {
		const { time, start } = createBatchRig();
		let isBad = false;
		const refuse: Say = async (path) => {
			await time.delay(80);
			if (!isBad || path.endsWith('/speech-to-video')) return undefined;
			return refusal(429, 'too many', { 'retry-after': '60' });
		};
		const settings = { timeoutMs: 12 * HOUR, minGapMs: 5_000 };
		start([createRequest()], { ...through(refuse), settings, ledgerStore: {} });
		await time.advance(3_000);
		isBad = true;
		const minutes: number[] = [];
		for (let run = 0; run < 8; run += 1) {
			const begunAt = time.elapsed();
			const row = createRequest({ prompt: `${run}`, maxCostPerVideo: 1 });
			await time.run(start([row], { ...through(refuse), ledgerStore: {} }).outcomes);
			minutes.push((time.elapsed() - begunAt) / MINUTE);
		}
		expect(minutes.filter((took) => took >= 9)).toHaveLength(1);
	});

	it.each([70, 120])(
		'to results, new rows fail within minutes: Retry-After %d',
		async (seconds) => {
			const { time, start, service } = createBatchRig();
			let isBad = false;
			const refuse: Say = async (path) => {
				await time.delay(80);
				if (!isBad || !path.endsWith('/result')) return undefined;
				return refusal(429, 'too many', { 'retry-after': `${seconds}` });
			};
			const settings = { timeoutMs: 5 * HOUR, minGapMs: 5_000 };
			const options = { ...through(refuse), settings };
			const rows = [createRequest({ prompt: 'a' }), createRequest({ prompt: 'b' })];
			start(rows, { ...options, ledgerStore: {} });
			await time.advance(3_000);
			isBad = true;
			await time.advance(12 * MINUTE + 40_000);
			const begunAt = time.elapsed();
			const ends: number[] = [];
			for (let run = 0; run < 3; run += 1) {
				const later = start([createRequest({ prompt: `${run}` })], { ...options, ledgerStore: {} });
				void later.outcomes.then(() => ends.push(time.elapsed() - begunAt));
			}
			await time.advance(HOUR);
			expect(ends).toHaveLength(3);
			expect(Math.max(...ends)).toBeLessThan(5 * MINUTE);
			expect(service.tasks).toHaveLength(2);
		},
	);
});

describe('a check shortly before the time limit', () => {
	const ended = ok({ id: 't', status: 'completed', outputs: ['https://x.example/v.mp4'] });

	it('is sent, although a moment passes before', async () => {
		const { time, api, requests } = createRig([ended]);
		let readings = 0;
		const clock = { ...api.clock, now: () => time.now() + (readings += 1) };
		const times = { timeoutMs: 1_400, minGapMs: 1_000, firstGapMs: 1_000 };
		const task = await time.run(waitForTask({ ...api, clock }, 't', times));
		expect(task.status).toBe('completed');
		expect(requests).toHaveLength(1);
	});

	it('is not the last one if it was never sent', async () => {
		const { time, api } = createRig([ended]);
		(await api.readGate.enter(api)).refused('10');
		const times = { timeoutMs: 10_500, minGapMs: 9_000, firstGapMs: 9_000 };
		expect((await time.run(waitForTask(api, 't', times))).status).toBe('completed');
	});

	it('waits behind no other request because of a refusal of last night', async () => {
		const { time, api } = createRig((virtual) => [
			async (request) => {
				if (!pathOf(request).endsWith('/price')) return ended;
				await virtual.delay(300);
				return ok({ price: 1 });
			},
		]);
		(await api.readGate.enter(api)).refused(undefined);
		await time.advance(10 * HOUR);
		const times = { timeoutMs: 10_900, minGapMs: 10_000, firstGapMs: 10_000 };
		const waiting = waitForTask(api, 't', times);
		await time.advance(9_900);
		void readPrice(api);
		expect((await time.run(waiting)).status).toBe('completed');
	});
});

it('one "too many requests" during a large upload without tickets keeps nobody from asking', async () => {
	const { time, start } = createBatchRig();
	let asked = 0;
	const options = {
		ledgerStore: {},
		...through(async (path) => {
			await time.delay(80);
			if (path.endsWith('/media/uploads')) return refusal(404, 'not found');
			if (path.endsWith('/upload/binary')) {
				await time.delay(15 * MINUTE);
				return ok({ download_url: 'https://files.example/large' });
			}
			if (!path.endsWith('/price')) return undefined;
			asked += 1;
			return asked === 1 ? refusal(429, 'too many', { 'retry-after': '1' }) : undefined;
		}),
	};
	start([createRequest({ image: fileOf('large') })], options);
	await time.advance(5_000);
	const begunAt = time.elapsed();
	const { batch } = start([], { ...options, ledgerStore: {} });
	await time.run(quoteRow(batch, createRequest()));
	expect(time.elapsed() - begunAt).toBeLessThan(MINUTE);
});

describe('a refusal of last night', () => {
	it('keeps no callback from being verified today', async () => {
		const { time, api } = createRig((virtual) => [
			async (request) => {
				if (!pathOf(request).endsWith('/price')) return ok({ secret: 'whsec_abc' });
				await virtual.delay(request.timeoutMs);
				return noReply;
			},
		]);
		(await api.readGate.enter(api)).refused(undefined);
		await time.advance(10 * HOUR);
		void readPrice(api);
		await time.advance(1_000);
		expect(await time.run(new SigningSecret().verify(api, () => true))).toBe(true);
	});

	it('lets no rows wait behind the first one of this morning', async () => {
		const submitFaults: SubmitFault[] = ['tooMany', 'hangAfter'];
		const { time, service, attempt, start } = createBatchRig({ submitFaults, echoInput: true });
		const night = start([createRequest()], { ledgerStore: {} });
		await time.advance(1_000);
		night.cancellation.cancel(stopped());
		await time.run(night.outcomes);
		await time.advance(10 * HOUR);
		const begunAt = time.now();
		const rows = Array.from({ length: 8 }, (_, row) => createRequest({ prompt: `${row}` }));
		await attempt(rows, { ledgerStore: {} });
		const [, ...others] = service.submitsAt.slice(1);
		expect(Math.max(...others) - begunAt).toBeLessThan(10_000);
	});

	it('does not count for the time until now', async () => {
		const { time, start } = createBatchRig();
		let isRefusing = true;
		const options = through(async (path) => {
			await time.delay(80);
			return isRefusing && path.endsWith('/price') ? refusal(429, 'too many') : undefined;
		});
		const first = start([createRequest({ maxCostPerVideo: 1 })], { ...options, ledgerStore: {} });
		await time.advance(1_000);
		first.cancellation.cancel(stopped());
		await time.run(first.outcomes);
		await time.advance(9.5 * MINUTE);
		const rows = Array.from({ length: 5 }, (_, row) =>
			createRequest({ prompt: `${row}`, maxCostPerVideo: 1 }),
		);
		void time.delay(2 * MINUTE).then(() => (isRefusing = false));
		const { outcomes } = start(rows, { ...options, ledgerStore: {} });
		expect((await time.run(outcomes)).map(wordsOf)).toEqual(rows.map(() => 'ok'));
	});
});

it('the turns of a run that was stopped yesterday keep nobody waiting today', async () => {
	const time = createVirtualTime();
	const gate = new BackoffGate(() => 0);
	const createWaiter = () => {
		const cancellation = new Cancellation();
		return { clock: time.clockFor(cancellation), cancellation };
	};
	const enter = async (kind: string, waiter = createWaiter()) => {
		const permit = await gate.enterBefore(waiter, Infinity, kind);
		if (!permit) throw new Error('nobody has a deadline here');
		return permit;
	};
	(await enter('results')).refused('60');
	const run = createWaiter();
	const left = Array.from({ length: 1_000 }, async () => await settle(enter('results', run)));
	await time.advance(1_000);
	run.cancellation.cancel(stopped());
	await time.run(Promise.all(left));
	await time.advance(24 * HOUR);
	let [prices, isSeen] = [0, false];
	const askForPrices = async (): Promise<void> => {
		while (!isSeen) {
			const permit = await enter('prices');
			prices += 1;
			const isRefused = prices % 2 === 0;
			await time.delay(100);
			if (isRefused) permit.refused('1');
			else permit.accepted();
		}
	};
	for (let row = 0; row < 20; row += 1) void askForPrices();
	await time.advance(10);
	(await time.run(enter('results'))).accepted();
	isSeen = true;
	expect(prices).toBeLessThan(100);
});

it('a run that begins after two unread tasks of another run does not fail before anybody has looked', async () => {
	const { time, start } = createBatchRig();
	let isNight = true;
	const options = through(async (path) => {
		await time.delay(80);
		if (isNight && path.endsWith('/result')) return refusal(503, 'overloaded');
		const isPrice = path.endsWith('/price');
		return isPrice ? refusal(429, 'too many', { 'retry-after': '60' }) : undefined;
	});
	const rows = [createRequest({ prompt: 'a' }), createRequest({ prompt: 'b' })];
	const night = start(rows, { ...options, ledgerStore: {} });
	await time.advance(5_500);
	night.cancellation.cancel(stopped());
	await time.run(night.outcomes);
	isNight = false;
	await time.advance(8 * MINUTE);
	void settle(quoteRow(start([], { ...options, ledgerStore: {} }).batch, createRequest()));
	await time.advance(1_000);
	const later = start([createRequest({ prompt: 'later' })], { ...options, ledgerStore: {} });
	expect((await time.run(later.outcomes)).map(wordsOf)).toEqual(['ok']);
});

describe('while the machine sleeps', () => {
	it('an upload grows old', async () => {
		const { time, service, attempt } = createBatchRig();
		const rows = [createRequest({ image: fileOf('the presenter') })];
		await attempt(rows, { ledgerStore: {} });
		time.jumpWall(8 * 24 * HOUR);
		await attempt(rows, { ledgerStore: {} });
		expect(service.countOf('/media/uploads')).toBe(2);
	});

	it('the secret of the callbacks grows old', async () => {
		const { time, api } = createRig([ok({ secret: 'whsec_old' }), ok({ secret: 'whsec_new' })]);
		const signing = new SigningSecret();
		const fits = (secret: string): boolean => secret === 'whsec_old';
		expect(await time.run(signing.verify(api, fits))).toBe(true);
		time.jumpWall(8 * HOUR);
		expect(await time.run(signing.verify(api, fits))).toBe(false);
	});
});
