import { Readable } from 'node:stream';
import { startEmulator } from './emulator.mts';
import {
	closeAll,
	closeLater,
	download,
	HOUR,
	makeWav,
	MINUTE,
	readMedia,
	send,
	sha256,
	startRig,
	type Body,
	type Rig,
} from './testTools.mts';

afterEach(closeAll);

const VOICE = makeWav(2);

async function takeTicket({ call }: Rig, bytes = VOICE) {
	const reply = await call('POST', '/media/uploads', {
		filename: 'my voice.wav',
		size: bytes.length,
		content_type: 'audio/wav',
	});
	return reply.body.data;
}

const put = (
	ticket: Pick<Body['data'], 'upload'>,
	change: object = {},
	bytes: Buffer | Readable = VOICE,
) =>
	send({
		method: ticket.upload.method,
		url: ticket.upload.url,
		data: bytes,
		headers: { ...ticket.upload.headers, ...change },
	});

describe('an upload ticket', () => {
	test('names the signed target, the headers to send and the public URL', async () => {
		const rig = await startRig();
		const ticket = await takeTicket(rig);
		expect(ticket).toEqual({
			type: 'audio',
			download_url: expect.stringContaining(`${rig.emulator.mediaUrl}/media/`),
			filename: 'my voice.wav',
			size: VOICE.length,
			upload: {
				method: 'PUT',
				url: expect.stringContaining(`${rig.emulator.mediaUrl}/signed/`),
				headers: { 'Content-Type': 'audio/wav', 'If-None-Match': '*' },
				expires_at: '2026-11-22T08:15:00.000Z',
			},
		});
		expect((await send({ url: ticket.download_url })).status).toBe(404);
	});

	test('takes the bytes once and serves them to anybody for 7 days', async () => {
		const rig = await startRig();
		const ticket = await takeTicket(rig);
		const reply = await put(ticket);
		expect(reply).toMatchObject({ status: 200, body: '' });
		const got = await download(ticket.download_url);
		expect(got.headers).toMatchObject({ 'content-type': 'audio/wav' });
		expect(sha256(got.bytes)).toBe(sha256(VOICE));
		expect((await put(ticket)).status).toBe(412);
		expect(rig.emulator.uploads().at(-1)).toEqual({
			url: ticket.download_url,
			filename: 'my voice.wav',
			contentType: 'audio/wav',
			bytes: VOICE.length,
			sha256: sha256(VOICE),
			via: 'ticket',
		});
		const recorded = rig.emulator
			.requests()
			.find((one) => one.step === 'put' && one.path.includes(new URL(ticket.upload.url).pathname));
		expect(recorded?.body).toEqual({ bytes: VOICE.length, sha256: sha256(VOICE) });
		await rig.clock.advance(7 * 24 * HOUR);
		expect((await send({ url: ticket.download_url })).status).toBe(404);
	});

	test.each([
		['the API key', { Authorization: 'Bearer test-key' }, 400],
		['another content type', { 'Content-Type': 'audio/mpeg' }, 403],
		['no If-None-Match', { 'If-None-Match': undefined }, 403],
	])('refuses %s in the PUT', async (_what, change, status) => {
		const rig = await startRig();
		const ticket = await takeTicket(rig);
		expect((await put(ticket, change)).status).toBe(status);
		expect((await send({ url: ticket.download_url })).status).toBe(404);
		expect((await put(ticket)).status).toBe(200);
	});

	test('refuses a PUT of other than the declared number of bytes, or of an undeclared one', async () => {
		const rig = await startRig();
		const ticket = await takeTicket(rig);
		expect((await put(ticket, {}, makeWav(1))).status).toBe(400);
		expect((await put(ticket, {}, makeWav(3))).status).toBe(400);
		expect((await put(ticket, {}, Readable.from([VOICE]))).status).toBe(411);
		expect(rig.emulator.uploads()).toHaveLength(2);
	});

	test('refuses a PUT to a changed URL, and any PUT after it expired', async () => {
		const rig = await startRig();
		const ticket = await takeTicket(rig);
		const url = ticket.upload.url.replace(/.$/, (last: string) => (last === '0' ? '1' : '0'));
		expect((await put({ upload: { ...ticket.upload, url } })).status).toBe(403);
		await rig.clock.advance(15 * MINUTE);
		expect((await put(ticket)).status).toBe(403);
	});

	test.each([
		[{ size: 1, content_type: 'audio/wav' }, 400],
		[{ filename: 'a.wav', content_type: 'audio/wav' }, 400],
		[{ filename: 'a.wav', size: 1 }, 200],
		[{ filename: 'a', size: 1 }, 400],
		[{ filename: 'a.wav', size: 1, content_type: 7 }, 400],
		[{ filename: 'a.wav', size: 0, content_type: 'audio/wav' }, 400],
		[{ filename: 'a.wav', size: '1', content_type: 'audio/wav' }, 400],
		[{ filename: 'a.pdf', size: 1, content_type: 'application/pdf' }, 400],
		[{ filename: 'a.svg', size: 1, content_type: 'image/svg+xml' }, 400],
		[{ filename: 'a.wav', size: 200 * 2 ** 20 + 1, content_type: 'audio/wav' }, 413],
		[{ filename: 'a.wav', size: 200 * 2 ** 20, content_type: 'audio/wav' }, 200],
		[{ filename: 'a.ogg', size: 1, content_type: 'application/octet-stream' }, 200],
	])('for %j is answered with %i', async (body, status) => {
		const { call } = await startRig();
		const reply = await call('POST', '/media/uploads', body);
		expect(reply.status).toBe(status);
		expect(reply.body.code).toBe(status);
	});

	test('without a content type asks for none in the PUT, and refuses one', async () => {
		const { call, emulator } = await startRig();
		const body = { filename: 'voice.wav', size: VOICE.length };
		const { data } = (await call('POST', '/media/uploads', body)).body;
		expect(data.upload.headers).toEqual({ 'If-None-Match': '*' });
		const typed = { 'Content-Type': 'application/x-www-form-urlencoded' };
		expect((await put(data, typed)).status).toBe(403);
		const bare = { 'Content-Type': false } as unknown as Record<string, string>;
		expect((await put(data, bare)).status).toBe(200);
		expect(emulator.uploads().at(-1)).toMatchObject({ contentType: 'audio/wav' });
	});

	test('may ask for other headers, and then wants exactly those', async () => {
		const { emulator, call } = await startRig({ ticketHeaders: { 'X-Ticket': 'a' } });
		const body = { filename: 'voice.wav', size: VOICE.length, content_type: 'audio/wav' };
		const { data } = (await call('POST', '/media/uploads', body)).body;
		const bare = { 'Content-Type': false } as unknown as Record<string, string>;
		expect((await put(data, { ...bare, 'X-Ticket': 'b' })).status).toBe(403);
		expect((await put(data, bare)).status).toBe(200);
		expect(emulator.uploads()).toHaveLength(1);
	});

	test.each([404, 405] as const)('can be switched off, to answer %i', async (status) => {
		const emulator = closeLater(await startEmulator({ ticketUploads: status }));
		const reply = await send({
			method: 'POST',
			url: `${emulator.url}/api/v3/media/uploads`,
			data: {},
			headers: { Authorization: 'Bearer test-key' },
		});
		expect(reply).toMatchObject({ status, body: { code: status } });
	});
});

describe('a multipart upload', () => {
	const form = (name: string, bytes: Buffer, type: string) => {
		const data = new FormData();
		data.append(name, new Blob([bytes], { type }), 'voice.wav');
		return data;
	};

	test('stores the field "file" and gives its URL', async () => {
		const { call, emulator } = await startRig();
		const reply = await call('POST', '/media/upload/binary', form('file', VOICE, 'audio/wav'));
		expect(reply.body).toMatchObject({
			code: 200,
			data: { type: 'audio', filename: 'voice.wav', size: VOICE.length },
		});
		const url = reply.body.data.download_url;
		const got = await download(url);
		expect(sha256(got.bytes)).toBe(sha256(VOICE));
		expect(emulator.uploads().at(-1)).toMatchObject({ url, via: 'multipart' });
	});

	test.each([
		['another field name', form('upload', VOICE, 'audio/wav'), 400],
		['an empty file', form('file', Buffer.alloc(0), 'audio/wav'), 400],
		['a type that is no media', form('file', VOICE, 'application/zip'), 400],
		['no file', new FormData(), 400],
		['JSON', { file: 'x' }, 400],
	])('refuses %s', async (_what, body, status) => {
		const { call, emulator } = await startRig();
		const reply = await call('POST', '/media/upload/binary', body);
		expect(reply.status).toBe(status);
		expect(reply.body.code).toBe(status);
		expect(emulator.uploads()).toHaveLength(2);
	});

	test('answers 413 to a file above the limit', async () => {
		const { call } = await startRig({ maxUploadBytes: 100_000 });
		const reply = await call(
			'POST',
			'/media/upload/binary',
			form('file', makeWav(20), 'audio/wav'),
		);
		expect(reply.status).toBe(413);
		expect(reply.body.code).toBe(413);
	});
});

test('a file can be put there by hand, and is refused as an upload would be', async () => {
	const { emulator, submit } = await startRig();
	const url = await emulator.addUpload('face.png', 'image/png', readMedia('portrait.png'));
	expect((await download(url)).bytes).toEqual(readMedia('portrait.png'));
	expect((await submit({ image: url, audio: emulator.uploads()[1]?.url })).status).toBe(200);
	await expect(emulator.addUpload('a.txt', 'text/plain', Buffer.from('a'))).rejects.toThrow();
});
