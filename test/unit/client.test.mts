import { resultPath, toPathSegment } from '../../nodes/shared/wavespeed/endpoints';
import {
	answer,
	createPermit,
	createRig,
	failureFrom,
	noReply,
	notSent,
	ok,
	rawTask,
	refusal,
	type Step,
} from './support/api.mts';
import { START_MS } from './support/virtualTime.mts';
import { getTask } from '../../nodes/shared/wavespeed/tasks/getTask';
import { listAllTasks, listTasks } from '../../nodes/shared/wavespeed/tasks/listTasks';
import { quotePrice } from '../../nodes/shared/wavespeed/tasks/quotePrice';
import {
	type SubmitInput,
	type SubmitOutcome,
	submitTask,
} from '../../nodes/shared/wavespeed/tasks/submitTask';
import type { Task } from '../../nodes/shared/wavespeed/tasks/task';
import { inWords } from './support/words.mts';

const INPUT: SubmitInput = {
	image: 'https://a/face.png',
	audio: 'https://a/voice.mp3',
	prompt: '',
	resolution: '480p',
	seed: 0,
};

async function submit(step: Step, webhookUrl?: string) {
	const { time, api, requests } = createRig([step]);
	const permit = createPermit();
	const outcome = await time.run(submitTask(api, permit, INPUT, webhookUrl));
	return { outcome, requests, uses: permit.uses };
}

describe('the submit', () => {
	it('sends what the model takes and nothing else, and may end although the run was stopped', async () => {
		const { requests } = await submit(ok(rawTask('x')));
		expect(requests).toEqual([
			{
				method: 'POST',
				target: { path: '/api/v3/wavespeed-ai/wan-2.2/speech-to-video' },
				query: {},
				json: INPUT,
				timeoutMs: 120_000,
				finishOnStop: true,
			},
		]);
	});

	it('names the address for the callback in the query', async () => {
		const { requests } = await submit(ok(rawTask('x')), 'https://n8n.example/hook?a=1&b=2');
		expect(requests[0]?.query).toEqual({ webhook: 'https://n8n.example/hook?a=1&b=2' });
		expect(requests[0]?.json).not.toHaveProperty('webhook');
	});

	it('returns the task that was accepted', async () => {
		const { outcome } = await submit(ok(rawTask('x', 'processing')));
		expect(outcome).toMatchObject({ kind: 'accepted', task: { id: 'x', status: 'processing' } });
	});

	it.each<[string, Step, SubmitOutcome['kind'], string]>([
		['"too many requests"', refusal(429), 'rateLimited', 'refused'],
		['"too many requests" in the envelope', answer(200, '{"code":429}'), 'rateLimited', 'refused'],
		['a refusal', refusal(400, 'bad seed'), 'refused', 'left'],
		['a refusal in the envelope', answer(200, '{"code":400}'), 'refused', 'left'],
		['a wrong key', refusal(401), 'refused', 'left'],
		['a redirect', answer(307, ''), 'refused', 'left'],
		['a redirect to what came of it', answer(303, ''), 'unknown', 'left'],
		['a redirect that some send for 303', answer(302, ''), 'unknown', 'left'],
		['a conflict', refusal(409, 'in progress'), 'unknown', 'left'],
		['"too early"', refusal(425), 'unknown', 'left'],
		['a proxy’s "client closed request"', refusal(499), 'unknown', 'left'],
		['no connection', notSent, 'notSent', 'left'],
		['no answer', noReply, 'unknown', 'left'],
		['a server error', refusal(500), 'unknown', 'accepted'],
		['a gateway’s page', answer(504, '<html>'), 'unknown', 'accepted'],
		['a server error in the envelope', answer(200, '{"code":500}'), 'unknown', 'accepted'],
		['a web page', answer(200, '<html>'), 'unknown', 'accepted'],
		['cut-off JSON', answer(200, '{"code":200,"data":{"id":"x'), 'unknown', 'accepted'],
		['an empty body', answer(200, ''), 'unknown', 'accepted'],
		['a task without an ID', ok({ status: 'created' }), 'unknown', 'accepted'],
		['no data', ok(null), 'unknown', 'accepted'],
	])('is sent exactly once and tells %s from the others', async (_, step, kind, use) => {
		const { outcome, requests, uses } = await submit(step);
		expect(outcome.kind).toBe(kind);
		expect(requests).toHaveLength(1);
		expect(uses).toEqual([use]);
	});

	it.each([400, 402, 409, 429])(
		'takes the task that an answer names, although its status is %i',
		async (status) => {
			const task = { id: 'x', status: 'created', outputs: [], error: 'odd' };
			for (const body of [task, { code: status, message: 'odd', data: task }]) {
				const { outcome } = await submit(answer(status, JSON.stringify(body)));
				expect(outcome).toMatchObject({ kind: 'accepted', task: { id: 'x' } });
			}
		},
	);

	it('says why a submit was refused, and that nothing was paid', async () => {
		const { outcome } = await submit(refusal(400, 'bad seed'));
		expect(outcome.kind === 'refused' && inWords(outcome.failure)).toMatchObject({
			message: 'Could not submit the task: bad seed',
			httpStatus: 400,
		});
		expect(outcome.kind === 'refused' && outcome.failure.paid).toBe('nothing');
	});

	it('says something also where the service says nothing', async () => {
		for (const step of [answer(500, ''), answer(200, ''), noReply, ok(null)]) {
			const { outcome } = await submit(step);
			expect('text' in outcome && outcome.text).toMatch(/\w+/);
		}
	});
});

describe('IDs in URLs', () => {
	it('stay one segment of the path, whatever they hold', () => {
		expect(resultPath('abc')).toBe('/api/v3/predictions/abc/result');
		expect(resultPath('../../balance?x#y')).toBe(
			'/api/v3/predictions/..%2F..%2Fbalance%3Fx%23y/result',
		);
		expect(toPathSegment('ä/%2e')).toBe('%C3%A4%2F%252e');
	});
});

describe('reading a task', () => {
	it('asks by ID, not by the address that the service gave', async () => {
		const { time, api, requests } = createRig([ok(rawTask('x', 'completed'))]);
		const task = await time.run(getTask(api, 'x', { deadline: Infinity }));
		expect(task.status).toBe('completed');
		expect(requests[0]).toMatchObject({
			method: 'GET',
			target: { path: '/api/v3/predictions/x/result' },
		});
	});
});

describe('listing tasks', () => {
	const list = async (data: unknown, query = {}, page = 1) => {
		const { time, api, requests } = createRig([ok(data)]);
		return { ...(await time.run(listTasks(api, query, page))), requests };
	};
	const fill = (count: number) => Array.from({ length: count }, (_, index) => rawTask(`t${index}`));

	it('asks for a page of this model’s tasks, with the filters that were given', async () => {
		const { requests } = await list(
			{ items: [] },
			{
				status: 'completed',
				createdAfter: '2026-11-22T00:00:00Z',
				createdBefore: '2026-11-23T00:00:00Z',
			},
			3,
		);
		expect(requests).toMatchObject([
			{
				method: 'POST',
				target: { path: '/api/v3/predictions' },
				json: {
					page: 3,
					page_size: 100,
					model: 'wavespeed-ai/wan-2.2/speech-to-video',
					status: 'completed',
					created_after: '2026-11-22T00:00:00Z',
					created_before: '2026-11-23T00:00:00Z',
					include_inputs: true,
				},
			},
		]);
		const bare = await list({ items: [] });
		expect(Object.keys(bare.requests[0]?.json ?? {})).toEqual([
			'page',
			'page_size',
			'model',
			'include_inputs',
		]);
	});

	it('does without the tasks’ inputs where the service refuses the flag', async () => {
		const { time, api, requests } = createRig([
			refusal(400, 'unsupported'),
			ok({ items: fill(1) }),
		]);
		expect(await time.run(listTasks(api, {}, 1))).toMatchObject({ tasks: [{ id: 't0' }] });
		expect(requests).toHaveLength(2);
		expect(requests[1]?.json).not.toHaveProperty('include_inputs');
	});

	it('tells any other refusal, and a second one', async () => {
		const noKey = createRig([refusal(401)]);
		expect((await failureFrom(noKey.time.run(listTasks(noKey.api, {}, 1)))).httpStatus).toBe(401);
		expect(noKey.requests).toHaveLength(1);
		const never = createRig([refusal(400, 'bad page')]);
		const failure = await failureFrom(never.time.run(listTasks(never.api, {}, 1)));
		expect(failure.message).toContain('bad page');
		expect(never.requests).toHaveLength(2);
	});

	it.each(['', null, undefined])(
		'keeps a task whose model is %j: it may be the one that is looked for',
		async (model) => {
			const { time, api } = createRig([ok({ items: [rawTask('x', 'created', { model })] })]);
			const { tasks } = await time.run(listTasks(api, {}, 1));
			expect(tasks.map(({ id }) => id)).toEqual(['x']);
		},
	);

	it('drops tasks of other models and what is no task', async () => {
		const { tasks } = await list({
			items: [
				rawTask('own'),
				rawTask('other', 'completed', { model: 'wavespeed-ai/infinitetalk' }),
				rawTask('unnamed', 'completed', { model: undefined }),
				{ status: 'completed' },
				null,
			],
		});
		expect(tasks.map(({ id }) => id)).toEqual(['own', 'unnamed']);
	});

	it('tells an empty page from one with nothing of this model', async () => {
		expect((await list({ items: [] })).ids).toEqual([]);
		expect(await list({ items: null })).toMatchObject({ tasks: [], ids: [] });
		const others = fill(2).map((task) => ({ ...task, model: 'other/model' }));
		expect(await list({ items: others })).toMatchObject({ tasks: [], ids: ['t0', 't1'] });
	});

	const listAll = async (pages: unknown[][]) => {
		const { time, api, requests } = createRig(pages.map((items) => ok({ items })));
		const tasks: Task[] = [];
		const collect = async (): Promise<void> => {
			for await (const page of listAllTasks(api, {})) tasks.push(...page);
		};
		await time.run(collect());
		return { ids: tasks.map(({ id }) => id), requests };
	};

	it('goes on to an empty page, since a page may hold fewer than were asked for', async () => {
		const { ids, requests } = await listAll([fill(3).slice(0, 2), fill(3).slice(2), []]);
		expect(ids).toEqual(['t0', 't1', 't2']);
		const pages = requests.map(({ json }) => (json as { page: number }).page);
		expect(pages).toEqual([1, 2, 3, 2, 1]);
	});

	it('does not read one page again that is too short to have another behind it', async () => {
		expect((await listAll([fill(9), []])).requests).toHaveLength(2);
		expect((await listAll([fill(10), []])).requests).toHaveLength(3);
	});

	it.each(['on the page before', 'on the first page'])(
		'finds a task that a deletion has pulled back, %s',
		async (where) => {
			const [a, b, c, d, e] = fill(5);
			// When the second page is asked for, one of the first page is gone.
			const back =
				where === 'on the first page'
					? [
							[d, e],
							[b, c],
						]
					: [
							[c, d],
							[a, b],
						];
			const { ids } = await listAll([[a, b], [d, e], [], ...back]);
			expect([...ids].sort()).toEqual(['t0', 't1', 't2', 't3', 't4']);
		},
	);

	it('finds a task that a deletion has pulled back from behind the last page', async () => {
		const ten = fill(10);
		const eleventh = rawTask('t10');
		const { ids } = await listAll([ten, [], [...ten.slice(1), eleventh]]);
		expect(ids).toHaveLength(11);
	});

	it('gives a task once that moved from one page to the next', async () => {
		const { ids } = await listAll([fill(2), [rawTask('t1'), rawTask('t2')], []]);
		expect(ids).toEqual(['t0', 't1', 't2']);
	});

	it('goes on when as many tasks came meanwhile as a page holds', async () => {
		const { ids } = await listAll([[rawTask('t0')], [rawTask('t0')], [rawTask('t1')], []]);
		expect(ids).toEqual(['t0', 't1']);
	});

	it('ends where the service knows no pages and gives the same again', async () => {
		const { ids, requests } = await listAll([fill(2), fill(2)]);
		expect(ids).toEqual(['t0', 't1']);
		expect(requests).toHaveLength(4);
	});

	it('does not take an answer without a list for an empty list', async () => {
		for (const data of [{}, null, [], { items: 'none' }]) {
			const { time, api } = createRig([ok(data)]);
			expect((await failureFrom(time.run(listTasks(api, {}, 1)))).kind).toBe('unavailable');
		}
	});
});

describe('asking for the price', () => {
	const quote = async (data: unknown) => {
		const { time, api, requests } = createRig([ok(data)]);
		return { price: await time.run(quotePrice(api, { ...INPUT, prompt: 'secret' })), requests };
	};

	it('sends only what the price depends on', async () => {
		const { requests } = await quote({ price: 1 });
		expect(requests).toMatchObject([
			{
				target: { path: '/api/v3/model/price' },
				json: {
					model_id: 'wavespeed-ai/wan-2.2/speech-to-video',
					inputs: { image: INPUT.image, audio: INPUT.audio, resolution: '480p' },
				},
			},
		]);
	});

	it('takes the discounted price, also when it is 0', async () => {
		expect((await quote({ price: 0.3, discounted_price: 0.24 })).price).toBe(0.24);
		expect((await quote({ price: 0.3, discounted_price: 0 })).price).toBe(0);
		expect((await quote({ price: 0.3, discounted_price: null })).price).toBe(0.3);
		expect((await quote({ price: 0 })).price).toBe(0);
	});

	it.each([{}, { price: '0.3' }, { price: -1 }, { price: null }, null])(
		'does not make up a price from %j',
		async (data) => {
			const { time, api } = createRig([ok(data)]);
			const failure = await failureFrom(time.run(quotePrice(api, INPUT)));
			expect(failure).toMatchObject({ kind: 'unavailable' });
			expect(time.now()).toBeLessThan(START_MS + 60_000);
		},
	);
});
