import {
	type ApiContext,
	type RetryBudget,
	preparationBudget,
	requestWithRetry,
	type ReadRequest,
	sendAndRead,
	toRefusal,
} from '../../nodes/shared/wavespeed/http/request';
import {
	answer,
	createPermit,
	createRig,
	failureFrom,
	hang,
	LATENCY_MS,
	noReply,
	notSent,
	ok,
	refusal,
	type Step,
	stopped,
} from './support/api.mts';
import { inWords } from './support/words.mts';
import { START_MS } from './support/virtualTime.mts';

const REQUEST: ReadRequest = { method: 'GET', target: { path: '/api/v3/balance' } };
const PURPOSE = { action: 'readBalance' } as const;
const parse = (data: unknown): string | undefined => (typeof data === 'string' ? data : undefined);
const read = async (api: ApiContext, retryBudget: Partial<RetryBudget> = {}) =>
	await requestWithRetry(
		api,
		{ purpose: PURPOSE, request: REQUEST, parse },
		{ deadline: START_MS + 600_000, ...retryBudget },
	);

const PASSING: [string, Step][] = [
	['no connection', notSent],
	['no answer', noReply],
	['HTTP 500', refusal(500)],
	['HTTP 502 with a page', answer(502, '<html>')],
	['HTTP 503', refusal(503)],
	['HTTP 504', refusal(504)],
	['HTTP 429', refusal(429)],
	['code 429', answer(200, '{"code":429}')],
	['code 500', answer(200, '{"code":500}')],
	['a web page', answer(200, '<html>')],
	['cut-off JSON', answer(200, '{"code":200,"data":"va')],
	['data of the wrong shape', ok({ wrong: true })],
];

describe('a request that had no turn until its deadline', () => {
	const noTurn: Step = { answered: false, reason: 'noTurn', text: 'too many others' };

	it('is given up, and blames the service for nothing', async () => {
		const rig = createRig([noTurn]);
		const heard: unknown[] = [];
		const call = {
			purpose: PURPOSE,
			request: REQUEST,
			parse,
			noteAttempt: (problem: unknown) => void heard.push(problem),
		};
		const asked = requestWithRetry(rig.api, call, { deadline: START_MS + 600_000 });
		const failure = await rig.time.run(failureFrom(asked));
		expect(failure).toMatchObject({ kind: 'unavailable', facts: { said: 'too many others' } });
		expect(rig.requests).toHaveLength(1);
		expect(heard).toEqual([]);
	});

	it('says what the service has said before', async () => {
		const rig = createRig([refusal(503, 'overloaded'), noTurn]);
		const failure = await rig.time.run(failureFrom(read(rig.api)));
		expect(failure.message).toContain('overloaded');
	});
});

describe('a request that costs nothing', () => {
	it.each(PASSING)('is sent again after %s', async (_, step) => {
		const { time, api, requests } = createRig([step, step, ok('value')]);
		expect(await time.run(read(api))).toBe('value');
		expect(requests).toHaveLength(3);
		expect(time.sleeps).toHaveLength(2);
	});

	it.each([301, 302, 400, 401, 403, 404, 405, 413, 422])(
		'is not sent again after HTTP %i',
		async (status) => {
			const { time, api, requests } = createRig([refusal(status, 'no'), ok('value')]);
			const failure = await failureFrom(time.run(read(api)));
			expect(failure.httpStatus).toBe(status);
			expect(requests).toHaveLength(1);
		},
	);

	it('is not sent again after a refusal in the envelope', async () => {
		const { time, api, requests } = createRig([answer(200, '{"code":403,"message":"no"}')]);
		expect((await failureFrom(time.run(read(api)))).kind).toBe('credential');
		expect(requests).toHaveLength(1);
	});

	it('is not sent again after a mistake in the program', async () => {
		const { time, api, requests } = createRig([
			() => {
				throw new TypeError('a mistake');
			},
		]);
		await expect(time.run(read(api))).rejects.toThrow(TypeError);
		expect(requests).toHaveLength(1);
		const broken = createRig([ok('value')]);
		const parseBadly = (): string => {
			throw new RangeError('a mistake');
		};
		const work = requestWithRetry(
			broken.api,
			{ purpose: PURPOSE, request: REQUEST, parse: parseBadly },
			{ deadline: Infinity },
		);
		await expect(broken.time.run(work)).rejects.toThrow(RangeError);
		expect(broken.requests).toHaveLength(1);
	});

	it('waits longer from failure to failure', async () => {
		const { time, api } = createRig([...new Array<Step>(5).fill(refusal(500)), ok('value')], 0);
		await time.run(read(api));
		expect(time.sleeps).toEqual([500, 1_000, 2_000, 4_000, 8_000]);
	});

	it('waits as long as the service asks for, also after a server error', async () => {
		for (const status of [429, 503]) {
			const { time, api } = createRig(
				[refusal(status, '', { 'retry-after': '42' }), ok('value')],
				0,
			);
			await time.run(read(api));
			expect(time.sleeps).toEqual([42_000]);
		}
	});

	it('is tried so many times as the budget allows', async () => {
		const { time, api, requests } = createRig([refusal(500, 'broken')]);
		const failure = await failureFrom(time.run(read(api, { maxAttempts: 3 })));
		expect(failure).toMatchObject({
			kind: 'unavailable',
			httpStatus: 500,
			message: 'Could not read the balance: broken',
		});
		expect(failure.paid).toBe('nothing');
		expect(requests).toHaveLength(3);
		expect(time.sleeps).toHaveLength(2);
	});

	it('does not use up attempts without a connection where it is to wait for one', async () => {
		const retryBudget = { maxAttempts: 2, waitsForConnection: true };
		const gap = createRig([...new Array<Step>(5).fill(notSent), ok('value')]);
		expect(await gap.time.run(read(gap.api, retryBudget))).toBe('value');
		const down = createRig([notSent, noReply]);
		await failureFrom(down.time.run(read(down.api, retryBudget)));
		expect(down.requests).toHaveLength(3);
	});

	it.each([
		['too many requests', refusal(429, '', { 'retry-after': '1' }), 'rateLimited'],
		['a passing failure', refusal(503), 'unavailable'],
		['no answer', noReply, 'unavailable'],
	])('is sent once where that is asked for, after %s too', async (_what, step, kind) => {
		const rig = createRig([step, ok(1)]);
		const retryBudget = { deadline: rig.time.now() + 60_000, onlyOnce: true };
		expect(await failureFrom(rig.time.run(read(rig.api, retryBudget)))).toMatchObject({ kind });
		expect(rig.requests).toHaveLength(1);
	});

	it('does not use up attempts by "too many requests", which the deadline bounds', async () => {
		const { time, api, requests } = createRig([
			...new Array<Step>(9).fill(refusal(429)),
			ok('value'),
		]);
		expect(await time.run(read(api, { maxAttempts: 1 }))).toBe('value');
		expect(requests).toHaveLength(10);

		const endless = createRig([refusal(429, 'slow down')]);
		const failure = await failureFrom(endless.time.run(read(endless.api, { maxAttempts: 1 })));
		expect(failure).toMatchObject({
			kind: 'rateLimited',
			message: 'Could not read the balance: slow down',
		});
		expect(endless.time.elapsed()).toBeLessThanOrEqual(600_000 + LATENCY_MS);
	});

	it('is not sent in the last moment of a wait for "too many requests", which would only say "no answer"', async () => {
		const { time, api, requests } = createRig([ok('value')]);
		(await api.readGate.enter(api)).refused('20');
		const failure = await failureFrom(time.run(read(api, { deadline: START_MS + 20_500 })));
		expect(failure.message).toBe(
			'Could not read the balance: WaveSpeed answers "too many requests"',
		);
		expect(requests).toEqual([]);
		// Who has had no more time from the beginning asks all the same.
		expect(await time.run(read(api, { deadline: time.now() + 500 }))).toBe('value');
	});

	it('ends before the deadline rather than sleep beyond it', async () => {
		const { time, api } = createRig([refusal(500)]);
		await failureFrom(time.run(read(api, { deadline: START_MS + 10_000 })));
		expect(time.elapsed()).toBeLessThanOrEqual(10_000);
	});

	it('may take 30 s for an answer, and near the deadline only what is left', async () => {
		const { time, api, requests } = createRig((virtual) => [hang(virtual)]);
		await failureFrom(time.run(read(api, { deadline: START_MS + 50_000 })));
		expect(requests[0]?.timeoutMs).toBe(30_000);
		expect(requests[1]?.timeoutMs).toBeLessThan(20_000);
		expect(time.elapsed()).toBeLessThanOrEqual(50_000 + 2 * LATENCY_MS);
	});

	it('is sent once more while "not found" may mean "not yet there"', async () => {
		const retryBudget = { notFoundUntil: START_MS + 60_000 };
		const early = createRig([refusal(404), refusal(404), ok('value')]);
		expect(await early.time.run(read(early.api, retryBudget))).toBe('value');
		const never = createRig([refusal(404)]);
		expect(await failureFrom(never.time.run(read(never.api, retryBudget)))).toMatchObject({
			kind: 'refused',
			httpStatus: 404,
		});
		expect(never.time.elapsed()).toBeGreaterThanOrEqual(60_000);
		expect(never.time.elapsed()).toBeLessThan(95_000);
	});

	it('shares its pause with the requests of all other rows', async () => {
		const { time, api, requests } = createRig([
			refusal(429, '', { 'retry-after': '30' }),
			ok('value'),
		]);
		const first = read(api);
		await time.advance(LATENCY_MS);
		const others = Array.from({ length: 20 }, async () => await read(api));
		await time.advance(20_000);
		expect(requests).toHaveLength(1);
		await time.run(Promise.all([first, ...others]));
		expect(requests).toHaveLength(22);
	});

	it('ends at once when the run is halted in a pause', async () => {
		const { time, cancellation, api, requests } = createRig([refusal(500)]);
		const ended = failureFrom(read(api));
		await time.advance(200);
		cancellation.cancel(stopped());
		expect((await ended).kind).toBe('stopped');
		expect(requests).toHaveLength(1);
	});

	it('is tried 5 times within 10 minutes before anything is paid', () => {
		const { api } = createRig([]);
		expect(preparationBudget(api.clock)).toEqual({
			deadline: START_MS + 600_000,
			maxAttempts: 5,
			failsFast: true,
		});
	});
});

describe('what a request tells the other rows', () => {
	it.each<[string, Step, string]>([
		['an answer', ok(1), 'accepted'],
		['a refusal', refusal(400), 'accepted'],
		['a server error', refusal(500), 'accepted'],
		['"too many requests"', refusal(429, '', { 'retry-after': '3' }), 'refused 3'],
		['no answer', noReply, 'left'],
		[
			'a mistake',
			() => {
				throw new Error('x');
			},
			'left',
		],
	])('after %s', async (_, step, use) => {
		const { time, api } = createRig([step]);
		const permit = createPermit();
		await time.run(sendAndRead(api, permit, { ...REQUEST, timeoutMs: 1 }).catch(() => {}));
		expect(permit.uses).toEqual([use]);
	});
});

describe('a refusal in words', () => {
	it('says what is wrong with the key', () => {
		const failure = inWords(toRefusal(PURPOSE, 401, 'invalid key'));
		expect(failure).toMatchObject({ kind: 'credential', httpStatus: 401, details: {} });
		expect(failure.message).toBe("WaveSpeed doesn't accept the API key (invalid key)");
		expect(failure.advice).toContain('first top-up');
	});

	it('says that the key may not do this, with the service’s words', () => {
		const failure = inWords(toRefusal(PURPOSE, 403, 'role viewer, required editor'));
		expect(failure.kind).toBe('credential');
		expect(failure.message).toContain('role viewer, required editor');
	});

	it.each([400, 402, 403])(
		'says to top up when the balance is too low, with HTTP status %i',
		(status) => {
			for (const text of ['insufficient_credits: please top up', 'Insufficient balance']) {
				const { advice } = inWords(toRefusal({ action: 'submit' }, status, text));
				expect(advice).toMatch(/balance.*too low\. Top it up/);
			}
		},
	);

	it('points to the base URL when the address is not found', () => {
		const failure = inWords(toRefusal(PURPOSE, 404, 'gone'));
		expect(failure.message).toBe('Could not read the balance: gone');
		expect(failure.advice).toContain('base URL');
	});

	it('points to the base URL after a redirect', () => {
		expect(inWords(toRefusal(PURPOSE, 302, '')).advice).toContain('base URL');
	});

	it('says that nothing was paid', () => {
		for (const status of [302, 400, 401, 403, 404]) {
			expect(inWords(toRefusal(PURPOSE, status, '')).paid).toBe('nothing');
		}
	});
});
