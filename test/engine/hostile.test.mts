import type { IDataObject, INodeExecutionData } from 'n8n-workflow';

import {
	GOES_ON,
	type HostileRig,
	KEY,
	startHostileRig,
	watchUnheard,
} from '../fuzz/support/hostileRig.mts';
import { checkRun } from '../fuzz/support/invariants.mts';
import type { Reply } from '../fuzz/support/replies.mts';
import { makeRow } from './harness/rig.mts';

/** Answers without an end, bombs, and what random answers have brought to light. */

let rig: HostileRig;
let watched: ReturnType<typeof watchUnheard>;
beforeEach(async () => {
	watched = watchUnheard();
	rig = await startHostileRig();
});
afterEach(async () => {
	await rig.close();
	watched.stop();
	expect(watched.unheard).toEqual([]);
});

const run = async (parameters: IDataObject, row: INodeExecutionData = { json: {} }) => {
	const result = await rig.run({ items: [row], parameters, settings: GOES_ON });
	checkRun(result, KEY);
	return result.items[0]?.json ?? {};
};

const times = (reply: Reply, count: number): Reply[] => Array.from({ length: count }, () => reply);

const GET = { resource: 'task', operation: 'get', taskId: 'task-7' };
const SUBMIT = { resource: 'task', operation: 'submit' };
const MEGABYTE = 1024 ** 2;

/** What the connection holds on its way is not in our memory. */
const ON_THE_WAY_BYTES = 16 * MEGABYTE;

describe('an answer that is too large', () => {
	test.each<Reply>([
		{ kind: 'endless', status: 200 },
		{ kind: 'large', status: 200, megabytes: 50 },
		{ kind: 'gzipBomb', megabytes: 200 },
	])('is not read to its end, and asked for again (%j)', async (reply) => {
		rig.server.play({ result: [reply] });
		expect(await run(GET)).toMatchObject({ status: 'completed' });
		expect(rig.server.requests()).toHaveLength(2);
		// What is sent in one piece counts as sent, however much of it is read.
		if (reply.kind !== 'endless') return;
		for (const bytes of rig.server.bytesSent()) expect(bytes).toBeLessThan(ON_THE_WAY_BYTES);
	});

	test('fails the row in words if there is no other', async () => {
		rig.server.play({ result: times({ kind: 'endless', status: 200 }, 5) });
		const { error } = await run(GET);
		expect(error).toMatch(/^Could not read the task: the answer was not the JSON that the API/);
	});

	test('still refuses, if that is what its status says', async () => {
		rig.server.play({ result: [{ kind: 'endless', status: 401 }] });
		expect((await run(GET)).error).toMatch(/^WaveSpeed doesn't accept the API key/);
		expect(rig.server.requests()).toHaveLength(1);
	});

	test('may be larger for a page of tasks', async () => {
		const items = [{ id: 'a', status: 'completed', input: { prompt: 'x'.repeat(2 * MEGABYTE) } }];
		rig.server.play({ list: [{ kind: 'data', data: { items } }] });
		expect(await run({ resource: 'task', operation: 'getAll' })).toMatchObject({ taskId: 'a' });
		// The page, and the empty one behind it.
		expect(rig.server.requests()).toHaveLength(2);
	});

	test.each<Reply>([
		{ kind: 'endless', status: 200 },
		{ kind: 'gzipBomb', megabytes: 20 },
		{ kind: 'truncated' },
		{ kind: 'drip' },
	])('to a submit sends nothing again: the task is looked for (%j)', async (reply) => {
		rig.server.play({ submit: [reply] });
		const json = await run({ ...SUBMIT, prompt: 'row 0' }, await makeRow());
		expect(json).toMatchObject({ taskId: 'task-1' });
		expect(rig.server.submitsOf('row 0')).toBe(1);
	});

	test('of the file store says with its status all that matters', async () => {
		rig.server.play({ put: times({ kind: 'endless', status: 200 }, 2) });
		expect(await run(SUBMIT, await makeRow())).toMatchObject({ taskId: 'task-1' });
		expect(rig.server.requests().filter(({ step }) => step === 'put')).toHaveLength(2);
	});
});

test('an answer that drips in ends at the time limit, and its connection with it', async () => {
	rig.server.play({ result: [{ kind: 'drip' }] });
	expect(await run(GET)).toMatchObject({ status: 'completed' });
	expect(rig.server.requests().map(({ status }) => status)).toEqual([200, 200]);
});

test.each([301, 302, 307, 308])('a redirect (%i) takes the key nowhere', async (status) => {
	rig.server.play({ result: [{ kind: 'redirect', status }] });
	expect((await run(GET)).error).toMatch(/redirect, which is not followed/);
	expect(rig.server.strangerSaw()).toBe('');
});

test.each([false, true])(
	'an error that repeats the key hides it (escaped: %s)',
	async (escaped) => {
		rig.server.play({ result: [{ kind: 'echo', status: 400, escaped }] });
		expect((await run(GET)).error).toMatch(/Bearer \[API key\] is not welcome/);
	},
);

test('a list that is the same on every page comes to an end', async () => {
	const items = Array.from({ length: 100 }, (_, index) => ({ id: `task-${index}` }));
	rig.server.play({ list: times({ kind: 'data', data: { items } }, 1_000) });
	const result = await rig.run({
		items: [{ json: {} }],
		parameters: { resource: 'task', operation: 'getAll', returnAll: true },
	});
	expect(result.items).toHaveLength(100);
	expect(rig.server.requests().length).toBeLessThan(210);
});

test.each([null, 'constructor', '={{ ({}) }}'])(
	'an operation that there is not (%j) is an error in words',
	async (operation) => {
		expect((await run({ operation })).error).toMatch(
			/^"Operation" of the resource "video" must be one of: generate/,
		);
	},
);

test.each(['..', 'a\ud800', 'x'.repeat(300)])(
	'a task ID that can not be one is refused before it gets into a URL (%#)',
	async (taskId) => {
		expect((await run({ resource: 'task', operation: 'get', taskId })).error).toMatch(
			/^"Task ID" is not the ID/,
		);
		expect(rig.server.requests()).toEqual([]);
	},
);

test.each(['={{ ({ data: 1, mimeType: 2 }) }}', '={{ ({ data: "", mimeType: ["a"] }) }}'])(
	'an object that is no file is refused in the place of one (%s)',
	async (imageBinaryPropertyName) => {
		const json = await run({ ...SUBMIT, imageBinaryPropertyName }, await makeRow());
		expect(json.error).toMatch(
			/^The expression in "Image Input Data Field Name" doesn't give a file/,
		);
	},
);

test('a time that has no text is refused', async () => {
	const filters = { createdAfter: '={{ ({ toString: 1, valueOf: 1 }) }}' };
	const json = await run({ resource: 'task', operation: 'getAll', filters });
	expect(json.error).toMatch(/^"Created After" is not a date and time/);
});
