import { PassThrough, Readable } from 'node:stream';
import { finished } from 'node:stream/promises';

import type { IBinaryData, IHttpRequestOptions } from 'n8n-workflow';

import { Cancellation } from '../../nodes/shared/async/cancellation';
import { downloadVideo } from '../../nodes/shared/n8n/output/downloadVideo';
import { STORAGE } from '../../nodes/shared/n8n/output/storageWatch';
import { createClock, systemTime } from '../../nodes/shared/n8n/session/clock';
import { Outages } from '../../nodes/shared/wavespeed/http/outages';
import { parseTask, type Task } from '../../nodes/shared/wavespeed/tasks/task';
import { failureFrom, rawTask, stopped } from './support/api.mts';
import { createVirtualTime, flush, type VirtualTime } from './support/virtualTime.mts';

/** n8n's helpers in a shape that the test decides: what comes from the host, and what the storage does with it. */

const URL_OF_VIDEO = 'https://videos.example/v.mp4';
const task = parseTask(rawTask('task', 'completed', { outputs: [URL_OF_VIDEO] })) as Task;
const DETAILS = { taskId: 'task', status: 'completed', videoUrl: URL_OF_VIDEO };
const STORED = { data: 'stored', mimeType: 'video/mp4' } as IBinaryData;

interface Answer {
	statusCode: number;
	headers: Record<string, string>;
	body: Readable;
}

const answerWith = (body: Readable, headers: Record<string, string> = {}): Answer => ({
	statusCode: 200,
	headers: { 'content-type': 'video/mp4', ...headers },
	body,
});

const video = (bytes = 1_000): Answer =>
	answerWith(Readable.from([Buffer.alloc(bytes)]), { 'content-length': String(bytes) });

/** As n8n's storage in a folder: to the end, or to the first error. */
const keep = async (stream: Readable): Promise<IBinaryData> => {
	await finished(stream.resume());
	return STORED;
};

/** Whether there was one. */
const readChunk = async (stream: Readable): Promise<boolean> =>
	(await stream[Symbol.asyncIterator]().next()).done !== true;

let time: VirtualTime;
let hosts: Outages;
const realTime = { ...systemTime };
beforeEach(() => {
	time = createVirtualTime();
	hosts = new Outages();
	STORAGE.noteStored();
	systemTime.now = time.now;
	systemTime.wallTime = time.now;
	systemTime.sleep = time.delay;
});
afterEach(() => void Object.assign(systemTime, realTime));

interface Helpers {
	httpRequest(options: IHttpRequestOptions): Promise<Answer>;
	prepareBinaryData(stream: Readable): Promise<IBinaryData>;
}

function open(helpers: Partial<Helpers>, cancellation = new Cancellation()) {
	const context = {
		ctx: { helpers: { httpRequest: async () => video(), prepareBinaryData: keep, ...helpers } },
		clock: createClock(cancellation),
		random: () => 0.5,
		cancellation,
		hosts,
		hideKey: (text: string) => text.replaceAll('the-key', '[API key]'),
	} as unknown as Parameters<typeof downloadVideo>[0];
	return async () => await downloadVideo(context, task, DETAILS);
}

const failsWith = async (helpers: Partial<Helpers>) => await failureFrom(time.run(open(helpers)()));

describe('a download', () => {
	it('stores what the host sends', async () => {
		expect(await time.run(open({})())).toBe(STORED);
	});

	it.each([
		['an error without a code', new Error('The request was blocked: the-key')],
		['a mistake in the program', new TypeError('x is not a function')],
		['something that is no error', 'no'],
		['an error of the network', Object.assign(new Error('reset'), { code: 'ECONNRESET' })],
	])('that ends in %s names the task and the video', async (_what, error) => {
		for (const helpers of [
			{ httpRequest: async () => await Promise.reject(error) },
			{
				httpRequest: () => {
					throw error;
				},
			},
			{ prepareBinaryData: async () => await Promise.reject(error) },
		]) {
			const failure = await failsWith(helpers as Partial<Helpers>);
			expect(failure).toMatchObject({ kind: 'downloadFailed', details: DETAILS });
			expect(failure.message).toMatch(/^The video could not be downloaded: /);
			expect(failure.message).toContain(URL_OF_VIDEO);
			expect(failure.message).not.toContain('the-key');
		}
	});

	it('that n8n refuses is not tried again', async () => {
		const httpRequest = jest.fn(async () => await Promise.reject(new Error('it is blocked')));
		expect((await failsWith({ httpRequest })).message).toContain('it is blocked');
		expect(httpRequest).toHaveBeenCalledTimes(1);
	});

	it.each(['before the first byte', 'in the middle'])(
		"is not tried again where n8n's storage fails %s, and says so",
		async (when) => {
			const full = Object.assign(new Error('ENOSPC: no space left on device, write'), {
				code: 'ENOSPC',
			});
			const httpRequest = jest.fn(async () => video(300_000));
			const prepareBinaryData = async (stream: Readable): Promise<never> => {
				if (when === 'in the middle') await stream[Symbol.asyncIterator]().next();
				throw full;
			};
			const failure = await failsWith({ httpRequest, prepareBinaryData });
			expect(failure.message).toMatch(/n8n could not store it \(ENOSPC: no space left/);
			expect(failure.details).toEqual(DETAILS);
			expect(httpRequest).toHaveBeenCalledTimes(1);
		},
	);

	it('is tried again where the connection breaks off, also if the storage says it in its own words', async () => {
		const breaking = (): Answer => {
			const body = new PassThrough();
			body.write('x');
			void flush().then(() => body.destroy(new Error('aborted')));
			return answerWith(body, { 'content-length': '5' });
		};
		const httpRequest = jest.fn(async () => video()).mockImplementationOnce(async () => breaking());
		const prepareBinaryData = async (stream: Readable) =>
			await keep(stream).catch(() => Promise.reject(new Error('Failed to store')));
		expect(await time.run(open({ httpRequest, prepareBinaryData })())).toBe(STORED);
		expect(httpRequest).toHaveBeenCalledTimes(2);
	});

	it.each([
		['comes after the time limit', undefined],
		["comes after Stop or another row's failure", stopped()],
	])('closes an answer that %s', async (_what, reason) => {
		const bodies: PassThrough[] = [];
		const signals: AbortSignal[] = [];
		const cancellation = new Cancellation();
		const httpRequest = async ({ abortSignal }: IHttpRequestOptions): Promise<Answer> => {
			signals.push(abortSignal as AbortSignal);
			await time.delay(90_000);
			const body = new PassThrough();
			body.write('x');
			bodies.push(body);
			return answerWith(body);
		};
		const downloading = failureFrom(open({ httpRequest }, cancellation)());
		await time.advance(1_000);
		if (reason) cancellation.cancel(reason);
		await time.run(downloading);
		await time.advance(100_000);
		expect(bodies).toHaveLength(reason ? 1 : 4);
		expect(bodies.every(({ destroyed }) => destroyed)).toBe(true);
		expect(signals.every(({ aborted }) => aborted)).toBe(true);
	});

	it('runs beside 31 others of the process at most, whatever runs they belong to', async () => {
		let open32 = 0;
		let most = 0;
		const prepareBinaryData = async (stream: Readable): Promise<IBinaryData> => {
			open32 += 1;
			most = Math.max(most, open32);
			await keep(stream);
			await time.delay(10_000);
			open32 -= 1;
			return STORED;
		};
		const runs = Array.from({ length: 10 }, () => open({ prepareBinaryData }));
		const all = Array.from({ length: 300 }, async (_, n) => await runs[n % 10]!());
		expect(new Set(await time.run(Promise.all(all)))).toEqual(new Set([STORED]));
		expect(most).toBe(32);
	});

	it('gives its place back however it ends', async () => {
		const bad = Array.from({ length: 40 }, async () =>
			failsWith({ httpRequest: async () => await Promise.reject(new Error('no')) }),
		);
		await time.run(Promise.all(bad));
		const cancellation = new Cancellation();
		const hanging = Array.from({ length: 40 }, async () =>
			failureFrom(open({ httpRequest: async () => await new Promise(() => {}) }, cancellation)()),
		);
		await time.advance(1_000);
		cancellation.cancel(stopped());
		await time.run(Promise.all(hanging));
		expect(await time.run(open({})())).toBe(STORED);
	});
});

describe("n8n's storage", () => {
	/** An object store that has died: n8n hears nothing of it, not even an error. */
	const never = async (): Promise<never> => await new Promise(() => {});

	it.each([
		['takes all bytes and never ends', keep],
		['takes one chunk and no more', async (body: Readable) => void (await readChunk(body))],
		['takes nothing', async () => {}],
	])(
		'that %s is given up within minutes, is not tried again, and is named',
		async (_what, take) => {
			const httpRequest = jest.fn(async () =>
				answerWith(Readable.from([Buffer.alloc(10), Buffer.alloc(10), Buffer.alloc(10)])),
			);
			const prepareBinaryData = async (body: Readable) => {
				await take(body);
				return await never();
			};
			const startedAt = time.now();
			const failure = await failsWith({ httpRequest, prepareBinaryData });
			expect(failure.message).toMatch(
				/n8n could not store it \(its storage has not answered for 5/,
			);
			expect(failure.message).toContain(URL_OF_VIDEO);
			expect(failure).toMatchObject({ kind: 'downloadFailed', details: DETAILS });
			expect(time.now() - startedAt).toBeLessThanOrEqual(6 * 60_000);
			expect(httpRequest).toHaveBeenCalledTimes(1);
		},
	);

	it('that has died keeps no other download away', async () => {
		const hung = Array.from({ length: 32 }, async () =>
			failsWith({ prepareBinaryData: async (body) => await keep(body).then(never) }),
		);
		expect(await time.run(open({})())).toBe(STORED);
		await time.run(Promise.all(hung));
	});

	it('that takes a chunk every few minutes is waited for', async () => {
		const prepareBinaryData = async (body: Readable): Promise<IBinaryData> => {
			while (await readChunk(body)) await time.delay(4 * 60_000);
			return STORED;
		};
		const chunks = Array.from({ length: 12 }, () => Buffer.alloc(10));
		const httpRequest = async (): Promise<Answer> =>
			answerWith(Readable.from(chunks), { 'content-length': '120' });
		expect(await time.run(open({ httpRequest, prepareBinaryData })())).toBe(STORED);
	});

	it('that sends a large video on when it has all of it has the time for that', async () => {
		const prepareBinaryData = async (body: Readable): Promise<IBinaryData> => {
			await keep(body);
			await time.delay(14 * 60_000);
			return STORED;
		};
		const httpRequest = async (): Promise<Answer> => video(20_000_000);
		expect(await time.run(open({ httpRequest, prepareBinaryData })())).toBe(STORED);
	});
});

describe('a host that sends', () => {
	/** So many bytes every so many seconds. */
	function drip(bytes: number, seconds: number, total: number): PassThrough {
		const body = new PassThrough();
		void (async () => {
			for (let sent = 0; sent < total && !body.destroyed; sent += bytes) {
				await time.delay(seconds * 1000);
				if (!body.destroyed) body.write(Buffer.alloc(bytes));
			}
			body.end();
		})();
		return body;
	}

	it.each([
		['nothing', 0, 3_600],
		['a byte a minute', 1, 60],
		['ten bytes a second', 10, 1],
	])('%s is given up within minutes', async (_what, bytes, seconds) => {
		const startedAt = time.now();
		const httpRequest = async (): Promise<Answer> =>
			answerWith(drip(bytes, seconds, 10_000_000), { 'content-length': '10000000' });
		const failure = await failsWith({ httpRequest });
		expect(failure.message).toMatch(/arrived too slowly/);
		expect(time.now() - startedAt).toBeLessThan(10 * 60_000);
	});

	it('slowly, but at a speed that ends, is waited for', async () => {
		const httpRequest = async (): Promise<Answer> =>
			answerWith(drip(20_000, 10, 5_000_000), { 'content-length': '5000000' });
		expect(await time.run(open({ httpRequest })())).toBe(STORED);
	});

	it('a small file slowly is waited for', async () => {
		const httpRequest = async (): Promise<Answer> =>
			answerWith(drip(10, 5, 100), { 'content-length': '100' });
		expect(await time.run(open({ httpRequest })())).toBe(STORED);
	});

	it('without an end is given up after an hour', async () => {
		const startedAt = time.now();
		const httpRequest = jest.fn(async () => answerWith(drip(100_000, 10, Infinity)));
		const failure = await failsWith({ httpRequest });
		expect(failure.message).toMatch(/did not end within an hour/);
		expect(time.now() - startedAt).toBeLessThan(5 * 3_600_000);
	});

	it('fast enough is not blamed for a storage that takes its time', async () => {
		const prepareBinaryData = async (stream: Readable): Promise<IBinaryData> => {
			const chunks = stream[Symbol.asyncIterator]();
			while (!(await chunks.next()).done) await time.delay(200_000);
			await time.delay(200_000);
			return STORED;
		};
		const httpRequest = async (): Promise<Answer> =>
			answerWith(Readable.from([Buffer.alloc(10), Buffer.alloc(10)]), { 'content-length': '20' });
		expect(await time.run(open({ httpRequest, prepareBinaryData })())).toBe(STORED);
	});
});

it('leaves no listener on a run that goes on', async () => {
	const cancellation = new Cancellation();
	const listening = new Set<unknown>();
	let everAdded = 0;
	cancellation.onCancel = (callback) => {
		listening.add(callback);
		everAdded += 1;
		return () => listening.delete(callback);
	};
	for (let n = 0; n < 5; n += 1) await time.run(open({}, cancellation)());
	expect(everAdded).toBeGreaterThan(5);
	expect(listening.size).toBe(0);
});
