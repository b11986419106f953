import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
	closeAll,
	closeLater,
	download,
	HOUR,
	makeWav,
	MINUTE,
	MODEL,
	readMedia,
	SECOND,
	send,
	startRig,
} from './testTools.mts';

afterEach(closeAll);

/** A host of media that the emulator has to fetch. */
async function startHost(files: Record<string, { type: string; bytes: Buffer; status?: number }>) {
	const server = createServer((request, response) => {
		const file = files[request.url ?? ''];
		response.writeHead(file?.status ?? (file ? 200 : 404), {
			'content-type': file?.type ?? 'text/plain',
		});
		response.end(file?.bytes);
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	closeLater({
		close: async () => {
			server.closeAllConnections();
			server.close();
		},
	});
	return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('a task', () => {
	test('is created, then processing, then completed, as the clock goes', async () => {
		const { submit, result, clock } = await startRig();
		const { id } = (await submit()).body.data;
		expect((await result(id)).body.data.status).toBe('created');
		await clock.advance(2 * SECOND);
		expect((await result(id)).body.data.status).toBe('processing');
		await clock.advance(57 * SECOND);
		expect((await result(id)).body.data).toMatchObject({ status: 'processing', outputs: [] });
		await clock.advance(SECOND);
		expect((await result(id)).body.data).toMatchObject({
			status: 'completed',
			outputs: [expect.stringMatching(/\.mp4$/)],
			has_nsfw_contents: [false],
			executionTime: 60_000,
			timings: { inference: 60_000 },
		});
	});

	test('takes 12 s per second of audio unless told otherwise', async () => {
		const { submit, emulator, clock } = await startRig({ taskSeconds: undefined });
		await submit();
		await clock.advance(HOUR);
		await submit();
		const [task] = emulator.tasks();
		expect((task?.endedAt ?? 0) - (task?.createdAt ?? 0)).toBe(48_000);
	});

	test('has a video at its URL, without a key, for 7 days', async () => {
		const { submit, result, clock } = await startRig();
		const { id } = (await submit()).body.data;
		const url = (id: string) => result(id).then((reply) => reply.body.data.outputs[0]);
		await clock.advance(MINUTE);
		const video = await url(id);
		const got = await download(video);
		expect(got.status).toBe(200);
		expect(got.headers).toMatchObject({ 'content-type': 'video/mp4' });
		expect(got.headers['content-length']).toBe(String(got.bytes.length));
		expect(got.bytes.toString('latin1', 4, 8)).toBe('ftyp');
		expect((await send({ url: video, headers: { Authorization: 'Bearer test-key' } })).status).toBe(
			400,
		);
		await clock.advance(7 * 24 * HOUR);
		expect((await send({ url: video })).status).toBe(404);
		expect((await result(id)).status).toBe(404);
	});

	test('that does not exist is 404', async () => {
		const { result } = await startRig();
		const reply = await result('0'.repeat(32));
		expect(reply.status).toBe(404);
		expect(reply.body.code).toBe(404);
	});

	test('fetches media from other hosts and measures their price', async () => {
		const host = await startHost({
			'/a.png': { type: 'image/png', bytes: readMedia('portrait2.png') },
			'/a.wav': { type: 'audio/wav', bytes: makeWav(9.5) },
		});
		const { submit, result, emulator, clock } = await startRig();
		const { id } = (await submit({ image: `${host}/a.png`, audio: `${host}/a.wav` })).body.data;
		await clock.advance(MINUTE);
		expect((await result(id)).body.data.status).toBe('completed');
		expect(emulator.spentUsd()).toBe(0.3);
	});

	test.each([
		['image', '/none.png', '/a.wav'],
		['image', '/page.html', '/a.wav'],
		['image', '/a.wav', '/a.wav'],
		['image', '/secret.png', '/a.wav'],
		['audio', '/a.png', '/page.html'],
	])('fails with code 1402 if its %s is %s / %s', async (what, image, audio) => {
		const host = await startHost({
			'/a.png': { type: 'image/png', bytes: readMedia('portrait2.png') },
			'/secret.png': { type: 'image/png', bytes: readMedia('portrait2.png'), status: 403 },
			'/a.wav': { type: 'audio/wav', bytes: makeWav(4) },
			'/page.html': { type: 'text/html', bytes: Buffer.from('<html></html>') },
		});
		const { submit, result, clock } = await startRig();
		const { id } = (await submit({ image: host + image, audio: host + audio })).body.data;
		await clock.advance(5 * SECOND);
		const reply = await result(id);
		expect(reply.status).toBe(200);
		expect(reply.body.code).toBe(200);
		expect(reply.body.data).toMatchObject({ status: 'failed', code: 1402, outputs: [] });
		expect(reply.body.data.error).toMatch(new RegExp(`^Failed to download ${what}`));
	});

	test('fails if its host refuses connections or the URL is a data URI', async () => {
		const { submit, result, clock } = await startRig();
		const ids = [];
		for (const image of ['http://127.0.0.1:1/a.png', 'data:image/png;base64,AA==']) {
			ids.push((await submit({ image, audio: image })).body.data.id);
		}
		await clock.advance(5 * SECOND);
		for (const id of ids) expect((await result(id)).body.data.code).toBe(1402);
	});

	test('that failed is refunded after 3 hours', async () => {
		const { submit, emulator, clock } = await startRig();
		const { id } = (await submit()).body.data;
		emulator.failTask(id, { code: 1403, error: 'task execution failed' });
		expect(emulator.spentUsd()).toBe(0.12);
		await clock.advance(3 * HOUR);
		expect(emulator.spentUsd()).toBe(0);
	});

	test('can be put into any status by hand, and stays there until it is finished', async () => {
		const { submit, result, emulator, clock } = await startRig();
		const { id } = (await submit()).body.data;
		for (const status of ['queued', 'warming_up', 'cancelled', 'timeout', 'deleted']) {
			emulator.setTask(id, { status, error: status });
			await clock.advance(HOUR);
			expect((await result(id)).body.data).toMatchObject({ status, error: status });
		}
		emulator.finishTask(id);
		expect((await result(id)).body.data).toMatchObject({ status: 'completed', error: '' });
	});

	test('can say its time in nanoseconds and have no verdict on its content', async () => {
		const { submit } = await startRig({ createdAtFormat: 'ns', nullNsfw: true });
		const { data } = (await submit()).body;
		expect(data.created_at).toBe('2026-11-22T08:00:00.000456789Z');
		expect(data.has_nsfw_contents).toBeNull();
	});
});

describe('account limits', () => {
	test('bronze runs 2 tasks at once and refuses the third with 429', async () => {
		const { submit, emulator, clock } = await startRig({ accountLevel: 'bronze', taskSeconds: 90 });
		const replies = await Promise.all([submit(), submit(), submit()]);
		expect(replies.map((reply) => reply.status).sort()).toEqual([200, 200, 429]);
		expect(replies.find((reply) => reply.status === 429)?.body).toEqual({
			code: 429,
			message: 'You have reached your concurrency limit',
		});
		await clock.advance(MINUTE);
		expect((await submit()).status).toBe(429);
		await clock.advance(MINUTE);
		expect((await submit()).status).toBe(200);
		expect(emulator.paidTasks()).toBe(3);
		expect(emulator.maxInFlight()).toBe(2);
	});

	test('bronze submits 2 tasks a minute, counted anew each minute', async () => {
		const { submit, clock } = await startRig({ accountLevel: 'bronze', taskSeconds: 1 });
		for (const status of [200, 200, 429]) {
			expect((await submit()).status).toBe(status);
			await clock.advance(5 * SECOND);
		}
		await clock.advance(MINUTE - 15 * SECOND);
		for (const status of [200, 200, 429]) {
			expect((await submit()).status).toBe(status);
			await clock.advance(5 * SECOND);
		}
	});

	test('a task above the limit waits as created if limits queue', async () => {
		const options = { accountLevel: 'bronze', overLimit: 'queue', taskSeconds: 90 } as const;
		const { submit, result, clock, emulator } = await startRig(options);
		await submit();
		await submit();
		await clock.advance(MINUTE);
		const { id } = (await submit()).body.data;
		await clock.advance(20 * SECOND);
		expect((await result(id)).body.data.status).toBe('created');
		await clock.advance(20 * SECOND);
		expect((await result(id)).body.data.status).toBe('processing');
		// It began when the first two ended, at 90 s.
		await clock.advance(80 * SECOND);
		expect((await result(id)).body.data.status).toBe('completed');
		expect(emulator.tasks()[2]).toMatchObject({
			createdAt: emulator.tasks()[0]!.createdAt + MINUTE,
		});
	});
});

describe('the list', () => {
	test('shows the newest first, in pages, and filters by status, model and time', async () => {
		const { submit, call, clock } = await startRig();
		const ids: string[] = [];
		for (let count = 0; count < 5; count += 1) {
			ids.unshift((await submit()).body.data.id);
			await clock.advance(20 * SECOND);
		}
		const list = async (query: object) => {
			const reply = await call('POST', '/predictions', { page: 1, page_size: 100, ...query });
			return reply.body.data.items.map((item: { id: string }) => ids.indexOf(item.id));
		};
		expect(await list({})).toEqual([0, 1, 2, 3, 4]);
		expect(await list({ page_size: 2, page: 2 })).toEqual([2, 3]);
		expect(await list({ page_size: 2, page: 4 })).toEqual([]);
		expect(await list({ model: MODEL })).toEqual([0, 1, 2, 3, 4]);
		expect(await list({ model: 'other' })).toEqual([]);
		expect(await list({ status: 'completed' })).toEqual([2, 3, 4]);
		expect(await list({ created_after: '2026-11-22T08:00:30Z' })).toEqual([0, 1, 2]);
		expect(await list({ created_before: '2026-11-22T08:00:40.000Z' })).toEqual([2, 3, 4]);
		await clock.advance(7 * 24 * HOUR - 90 * SECOND);
		expect(await list({})).toEqual([0, 1, 2, 3]);
	});

	test.each([
		[{}],
		[{ page: 1 }],
		[{ page: 0, page_size: 10 }],
		[{ page: 1, page_size: 0 }],
		[{ page: 1, page_size: 101 }],
		[{ page: '1', page_size: 10 }],
		[{ page: 1, page_size: 10, created_after: 'yesterday' }],
		[{ page: 1, page_size: 10, status: 1 }],
	])('refuses %j', async (query) => {
		const { call } = await startRig();
		const reply = await call('POST', '/predictions', query);
		expect(reply.status).toBe(400);
		expect(reply.body.code).toBe(400);
	});

	test('forgets a deleted task, whose result then says deleted', async () => {
		const { submit, call, result, emulator } = await startRig();
		const { id } = (await submit()).body.data;
		const reply = await call('POST', '/predictions/delete', { ids: [id, 'unknown'] });
		expect(reply.body.data).toEqual({ deleted_count: 1 });
		const list = await call('POST', '/predictions', { page: 1, page_size: 10 });
		expect(list.body.data.items).toEqual([]);
		expect((await result(id)).body.data.status).toBe('deleted');
		expect(emulator.tasks()[0]?.deleted).toBe(true);
		expect(emulator.spentUsd()).toBe(0.12);
		expect((await call('POST', '/predictions/delete', { ids: [] })).status).toBe(400);
	});
});
