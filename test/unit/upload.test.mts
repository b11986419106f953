import type { HttpOutcome, HttpRequest } from '../../nodes/shared/wavespeed/http/types';
import { uploadFile } from '../../nodes/shared/wavespeed/media/upload';
import {
	answer,
	createRig,
	failureFrom,
	hang,
	noReply,
	ok,
	refusal,
	type Rig,
	type Step,
	stopped,
} from './support/api.mts';

const CONTENT = Buffer.from('not really a picture');

const createFile = (sha256 = 'face') => {
	const opened: Buffer[] = [];
	return {
		opened,
		fileName: 'face.png',
		sha256,
		contentType: 'image/png',
		byteCount: CONTENT.length,
		open: async () => {
			const copy = Buffer.from(CONTENT);
			opened.push(copy);
			return await Promise.resolve(copy);
		},
	};
};

const ticket = (number = 1, more: Record<string, unknown> = {}): Step =>
	ok({
		type: 'image',
		download_url: `https://cdn.example/${number}.png`,
		upload: {
			method: 'PUT',
			url: `https://store.example/${number}?signature=x`,
			headers: { 'Content-Type': 'image/png', 'If-None-Match': '*', 'x-amz-size': 20 },
		},
		...more,
	});

const targetsOf = (requests: HttpRequest[]): string[] =>
	requests.map(({ method, target }) => `${method} ${'path' in target ? target.path : target.url}`);

const TICKET = 'POST /api/v3/media/uploads';
const MULTIPART = 'POST /api/v3/media/upload/binary';
const put = (number: number): string => `PUT https://store.example/${number}?signature=x`;

const upload = async ({ api, time }: Rig, file = createFile()): Promise<string> =>
	await time.run(uploadFile(api, 'image', file));

describe('an upload', () => {
	it('asks for a ticket and puts the bytes where it says, with its headers and nothing else', async () => {
		const rig = createRig([ticket(), answer(200, '')]);
		expect(await upload(rig)).toBe('https://cdn.example/1.png');
		const [first, second] = rig.requests;
		expect(first).toMatchObject({
			method: 'POST',
			target: { path: '/api/v3/media/uploads' },
			json: { filename: 'face.png', size: 20, content_type: 'image/png' },
		});
		expect(second).toEqual({
			method: 'PUT',
			// An absolute URL: the adapter sends no key there.
			target: { url: 'https://store.example/1?signature=x' },
			headers: { 'Content-Type': 'image/png', 'If-None-Match': '*', 'x-amz-size': '20' },
			file: { body: CONTENT, byteCount: 20 },
			timeoutMs: expect.any(Number),
			longestSilenceMs: expect.any(Number),
		});
		expect(JSON.stringify(second?.headers)).not.toMatch(/authorization|bearer/i);
	});

	it('by another method than PUT is refused before a byte is sent', async () => {
		const post = { method: 'post', url: 'https://store.example/1', fields: {} };
		const rig = createRig([ticket(1, { upload: post })]);
		const file = createFile();
		const failure = await failureFrom(upload(rig, file));
		expect(failure).toMatchObject({ kind: 'refused' });
		expect(failure.message).toContain('by POST');
		expect(failure.paid).toBe('nothing');
		expect(file.opened).toHaveLength(0);
		expect(rig.requests).toHaveLength(1);
	});

	it('takes a ticket that names no method for a PUT', async () => {
		const rig = createRig([
			ticket(1, { upload: { url: 'https://store.example/1' } }),
			answer(200, ''),
		]);
		expect(await upload(rig)).toBe('https://cdn.example/1.png');
		expect(rig.requests[1]).toMatchObject({ method: 'PUT', headers: {} });
	});

	it.each([200, 201, 204])('is done with HTTP status %i of the store', async (status) => {
		const rig = createRig([ticket(), answer(status, '')]);
		expect(await upload(rig)).toBe('https://cdn.example/1.png');
	});

	it.each<[string, Step]>([
		['no answer', noReply],
		['an expired ticket', answer(403, '')],
		['a time-out', answer(408, '')],
		['a name that is taken', answer(412, '')],
		['too many requests', answer(429, '')],
		['a server error', answer(503, '')],
	])('takes a new ticket and reads the file anew after %s', async (_, step) => {
		const file = createFile();
		const rig = createRig([ticket(1), step, ticket(2), answer(200, '')]);
		expect(await upload(rig, file)).toBe('https://cdn.example/2.png');
		expect(targetsOf(rig.requests)).toEqual([TICKET, put(1), TICKET, put(2)]);
		expect(file.opened).toHaveLength(2);
		expect(rig.time.sleeps).toHaveLength(1);
	});

	it.each([301, 400, 401, 404, 405, 411, 413])(
		'is given up after HTTP status %i of the store',
		async (status) => {
			const rig = createRig([ticket(), answer(status, '')]);
			const failure = await failureFrom(upload(rig));
			expect(failure.message).toBe(
				`Could not upload the file in "image": the file store answered with HTTP status ${status}`,
			);
			expect(failure.paid).toBe('nothing');
			expect(rig.requests).toHaveLength(2);
		},
	);

	it('is given up after four times, with growing pauses', async () => {
		const steps = [1, 2, 3, 4, 5].flatMap((number): Step[] => [ticket(number), answer(503, '')]);
		const rig = createRig(steps, 0);
		const failure = await failureFrom(upload(rig));
		expect(failure).toMatchObject({ kind: 'unavailable' });
		expect(rig.requests).toHaveLength(8);
		expect(rig.time.sleeps).toEqual([500, 1_000, 2_000]);
	});

	it('is not even tried at a host that 21 other files have just been given up at, for a minute and a half', async () => {
		const given = ticket() as HttpOutcome;
		const rig = createRig([async ({ method }) => (method === 'PUT' ? answer(503, '') : given)]);
		const startedAt = rig.time.now();
		for (let file = 0; file < 21 || rig.time.now() - startedAt < 100_000; file += 1) {
			await failureFrom(upload(rig, createFile(`file ${file}`)));
		}
		const before = rig.requests.length;
		expect((await failureFrom(upload(rig, createFile('the next one')))).message).toBe(
			'Could not upload the file in "image": the file store answered with HTTP status 503',
		);
		expect(targetsOf(rig.requests.slice(before))).toEqual([TICKET]);
	});

	it('that is given up at a silent host says so while it has its turn, so that the next one does not try', async () => {
		const given = ticket() as HttpOutcome;
		const rig = createRig((time) => [
			async (request) => (request.method === 'PUT' ? await hang(time)(request) : given),
		]);
		const { api, time } = rig;
		const isKnownInTurn: boolean[] = [];
		for (const name of ['a', 'b', 'c', 'd', 'e']) {
			const uploading = uploadFile(api, 'image', createFile(name), async (attempt) => {
				const attempted = await attempt();
				const known = api.outages.whyDown('upload to store.example', time.now());
				isKnownInTurn.push(known !== undefined);
				return attempted;
			});
			await failureFrom(time.run(uploading));
		}
		expect(isKnownInTurn.at(-1)).toBe(true);
		expect(isKnownInTurn.slice(0, -1)).not.toContain(true);
	});

	it('is tried as always at another host, and after one file alone', async () => {
		const bad = [1, 2, 3, 4].flatMap((at): Step[] => [ticket(at), answer(503, '')]);
		const elsewhere = { upload: { url: 'https://other.example/1' } };
		const rig = createRig([
			...bad,
			ticket(5),
			answer(200, ''),
			ticket(6, elsewhere),
			answer(200, ''),
		]);
		await failureFrom(upload(rig, createFile('one')));
		expect(await upload(rig, createFile('two'))).toBe('https://cdn.example/5.png');
		expect(await upload(rig, createFile('three'))).toBe('https://cdn.example/6.png');
	});

	it('waits for a slow connection, and asks for the next ticket with patience nevertheless', async () => {
		const rig = createRig((time) => [ticket(1), hang(time), ticket(2), answer(200, '')]);
		const file = { ...createFile(), byteCount: 200 * 1024 * 1024 };
		expect(await upload(rig, file)).toBe('https://cdn.example/2.png');
		expect(rig.requests[1]?.timeoutMs).toBeGreaterThan(50 * 60_000);
		expect(rig.requests[1]?.longestSilenceMs).toBeLessThan(130_000);
		expect(rig.requests[2]?.timeoutMs).toBe(30_000);
	});

	it.each([
		['no address to put to', { upload: { headers: {} } }],
		['no address to read from', { download_url: undefined }],
		['an address that is none of the web', { download_url: 'javascript:alert(1)' }],
		['a file’s address', { upload: { url: 'file:///etc/passwd' } }],
		['no upload at all', { upload: null }],
	])('takes a ticket with %s for no answer', async (_, more) => {
		const bad = createRig([ticket(1, more), ticket(2), answer(200, '')]);
		expect(await upload(bad)).toBe('https://cdn.example/2.png');
		expect(targetsOf(bad.requests)).toEqual([TICKET, TICKET, put(2)]);
	});

	it('makes do with a ticket without headers', async () => {
		const rig = createRig([
			ticket(1, { upload: { url: 'https://store.example/1' } }),
			answer(200, ''),
		]);
		await upload(rig);
		expect(rig.requests[1]?.headers).toEqual({});
	});

	it('says that the key is wrong when there is no ticket for it', async () => {
		const rig = createRig([refusal(401, 'invalid')]);
		expect(await failureFrom(upload(rig))).toMatchObject({ kind: 'credential', httpStatus: 401 });
		expect(rig.requests).toHaveLength(1);
	});

	it('ends at once when the run is halted in a pause', async () => {
		const rig = createRig([ticket(), answer(503, '')]);
		const ended = failureFrom(uploadFile(rig.api, 'image', createFile()));
		await rig.time.advance(100);
		rig.cancellation.cancel(stopped());
		expect((await ended).kind).toBe('stopped');
		expect(rig.time.elapsed()).toBe(100);
	});
});

describe('an upload where there are no tickets', () => {
	it.each([404, 405])('goes as a form after HTTP status %i', async (status) => {
		const rig = createRig([refusal(status), ok({ download_url: 'https://cdn.example/m.png' })]);
		expect(await upload(rig)).toBe('https://cdn.example/m.png');
		expect(targetsOf(rig.requests)).toEqual([TICKET, MULTIPART]);
		const sent = rig.requests[1];
		const body = sent?.file?.body;
		if (!Buffer.isBuffer(body)) throw new Error('a buffer was expected');
		expect(body).toHaveLength(sent?.file?.byteCount ?? 0);
		const form = await new Response(new Uint8Array(body), { headers: sent?.headers }).formData();
		const file = form.get('file');
		if (!file || typeof file === 'string') throw new Error('there is no file');
		expect(Buffer.from(await file.arrayBuffer())).toEqual(CONTENT);
	});

	it('is tried four times and reads the file anew each time', async () => {
		const file = createFile();
		const rig = createRig([
			refusal(404),
			noReply,
			refusal(500),
			ok({}),
			ok({ download_url: 'https://cdn.example/m' }),
		]);
		expect(await upload(rig, file)).toBe('https://cdn.example/m');
		expect(file.opened).toHaveLength(4);

		const never = createRig([refusal(404), refusal(500, 'broken')]);
		expect((await failureFrom(upload(never))).message).toContain('broken');
		expect(targetsOf(never.requests)).toEqual([TICKET, MULTIPART, MULTIPART, MULTIPART, MULTIPART]);
	});

	it('does not go round in circles when there are no forms either', async () => {
		const rig = createRig([refusal(404)]);
		expect(await failureFrom(upload(rig))).toMatchObject({ kind: 'refused', httpStatus: 404 });
		expect(targetsOf(rig.requests)).toEqual([TICKET, MULTIPART]);
	});

	it('ends when there are too many requests for too long', async () => {
		const rig = createRig([refusal(404), refusal(429, '', { 'retry-after': '100' })]);
		const failure = await failureFrom(upload(rig));
		expect(failure.kind).toBe('unavailable');
		expect(rig.requests.length).toBeLessThanOrEqual(5);
	});

	it('marks each form with a boundary of its own', async () => {
		let count = 0;
		const rig = createRig([
			refusal(404),
			refusal(500),
			ok({ download_url: 'https://cdn.example/m' }),
		]);
		rig.api.random = () => ((count += 1) % 97) / 97;
		await upload(rig);
		const [first, second] = rig.requests.slice(1).map(({ headers }) => headers?.['Content-Type']);
		expect(first).toMatch(/^multipart\/form-data; boundary=[\w-]{30,70}$/);
		expect(first).not.toBe(second);
	});
});
