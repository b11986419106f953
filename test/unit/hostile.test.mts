import { readEnvelope } from '../../nodes/shared/wavespeed/http/envelope';
import { preparationBudget } from '../../nodes/shared/wavespeed/http/request';
import type { HttpOutcome } from '../../nodes/shared/wavespeed/http/types';
import { expiresAt, parseTask, readTaskId } from '../../nodes/shared/wavespeed/tasks/task';
import { uploadFile } from '../../nodes/shared/wavespeed/media/upload';
import { answer, createPermit, createRig, failureFrom, ok, rawTask } from './support/api.mts';
import { shorten } from '../../nodes/shared/text';
import { listTasks } from '../../nodes/shared/wavespeed/tasks/listTasks';
import { getTask } from '../../nodes/shared/wavespeed/tasks/getTask';
import { submitTask } from '../../nodes/shared/wavespeed/tasks/submitTask';

/** What random answers have brought to light. */

const json = (value: unknown, status = 200): HttpOutcome => answer(status, JSON.stringify(value));
const read = (value: unknown) => readEnvelope(json(value) as never);

describe('an envelope', () => {
	test.each<{ code: unknown }>([
		{ code: { toString: 1, valueOf: 1 } },
		{ code: [200] },
		{ code: true },
	])('with %j is unclear and no mistake of ours', ({ code }) =>
		expect(read({ code, data: {} })).toMatchObject({ kind: 'unclear', text: 'code NaN' }),
	);

	test('whose code is a text of some MB is told in a few words', () => {
		expect(read({ code: 'x'.repeat(3_000_000) })).toMatchObject({ text: 'code NaN' });
	});

	test('whose error_code is long is cut', () => {
		const result = read({ code: 400, message: 'no', error_code: 'x'.repeat(10_000) });
		expect(result).toMatchObject({ kind: 'refused', text: `no (${'x'.repeat(50)}…)` });
	});

	test('that goes deeper than n8n can store is unreadable', () => {
		const deep = `{"code":200,"data":{"id":"a","more":${'['.repeat(20_000)}${']'.repeat(20_000)}}}`;
		expect(readEnvelope(answer(200, deep) as never)).toMatchObject({ kind: 'unclear' });
	});
});

describe('a text of the service', () => {
	test('loses control characters, halves of characters and changes of direction', () => {
		expect(shorten('a\u0000b\u001b[31m\r\nc\u2028d\u202Ee\ud800f')).toBe('a b [31m c d e f');
	});

	test('is not cut in the middle of a character', () => {
		expect(shorten('ab😀', 3)).toBe('ab…');
		expect(shorten('ab😀', 4)).toBe('ab😀');
	});

	test('says that it was cut also if all that follows is white', () => {
		expect(shorten(`a${' '.repeat(100)}b`, 5)).toBe('a…');
	});
});

describe('the ID of a task', () => {
	test.each([
		'',
		' ',
		'.',
		'..',
		'a\u0000b',
		'a\nb',
		'a\ud800',
		'x'.repeat(201),
		-1,
		1.5,
		{},
		null,
	])('is not %j', (value) => expect(readTaskId(value)).toBeUndefined());

	test.each([
		['a b', 'a b'],
		[' a ', 'a'],
		['/../x?y#z', '/../x?y#z'],
		[4711, '4711'],
	])('may be %j', (value, id) => expect(readTaskId(value)).toBe(id));
});

describe('a task', () => {
	test.each(['+275760-09-13T00:00:00.000Z', '-000001-01-01T00:00:00Z', '99999-01-01'])(
		'of the time %s has no time and no end of its life',
		(created_at) => {
			const task = parseTask(rawTask('a', 'completed', { created_at }));
			expect(task?.createdAt).toBeNull();
			expect(task && expiresAt(task)).toBeNull();
		},
	);

	test('with a status of some kB has a short one', () => {
		expect(parseTask(rawTask('a', 'x'.repeat(9_000)))?.status).toHaveLength(51);
	});

	test('with an endless number for a code has none', () => {
		expect(parseTask({ ...rawTask('a', 'failed'), code: Infinity })?.errorCode).toBeNull();
	});

	test('has only outputs that can be loaded', () => {
		const good = 'https://cdn.example/a.mp4?b=c#d';
		const bad = ['javascript:alert(1)', 'data:,x', 'file:///a', 'http://', 'http://[', 7, null];
		const long = `https://cdn.example/${'x'.repeat(9_000)}`;
		const task = parseTask(rawTask('a', 'completed', { outputs: [...bad, long, good] }));
		expect(task?.videoUrls).toEqual([good]);
	});
});

describe('the answer to a submit', () => {
	const submit = async (given: HttpOutcome) => {
		const rig = createRig([given]);
		const input = { image: '', audio: '', prompt: '', resolution: '480p', seed: 1 };
		return await rig.time.run(submitTask(rig.api, createPermit(), input, undefined));
	};

	test.each([
		['an odd code', json({ code: { toString: 1 }, data: rawTask('a') })],
		['a code of 500', json({ code: 500, data: rawTask('a') })],
		['the status 502', json({ code: 502, data: rawTask('a') }, 502)],
		['no envelope', json(rawTask('a'))],
	])('with %s counts if it names the task: its ID must not be lost', async (_, given) => {
		expect(await submit(given)).toMatchObject({ kind: 'accepted', task: { id: 'a' } });
	});

	test('of a gateway that names its request is not taken for a task', async () => {
		const given = json({ id: 'req-1', error: 'bad gateway' }, 502);
		expect(await submit(given)).toMatchObject({ kind: 'unknown' });
	});
});

test('the answer for another task is not taken: its video would come to the wrong row', async () => {
	const rig = createRig([ok(rawTask('theirs', 'completed'))]);
	const asked = getTask(rig.api, 'mine', preparationBudget(rig.api.clock));
	const failure = await rig.time.run(failureFrom(asked));
	expect(failure.message).toBe('Could not read the task: the answer was not what the API promises');
});

describe('a ticket', () => {
	const upload = async (headers: unknown, destroy = (): void => {}) => {
		const ticket = { upload: { url: 'https://store/1', headers }, download_url: 'https://store/1' };
		const rig = createRig([ok(ticket), answer(200, '')]);
		const body = Object.assign(Buffer.from('x'), { destroy });
		const file = { fileName: 'a', sha256: 'a', contentType: 'image/png', byteCount: 1 };
		const open = async () => await Promise.resolve(body);
		await rig.time.run(uploadFile(rig.api, 'image', { ...file, open }));
		return rig.requests[1]?.headers;
	};

	test('with headers that are no texts is used without them', async () => {
		const odd = { a: { toString: 1 }, b: [], c: null, d: 'fine', e: 7 };
		expect(await upload(odd)).toEqual({ d: 'fine', e: '7' });
	});

	test('does not decide how long the file is', async () => {
		expect(await upload({ 'content-length': '9', 'Transfer-Encoding': 'chunked' })).toEqual({});
	});

	test('leaves no file open, whatever the store did with it', async () => {
		const destroy = jest.fn();
		await upload({}, destroy);
		expect(destroy).toHaveBeenCalled();
	});
});

test('a list with an object in the place of an ID is read all the same, and told as one with an unreadable record', async () => {
	const odd = rawTask('odd', 'completed', { id: [{ toString: 0, valueOf: 0 }] } as never);
	const rig = createRig([ok({ items: [odd, rawTask('good', 'completed')] })]);
	const page = await rig.time.run(listTasks(rig.api, {}, 1));
	expect(page.tasks.map(({ id }) => id)).toEqual(['good']);
	expect(page.hasUnreadable).toBe(true);
});
