import { readEnvelope } from '../../nodes/shared/wavespeed/http/envelope';
import { requestWithRetry, preparationBudget } from '../../nodes/shared/wavespeed/http/request';
import type { HttpOutcome } from '../../nodes/shared/wavespeed/http/types';
import { getTask } from '../../nodes/shared/wavespeed/tasks/getTask';
import { submitTask, type SubmitOutcome } from '../../nodes/shared/wavespeed/tasks/submitTask';
import { isPermanentFailure, parseTask } from '../../nodes/shared/wavespeed/tasks/task';
import { answer, createPermit, createRig, failureFrom, ok, rawTask } from './support/api.mts';
import { inWords } from './support/words.mts';

/** Answers that clients of the vendor's and of others understand, so this one has to. */

const json = (status: number, body: unknown): HttpOutcome => answer(status, JSON.stringify(body));

const submit = async (step: HttpOutcome): Promise<SubmitOutcome> => {
	const { api, time } = createRig([step]);
	const input = { image: 'i', audio: 'a', prompt: '', resolution: '480p', seed: 1 };
	return await time.run(submitTask(api, createPermit(), input, undefined));
};

describe('the words of an error', () => {
	it.each<[string, unknown]>([
		['message', { message: 'no such model' }],
		['error', { error: 'no such model' }],
		['an error with a message', { error: { message: 'no such model', type: 'x' } }],
		['detail', { detail: 'no such model' }],
		['an error in the data', { message: 'success', data: { error: 'no such model' } }],
		['a list of errors', { errors: [{ message: 'no such model' }] }],
		['a text', 'no such model'],
	])('are found as %s', (_, body) => {
		expect(readEnvelope(json(422, body) as never)).toMatchObject({ text: 'no such model' });
	});

	it('are found where the answer is plain text, and not in a page or in half of a JSON', () => {
		const textOf = (text: string) => readEnvelope(answer(422, text) as never);
		expect(textOf('no such\n model')).toMatchObject({ text: 'no such model' });
		for (const text of ['<html><h1>Nope</h1>', ' {"message":"no su', '[1']) {
			expect(textOf(text)).toMatchObject({ text: 'HTTP status 422' });
		}
	});

	it('name the field where a validator names it', () => {
		const detail = [
			{ loc: ['body', 'image'], msg: 'field required', type: 'missing' },
			{ msg: 'too long' },
		];
		expect(readEnvelope(json(422, { detail }) as never)).toMatchObject({
			text: 'image: field required; too long',
		});
	});

	it('are followed by the error code, which may be a number or all that there is', () => {
		const textOf = (body: object) => readEnvelope(json(403, body) as never);
		expect(textOf({ error: 'no', error_code: 'E_ROLE' })).toMatchObject({ text: 'no (E_ROLE)' });
		expect(textOf({ error: 'no', error_code: 17 })).toMatchObject({ text: 'no (17)' });
		expect(textOf({ error_code: 'E_ROLE' })).toMatchObject({ text: 'E_ROLE' });
	});
});

describe('an application code in the envelope, with HTTP 200 and no task', () => {
	it.each([1200, 1400, 1401, 1402, 1407, 4001, '1401'])(
		'refuses the submit by code %s, in the words of the service',
		async (code) => {
			const outcome = await submit(json(200, { code, message: 'the service says why' }));
			expect(outcome.kind === 'refused' && inWords(outcome.failure).message).toBe(
				`Could not submit the task: the service says why (code ${code})`,
			);
		},
	);

	it('tells of an empty balance what to do, also without a word', async () => {
		for (const body of [{ code: 1407 }, { code: 1407, message: 'insufficient_credits' }]) {
			const outcome = await submit(json(200, body));
			expect(outcome.kind === 'refused' && inWords(outcome.failure).advice).toContain('Top it up');
		}
	});

	it('ends an upload ticket at once, with the reason', async () => {
		const { api, time, requests } = createRig([
			json(200, { code: 4001, message: 'file too large' }),
		]);
		const request = { method: 'POST', target: { path: '/t' } } as const;
		const asking = requestWithRetry(
			api,
			{ purpose: { action: 'quote' }, request, parse: (data) => data },
			preparationBudget(api.clock),
		);
		expect((await failureFrom(time.run(asking))).message).toContain('file too large');
		expect(requests).toHaveLength(1);
	});

	it.each([1403, 1405, 1406, 5000, 5004, 0, 'OK'])(
		'leaves it open whether something was paid with code %s',
		async (code) => {
			expect(await submit(json(200, { code, message: 'x' }))).toMatchObject({ kind: 'unknown' });
		},
	);
});

describe('a task that is named in spite of all', () => {
	it.each<[string, HttpOutcome]>([
		['an answer without a code', json(200, { data: { id: 't' } })],
		[
			'an answer whose code is null',
			json(200, { code: null, data: { id: 't', status: 'created' } }),
		],
		['an answer whose code is a text', json(200, { code: '200', data: { id: 't' } })],
		['an answer without an envelope', json(201, { id: 't', status: 'created', code: 0 })],
		['a refusal', json(400, { code: 400, message: 'bad', data: { id: 't', status: 'failed' } })],
		['a refusal in the envelope', json(200, { code: 400, data: { id: 't' } })],
		['a code of a task', json(200, { code: 1402, data: { id: 't', status: 'failed' } })],
		['“too many requests”', json(429, { code: 429, data: { id: 't' } })],
		['a server error', json(503, { data: { id: 't' } })],
	])('is accepted, so that it is never paid for twice: %s', async (_, step) => {
		expect(await submit(step)).toMatchObject({ kind: 'accepted', task: { id: 't' } });
	});
});

describe('a result', () => {
	const read = async (body: unknown) => {
		const { api, time } = createRig([json(200, body)]);
		return await time.run(getTask(api, 't', { deadline: Infinity, maxAttempts: 1 }));
	};
	const outputs = ['https://cdn.example/v.mp4'];
	const done = { status: 'completed', outputs };

	it.each<[string, unknown]>([
		['without a code', { data: { id: 't', ...done } }],
		['without an envelope', { id: 't', ...done }],
		['without an ID', { code: 200, data: done }],
		['with an empty ID', { code: 200, data: { id: '', ...done } }],
		['without anything around it', done],
	])('is read %s', async (_, body) => {
		expect(await read(body)).toMatchObject({ id: 't', status: 'completed', videoUrls: outputs });
	});

	it('without an envelope may bring the code of its failure', async () => {
		const task = await read({ id: 't', status: 'failed', code: 1402, error: 'not reachable' });
		expect(task).toMatchObject({ status: 'failed', errorCode: 1402, errorText: 'not reachable' });
	});

	it('of another task is not taken, whatever is around it', async () => {
		for (const body of [{ data: { id: 'u', ...done } }, { id: 'u', ...done }]) {
			expect(await failureFrom(read(body))).toMatchObject({ kind: 'unavailable' });
		}
	});

	it('without an ID and without a status is no task', async () => {
		expect(await failureFrom(read({ code: 200, data: { outputs } }))).toMatchObject({
			kind: 'unavailable',
		});
	});
});

describe('a failed task', () => {
	const parse = (more: Record<string, unknown>) => parseTask(rawTask('t', 'failed', more))!;

	it('may say why in an object', () => {
		const error = { code: '1402', message: 'Failed to download image' };
		const task = parse({ error });
		expect(task).toMatchObject({ errorText: 'Failed to download image', errorCode: 1402 });
		expect(parse({ error: { detail: [{ msg: 'a' }, 'b'] } }).errorText).toBe('a; b');
		expect(parse({ error: null }).errorText).toBe('');
	});

	it('is lasting also where its code is a text', () => {
		expect(isPermanentFailure(parse({ code: '1402' }))).toBe(true);
		expect(parse({ code: '0' }).errorCode).toBeNull();
		expect(parse({ code: 'E1402' }).errorCode).toBeNull();
	});
});

it('a video is found one level deeper', () => {
	const url = 'https://cdn.example/v.mp4';
	const urlsOf = (outputs: unknown) => parseTask(rawTask('t', 'completed', { outputs }))?.videoUrls;
	const nested = [
		[{ video: { url } }],
		[{ video_url: url }],
		[[url]],
		url,
		{ url },
		{ video: { url } },
	];
	for (const outputs of nested) expect(urlsOf(outputs)).toEqual([url]);
	expect(urlsOf([{ thumbnail: { url } }])).toEqual([]);
});

describe('“too many requests”', () => {
	const ask = async (text: string, headers: Record<string, string> = {}) => {
		const step = answer(429, JSON.stringify({ message: text }), headers);
		const { api, time, requests } = createRig([step]);
		const request = { method: 'GET', target: { path: '/t' } } as const;
		const asking = requestWithRetry(
			api,
			{ purpose: { action: 'quote' }, request, parse: (data) => data },
			preparationBudget(api.clock),
		);
		const failure = await failureFrom(time.run(asking));
		return { failure, requests };
	};

	it.each(['quota exceeded', 'Upload quota reached', 'insufficient_credits', 'storage is full'])(
		'that speaks of what is used up is told at once: %s',
		async (text) => {
			const { failure, requests } = await ask(text);
			expect(failure).toMatchObject({ kind: 'refused', httpStatus: 429 });
			expect(failure.message).toContain(text);
			expect(requests).toHaveLength(1);
		},
	);

	it.each([
		['You have reached your rate limit', {}],
		['You have reached your concurrency limit', {}],
		['Quota of 2 requests per minute exceeded', {}],
		['quota exceeded', { 'retry-after': '5' }],
		['', {}],
	])('that speaks of a rate is waited for: %s %j', async (text, headers) => {
		const { failure, requests } = await ask(text, headers);
		expect(failure.kind).toBe('rateLimited');
		expect(requests.length).toBeGreaterThan(3);
	});

	it('for a submit says that nothing was accepted', async () => {
		const outcome = await submit(json(429, { message: 'quota exceeded' }));
		expect(outcome).toMatchObject({ kind: 'refused', failure: { httpStatus: 429 } });
		expect(await submit(json(429, { message: 'slow down' }))).toMatchObject({
			kind: 'rateLimited',
		});
		expect(await submit(ok({}))).toMatchObject({ kind: 'unknown' });
	});
});
