import type { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import axios from 'axios';
import { closeAll, makeWav, MINUTE, SECOND, send, startRig, type Rig } from './testTools.mts';
import type { FaultKind } from './types.mts';

afterEach(closeAll);

const codeOf = (error: unknown) => (error as { code?: string }).code;

async function untilStatus({ emulator }: Rig, status: string): Promise<void> {
	while (!emulator.requests().some((one) => one.status === status)) await setImmediate();
}

describe('faults of a submit', () => {
	const answers: [FaultKind, number][] = [
		['status', 503],
		['html', 503],
		['truncatedJson', 200],
		['tooManyRequests', 429],
		['emptyBody', 200],
		['wrongShape', 200],
		['envelopeError', 200],
		['missingId', 200],
		['redirect', 307],
	];

	test.each(answers)('%s answers %i and the task is not paid', async (kind, status) => {
		const { emulator, submit } = await startRig();
		emulator.addFault({ step: 'submit', kind });
		const reply = await submit();
		expect(reply.status).toBe(status);
		expect(reply.body?.data?.id).toBeUndefined();
		expect(emulator.paidTasks()).toBe(0);
		expect((await submit()).body.data.status).toBe('created');
	});

	test.each(answers.filter(([kind]) => kind !== 'tooManyRequests'))(
		'%s with afterAccept answers %i though the task is paid',
		async (kind, status) => {
			const { emulator, submit } = await startRig();
			emulator.addFault({ step: 'submit', kind, afterAccept: true });
			const reply = await submit();
			expect(reply.status).toBe(status);
			expect(reply.body?.data?.id).toBeUndefined();
			expect(emulator.paidTasks()).toBe(1);
		},
	);

	test.each([
		['resetBefore', 0],
		['resetAfter', 1],
	] as const)('%s drops the connection with %i tasks paid', async (kind, paid) => {
		const { emulator, submit } = await startRig();
		emulator.addFault({ step: 'submit', kind });
		expect(codeOf(await submit().catch((error: unknown) => error))).toBe('ECONNRESET');
		expect(emulator.paidTasks()).toBe(paid);
		expect(emulator.requests().at(-1)?.status).toBe('reset');
	});

	test.each([
		['hang', 0],
		['hangAfter', 1],
	] as const)('%s never answers, with %i tasks paid', async (kind, paid) => {
		const rig = await startRig();
		rig.emulator.addFault({ step: 'submit', kind });
		const gone = new AbortController();
		const hanging = rig.call('POST', '/wavespeed-ai/wan-2.2/speech-to-video', await anyInput(rig), {
			signal: gone.signal,
		});
		await untilStatus(rig, 'hang');
		expect(rig.emulator.paidTasks()).toBe(paid);
		expect(rig.emulator.inFlightRequests()).toBe(1);
		gone.abort();
		await expect(hanging).rejects.toThrow('canceled');
		while (rig.emulator.inFlightRequests() > 0) await setImmediate();
	});

	test('an invalid submit is not paid by a fault that accepts', async () => {
		const { emulator, submit } = await startRig();
		emulator.addFault({ step: 'submit', kind: 'resetAfter' });
		await expect(submit({ image: 1 })).rejects.toThrow();
		expect(emulator.paidTasks()).toBe(0);
	});
});

async function anyInput({ emulator }: Rig): Promise<object> {
	const [image, audio] = emulator.uploads();
	return { image: image?.url, audio: audio?.url };
}

describe('any fault', () => {
	test('lets `skip` requests pass, spoils `times` of them and is then used up', async () => {
		const { emulator, call } = await startRig();
		emulator.addFault({ step: 'balance', kind: 'status', status: 500, skip: 1, times: 2 });
		emulator.addFault({ step: 'balance', kind: 'status', status: 502 });
		const statuses = [];
		for (let count = 0; count < 5; count += 1)
			statuses.push((await call('GET', '/balance')).status);
		expect(statuses).toEqual([200, 500, 500, 502, 200]);
	});

	test('goes on for ever with Infinity, until faults are cleared', async () => {
		const { emulator, call } = await startRig();
		emulator.addFault({ step: 'balance', kind: 'status', times: Infinity });
		for (let count = 0; count < 5; count += 1) {
			expect((await call('GET', '/balance')).status).toBe(503);
		}
		emulator.clearFaults();
		expect((await call('GET', '/balance')).status).toBe(200);
	});

	test('meets only requests that `when` picks, which sees the body', async () => {
		const rig = await startRig();
		const input = await anyInput(rig);
		rig.emulator.addFault({
			step: 'submit',
			kind: 'status',
			when: ({ body }) => (body as { seed?: number }).seed === 2,
		});
		expect((await rig.submit({ ...input, seed: 1 })).status).toBe(200);
		expect((await rig.submit({ ...input, seed: 2 })).status).toBe(503);
	});

	test('can have its own body, status, Retry-After and location', async () => {
		const { emulator, call } = await startRig();
		emulator.addFault({ step: 'balance', kind: 'status', status: 400, body: { error: 'no' } });
		expect(await call('GET', '/balance')).toMatchObject({ status: 400, body: { error: 'no' } });
		emulator.addFault({ step: 'balance', kind: 'tooManyRequests', retryAfter: '17' });
		expect((await call('GET', '/balance')).headers['retry-after']).toBe('17');
		emulator.addFault({ step: 'balance', kind: 'tooManyRequests' });
		expect((await call('GET', '/balance')).headers).not.toHaveProperty('retry-after');
		emulator.addFault({
			step: 'balance',
			kind: 'redirect',
			status: 302,
			location: 'http://a.test/',
		});
		expect(await call('GET', '/balance')).toMatchObject({
			status: 302,
			headers: { location: 'http://a.test/' },
		});
		emulator.addFault({ step: 'balance', kind: 'envelopeError', status: 5003 });
		expect(await call('GET', '/balance')).toMatchObject({ status: 200, body: { code: 5003 } });
	});

	test('leaves 401 alone: a request without the key does not use it up', async () => {
		const { emulator, call } = await startRig();
		emulator.addFault({ step: 'balance', kind: 'status' });
		const headers = { Authorization: 'Bearer wrong' };
		expect((await call('GET', '/balance', undefined, { headers })).status).toBe(401);
		expect((await call('GET', '/balance')).status).toBe(503);
	});
});

test('slowBody sends half of the answer, then the rest when its pause is over', async () => {
	const rig = await startRig();
	rig.emulator.addFault({ step: 'list', kind: 'slowBody', seconds: 20 });
	const reply = rig.call('POST', '/predictions', { page: 1, page_size: 1 });
	while (rig.emulator.requests().at(-1)?.step !== 'list') await setImmediate();
	while (rig.emulator.requests().at(-1)?.status !== 200) await setImmediate();
	await rig.clock.advance(19 * SECOND);
	expect(rig.emulator.inFlightRequests()).toBe(1);
	await rig.clock.advance(SECOND);
	expect((await reply).body).toMatchObject({ code: 200, data: { items: [] } });
});

test.each(['ticket', 'price', 'result', 'list', 'balance', 'secret'] as const)(
	'truncatedJson of %s is half of its real answer',
	async (step) => {
		const rig = await startRig();
		const { id } = (await rig.submit()).body.data;
		rig.emulator.addFault({ step, kind: 'truncatedJson' });
		const requests = {
			ticket: () =>
				rig.call('POST', '/media/uploads', {
					filename: 'a.wav',
					size: 1,
					content_type: 'audio/wav',
				}),
			price: () =>
				rig.call('POST', '/model/price', { model_id: 'wavespeed-ai/wan-2.2/speech-to-video' }),
			result: () => rig.result(id),
			list: () => rig.call('POST', '/predictions', { page: 1, page_size: 1 }),
			balance: () => rig.call('GET', '/balance'),
			secret: () => rig.call('GET', '/webhook/secret'),
		};
		const cut = await requests[step]();
		expect(cut.status).toBe(200);
		expect(cut.body).toMatch(/^\{"code":200,"message"/);
		expect((await requests[step]()).body.code).toBe(200);
	},
);

describe('faults of uploads', () => {
	const putOnce = async (rig: Rig) => {
		const bytes = makeWav(1);
		const { data } = (
			await rig.call('POST', '/media/uploads', {
				filename: 'a.wav',
				size: bytes.length,
				content_type: 'audio/wav',
			})
		).body;
		const { url, headers } = data.upload;
		return {
			put: () => send({ method: 'PUT', url, data: bytes, headers }),
			url: data.download_url,
		};
	};

	test('a PUT can fail with nothing stored', async () => {
		const rig = await startRig();
		const { put, url } = await putOnce(rig);
		rig.emulator.addFault({ step: 'put', kind: 'status' });
		rig.emulator.addFault({ step: 'put', kind: 'resetBefore' });
		expect((await put()).status).toBe(503);
		await expect(put()).rejects.toThrow();
		expect((await send({ url })).status).toBe(404);
		expect((await put()).status).toBe(200);
	});

	test('a PUT can be stored though the connection drops: the next one meets 412', async () => {
		const rig = await startRig();
		const { put, url } = await putOnce(rig);
		rig.emulator.addFault({ step: 'put', kind: 'resetAfter' });
		await expect(put()).rejects.toThrow();
		expect((await put()).status).toBe(412);
		expect((await send({ url })).status).toBe(200);
	});

	test('a multipart upload can fail with nothing stored', async () => {
		const { emulator, call } = await startRig();
		emulator.addFault({ step: 'multipart', kind: 'html', status: 502 });
		const form = new FormData();
		form.append('file', new Blob([makeWav(1)], { type: 'audio/wav' }), 'a.wav');
		expect((await call('POST', '/media/upload/binary', form)).status).toBe(502);
		expect(emulator.uploads()).toHaveLength(2);
	});
});

describe('faults of a download', () => {
	const finish = async (rig: Rig): Promise<string> => {
		const { id } = (await rig.submit()).body.data;
		await rig.clock.advance(MINUTE);
		return (await rig.result(id)).body.data.outputs[0];
	};

	test('resetAfter drops the connection in the middle of the file', async () => {
		const rig = await startRig();
		const url = await finish(rig);
		rig.emulator.addFault({ step: 'download', kind: 'resetAfter' });
		await expect(send({ url })).rejects.toThrow();
		expect((await send({ url })).status).toBe(200);
	});

	test('hangAfter goes silent in the middle of the file', async () => {
		const rig = await startRig();
		const url = await finish(rig);
		rig.emulator.addFault({ step: 'download', kind: 'hangAfter' });
		const { data: body } = await axios.get<Readable>(url, { responseType: 'stream', proxy: false });
		const [first] = await new Promise<Buffer[]>((resolve) =>
			body.once('data', (chunk: Buffer) => resolve([chunk])),
		);
		expect(first?.toString('latin1', 4, 8)).toBe('ftyp');
		body.once('error', () => undefined);
		body.destroy();
	});
});
