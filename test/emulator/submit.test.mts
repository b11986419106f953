import { closeAll, closeLater, MODEL, send, startRig, type Rig } from './testTools.mts';
import { startEmulator } from './emulator.mts';

afterEach(closeAll);

const IMAGE = 'https://example.com/face.png';
const AUDIO = 'https://example.com/voice.mp3';

describe('authentication', () => {
	const paths: [string, string][] = [
		['POST', `/${MODEL}`],
		['GET', '/predictions/0/result'],
		['POST', '/predictions'],
		['POST', '/predictions/delete'],
		['POST', '/media/uploads'],
		['POST', '/media/upload/binary'],
		['GET', '/balance'],
		['POST', '/model/price'],
		['GET', '/webhook/secret'],
		['GET', '/models'],
	];

	test.each(paths)('%s %s answers 401 to a wrong or missing key', async (method, path) => {
		const { call, emulator } = await startRig();
		for (const Authorization of ['Bearer wrong', 'test-key', '']) {
			const reply = await call(method, path, method === 'POST' ? {} : undefined, {
				headers: { Authorization },
			});
			expect(reply.status).toBe(401);
			expect(reply.body).toEqual({ code: 401, message: expect.any(String) });
		}
		expect(emulator.paidTasks()).toBe(0);
	});
});

describe('submit', () => {
	test('accepts the two required fields and answers with a created task in the envelope', async () => {
		const { submit, emulator } = await startRig();
		const { status, body } = await submit();
		expect(status).toBe(200);
		expect(body).toEqual({
			code: 200,
			message: 'success',
			data: {
				id: expect.stringMatching(/^[0-9a-f]{32}$/),
				model: MODEL,
				status: 'created',
				outputs: [],
				urls: { get: `${emulator.url}/api/v3/predictions/${body.data.id}/result` },
				has_nsfw_contents: [],
				created_at: '2026-11-22T08:00:00.000Z',
				error: '',
				timings: { inference: 0 },
			},
		});
	});

	const refused: [string, unknown][] = [
		['without an image', { audio: AUDIO }],
		['without an audio', { image: IMAGE }],
		['with an empty image', { image: '', audio: AUDIO }],
		['with an image that is null', { image: null, audio: AUDIO }],
		['with an audio that is an object', { image: IMAGE, audio: {} }],
		['with an unknown resolution', { image: IMAGE, audio: AUDIO, resolution: '1080p' }],
		['with a prompt that is null', { image: IMAGE, audio: AUDIO, prompt: null }],
		['with a seed below -1', { image: IMAGE, audio: AUDIO, seed: -2 }],
		['with a seed above 2^31-1', { image: IMAGE, audio: AUDIO, seed: 2_147_483_648 }],
		['with a seed that is a fraction', { image: IMAGE, audio: AUDIO, seed: 1.5 }],
		['with a seed that is text', { image: IMAGE, audio: AUDIO, seed: '7' }],
		['with a picture that is a path', { image: './face.png', audio: AUDIO }],
		['with a voice that is no URL', { image: IMAGE, audio: 'https://' }],
		['with a list as body', [{ image: IMAGE, audio: AUDIO }]],
	];

	test.each(refused)('refuses a body %s with 400 and charges nothing', async (_what, body) => {
		const { submit, emulator } = await startRig();
		const reply = await submit(body as object);
		expect(reply.status).toBe(400);
		expect(reply.body).toEqual({ code: 400, message: expect.any(String) });
		expect(emulator.paidTasks()).toBe(0);
		expect(emulator.spentUsd()).toBe(0);
	});

	test.each([{ fps: 24 }, { enable_sync_mode: true }, { webhook_url: IMAGE }])(
		'overlooks %j, which the model does not have, and bills the rest',
		async (extra) => {
			const { submit, emulator } = await startRig();
			expect((await submit({ image: IMAGE, audio: AUDIO, ...extra })).status).toBe(200);
			expect(emulator.tasks()).toMatchObject([{ input: { image: IMAGE, audio: AUDIO } }]);
			const strict = await startRig({ strictBody: true });
			const reply = await strict.submit({ image: IMAGE, audio: AUDIO, ...extra });
			expect(reply).toMatchObject({
				status: 400,
				body: { message: expect.stringContaining('unsupported') },
			});
			expect(strict.emulator.paidTasks()).toBe(0);
		},
	);

	test('accepts the bounds of seed, an empty prompt and both resolutions', async () => {
		const { submit, emulator } = await startRig();
		const inputs = [
			{ image: IMAGE, audio: AUDIO, seed: -1, prompt: '', resolution: '480p' },
			{ image: IMAGE, audio: AUDIO, seed: 2_147_483_647, resolution: '720p' },
		];
		for (const input of inputs) expect((await submit(input)).status).toBe(200);
		expect(emulator.tasks().map((task) => task.input)).toEqual(inputs);
	});

	test.each([
		['text/plain', '{"image":"a","audio":"b"}'],
		['application/x-www-form-urlencoded', 'image=a&audio=b'],
		['application/json', '{"image":'],
		['application/json', ''],
	])('refuses a body of type %s that is not JSON (%s)', async (type, text) => {
		const { call } = await startRig();
		const reply = await call('POST', `/${MODEL}`, text, { headers: { 'Content-Type': type } });
		expect(reply.status).toBe(400);
		expect(reply.body.code).toBe(400);
	});

	test.each(['ftp://example.com', 'hook', 'http://example.com/hook', ''])(
		'refuses "%s" as webhook',
		async (url) => {
			const { submit, emulator } = await startRig();
			const reply = await submit(undefined, `?webhook=${encodeURIComponent(url)}`);
			expect(reply.status).toBe(400);
			expect(emulator.paidTasks()).toBe(0);
		},
	);

	test('refuses a body above 1 MiB with 413', async () => {
		const { submit } = await startRig();
		const reply = await submit({ image: IMAGE, audio: AUDIO, prompt: 'x'.repeat(2 ** 20) });
		expect(reply.status).toBe(413);
		expect(reply.body.code).toBe(413);
	});

	test('refuses a submit that the balance does not cover', async () => {
		const { submit, emulator } = await startRig({ balance: 0.2 });
		expect((await submit()).status).toBe(200);
		const reply = await submit();
		expect(reply.status).toBe(400);
		expect(reply.body).toMatchObject({
			code: 400,
			error_code: 'insufficient_credits',
			data: { code: 1407 },
		});
		expect(emulator.paidTasks()).toBe(1);
		expect(emulator.spentUsd()).toBe(0.12);
	});

	test('echoes the input only if told so', async () => {
		const echoing = await startRig({ echoInput: true });
		const { body } = await echoing.submit({ image: IMAGE, audio: AUDIO, seed: 0 });
		expect(body.data.input).toEqual({ image: IMAGE, audio: AUDIO, seed: 0 });
		expect((await echoing.result(body.data.id)).body.data.input).toEqual(body.data.input);
		const silent = await startRig();
		expect((await silent.submit()).body.data).not.toHaveProperty('input');
	});
});

test.each(['/nothing', '/predictions/1', '/wavespeed-ai/other-model', '/upload'])(
	'answers 404 in the envelope to the unknown path %s',
	async (path) => {
		const { call } = await startRig();
		const reply = await call('GET', path);
		expect(reply.status).toBe(404);
		expect(reply.body).toEqual({ code: 404, message: 'not found' });
	},
);

test('records each request of both origins with its step and answer', async () => {
	const { call, emulator } = await startRig();
	await call('GET', '/balance?a=1&b=2&b=3');
	await send({ url: `${emulator.mediaUrl}/media/none/none.png`, headers: { Authorization: 'x' } });
	const [balance, download] = emulator.requests().slice(-2);
	expect(balance).toMatchObject({
		origin: 'api',
		method: 'GET',
		path: '/api/v3/balance',
		query: { a: '1', b: ['2', '3'] },
		step: 'balance',
		status: 200,
	});
	expect(download).toMatchObject({ origin: 'media', step: 'download', status: 400 });
	expect(download?.headers.authorization).toBe('x');
});

test('a port that is in use is an error that names it, and nothing stays open', async () => {
	const first = closeLater(await startEmulator());
	const port = Number(new URL(first.url).port);
	await expect(startEmulator({ mediaPort: port })).rejects.toMatchObject({
		code: 'EADDRINUSE',
		port,
	});
});

test('close ends requests that hang', async () => {
	const { emulator, call }: Rig = await startRig();
	emulator.addFault({ step: 'balance', kind: 'hang' });
	const hanging = call('GET', '/balance').catch((error: Error) => error);
	while (emulator.requests().at(-1)?.status !== 'hang') await new Promise(setImmediate);
	expect(emulator.inFlightRequests()).toBe(1);
	await emulator.close();
	expect(await hanging).toBeInstanceOf(Error);
});

test('the catalogue holds the one model with its schema, as the vendor’s clients read it', async () => {
	const { call } = await startRig();
	const { status, body } = await call('GET', '/models');
	expect(status).toBe(200);
	expect(body.data).toMatchObject([
		{
			model_id: MODEL,
			base_price: 0.15,
			api_schema: { api_schemas: [{ request_schema: { required: ['image', 'audio'] } }] },
		},
	]);
});

test('the paths of 2025 answer as the new ones do', async () => {
	const { emulator, submit } = await startRig();
	const { id } = (await submit()).body.data;
	const headers = { Authorization: 'Bearer test-key' };
	const result = `${emulator.url}/api/v2/predictions/${id}/result`;
	expect((await send({ url: result, headers })).body.data.id).toBe(id);
	expect((await send({ url: result })).status).toBe(401);
	const data = new FormData();
	data.append('file', new Blob(['x'], { type: 'audio/wav' }), 'voice.wav');
	const upload = `${emulator.url}/api/v2/media/upload/binary`;
	const reply = await send({ method: 'POST', url: upload, headers, data });
	expect(reply).toMatchObject({ status: 200, body: { data: { filename: 'voice.wav' } } });
});
