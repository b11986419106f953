import { MINUTE, MODEL, START, closeAll, startRig, type Rig } from './testTools.mts';
import type { EmulatorOptions } from './types.mts';

/** What the service might say otherwise than it is documented: a client has to cope with each. */

afterEach(closeAll);

const PROMPT = '  she smiles ';

async function listInputs(options: EmulatorOptions, query: object = { include_inputs: true }) {
	const rig = await startRig(options);
	await rig.submit({ ...(await inputsOf(rig)), prompt: PROMPT, seed: 7 });
	const reply = await rig.call('POST', '/predictions', { page: 1, page_size: 10, ...query });
	return { rig, reply, item: reply.body.data?.items?.[0] as Record<string, unknown> | undefined };
}

async function inputsOf({ emulator }: Rig) {
	const [image, audio] = emulator.uploads().map(({ url }) => url);
	return { image, audio };
}

describe('the inputs of listed tasks', () => {
	test('come as `inputs` if the list is asked for them, and not otherwise', async () => {
		const { rig, item } = await listInputs({});
		const inputs = { ...(await inputsOf(rig)), prompt: PROMPT, seed: 7 };
		expect(item).toMatchObject({ inputs });
		expect(item).not.toHaveProperty('input');
		const plain = await rig.call('POST', '/predictions', { page: 1, page_size: 10 });
		expect(plain.body.data.items[0]).not.toHaveProperty('inputs');
	});

	test('stay away where the flag is overlooked, and the list is refused where it is an error', async () => {
		expect((await listInputs({ includeInputs: 'ignored' })).item).not.toHaveProperty('inputs');
		const { reply } = await listInputs({ includeInputs: 'refused' });
		expect(reply).toMatchObject({ status: 400, body: { code: 400 } });
	});

	test('can be spelled otherwise', async () => {
		const echo = { name: 'input', trimPrompt: true, seedAsText: true, rehostFiles: true } as const;
		const { rig, item } = await listInputs({ echo });
		const { image } = await inputsOf(rig);
		expect(item?.input).toMatchObject({ prompt: 'she smiles', seed: '7' });
		expect(item?.input).toHaveProperty('image', expect.stringMatching(/\/copies\/.*\.png$/));
		expect(item?.input).not.toHaveProperty('image', image);
	});

	test('can be some of them, or an empty object', async () => {
		expect((await listInputs({ echo: { keys: ['seed'] } })).item?.inputs).toEqual({ seed: 7 });
		expect((await listInputs({ echo: { keys: [] } })).item?.inputs).toEqual({});
	});
});

test('a list gives no more than its largest page, and goes on there on the next', async () => {
	const { submit, call } = await startRig({ maxPageSize: 2 });
	const ids: string[] = [];
	for (const seed of [1, 2, 3]) {
		const { image, audio } = {
			image: 'https://example.com/a.png',
			audio: 'https://example.com/a.mp3',
		};
		ids.unshift((await submit({ image, audio, seed })).body.data.id);
	}
	const pages = await Promise.all(
		[1, 2].map((page) => call('POST', '/predictions', { page, page_size: 100, model: MODEL })),
	);
	expect(pages.map(({ body }) => body.data.items.map(({ id }) => id))).toEqual([
		ids.slice(0, 2),
		ids.slice(2),
	]);
});

test.each([
	['ms', '2026-11-22T08:00:00.000Z'],
	['ns', '2026-11-22T08:00:00.000456789Z'],
	['noZone', '2026-11-22T08:00:00.000'],
	['offset', '2026-11-22T16:00:00.000+08:00'],
] as const)('created_at can be written with %s', async (createdAtFormat, text) => {
	const { submit } = await startRig({ createdAtFormat });
	expect((await submit()).body.data.created_at).toBe(text);
});

describe('the time of the service', () => {
	test('stands in the header of each answer, bad ones included', async () => {
		const { call, emulator, clock } = await startRig();
		await clock.advance(MINUTE);
		emulator.addFault({ step: 'balance', kind: 'html' });
		const replies = [await call('GET', '/balance'), await call('GET', '/balance')];
		for (const { headers } of replies) expect(headers.date).toBe('Sun, 22 Nov 2026 08:01:00 GMT');
	});

	test('may be ahead of the client, in everything that the service dates', async () => {
		const { submit, emulator, call, clock } = await startRig({ clockSkewMs: 3 * MINUTE });
		const { body, headers } = await submit();
		expect(body.data.created_at).toBe('2026-11-22T08:03:00.000Z');
		expect(headers.date).toBe('Sun, 22 Nov 2026 08:03:00 GMT');
		expect(emulator.requests().at(-1)?.at).toBe(START);
		await clock.advance(MINUTE);
		const window = { page: 1, page_size: 10, created_after: '2026-11-22T08:02:00Z' };
		expect((await call('POST', '/predictions', window)).body.data.items).toHaveLength(1);
	});

	test('may jump, and may be left out of the answers', async () => {
		let clockSkewMs = 0;
		const rig = await startRig({ clockSkewMs: () => clockSkewMs, dateHeader: false });
		clockSkewMs = -MINUTE;
		const { body, headers } = await rig.submit();
		expect(body.data.created_at).toBe('2026-11-22T07:59:00.000Z');
		expect(headers).not.toHaveProperty('date');
	});
});
