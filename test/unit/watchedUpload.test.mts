import { Readable } from 'node:stream';

import { Cancellation } from '../../nodes/shared/async/cancellation';
import { WatchedUpload } from '../../nodes/shared/n8n/http/watchedUpload';
import { withTimeout } from '../../nodes/shared/n8n/http/withTimeout';
import { systemTime } from '../../nodes/shared/n8n/session/clock';
import { createVirtualTime, type VirtualTime } from './support/virtualTime.mts';

/** A file on its way to a store that takes its parts slowly, or not at all. */

const SECOND = 1_000;
const SILENCE_MS = 100 * SECOND;
/** As the HTTP client's: the part that has been taken, and the two that wait. */
const MOST_AHEAD = 3;

let time: VirtualTime;
const realTime = { ...systemTime };
beforeEach(() => {
	time = createVirtualTime();
	systemTime.now = time.now;
	systemTime.sleep = time.delay;
});
afterEach(() => void Object.assign(systemTime, realTime));

const fileOf = (content: Buffer) => ({ body: Readable.from([content]), byteCount: content.length });

/** Takes part after part, with a pause after each. */
async function take(upload: WatchedUpload, pauseMs: (part: number) => number): Promise<'taken'> {
	const parts = (upload.file.body as Readable)[Symbol.asyncIterator]();
	for (let part = 1; !(await parts.next()).done; part += 1) await time.delay(pauseMs(part));
	return 'taken';
}

const watch = async (upload: WatchedUpload, sending: Promise<unknown>): Promise<unknown> =>
	await time.run(withTimeout(SILENCE_MS, new Cancellation(), sending, () => upload.leftMs()));

describe('a file on its way', () => {
	it('arrives as it is', async () => {
		const content = Buffer.from(Array.from({ length: 300_000 }, (_, at) => at % 251));
		const { file } = new WatchedUpload(fileOf(content), SILENCE_MS, undefined);
		const parts: Buffer[] = [];
		for await (const part of file.body as Readable) parts.push(part as Buffer);
		expect(Buffer.concat(parts).equals(content)).toBe(true);
		expect(file.byteCount).toBe(content.length);
	});

	it('arrives as it is from memory, and is watched as well', async () => {
		const content = Buffer.from(Array.from({ length: 300_000 }, (_, at) => at % 251));
		const file = { body: content, byteCount: content.length };
		const upload = new WatchedUpload(file, SILENCE_MS, Readable);
		expect(Buffer.concat(await (upload.file.body as Readable).toArray()).equals(content)).toBe(
			true,
		);
		expect(upload.leftMs()).toBe(SILENCE_MS);
		expect(new WatchedUpload(file, SILENCE_MS, undefined).file.body).toBe(content);
	});

	it('is not given up while it gets on, however slowly and however large a piece it is in', async () => {
		const upload = new WatchedUpload(fileOf(Buffer.alloc(4_000_000)), SILENCE_MS, undefined);
		expect(
			await watch(
				upload,
				take(upload, () => 90 * SECOND),
			),
		).toBe('taken');
		expect(time.elapsed()).toBeGreaterThan(60 * 60 * SECOND);
	});

	it('is given up when nothing more is taken', async () => {
		const upload = new WatchedUpload(fileOf(Buffer.alloc(4_000_000)), SILENCE_MS, undefined);
		const taken = take(upload, (part) => (part < 5 ? 90 * SECOND : 3_600 * SECOND));
		expect(await watch(upload, taken)).toBe('timedOut');
		expect(time.elapsed()).toBeLessThanOrEqual(4 * 90 * SECOND + SILENCE_MS);
		upload.finish();
	});

	it('is given up when there is no answer so long after its last byte', async () => {
		const upload = new WatchedUpload(fileOf(Buffer.alloc(640_000)), SILENCE_MS, undefined);
		const unanswered = (async () => {
			await take(upload, () => 90 * SECOND);
			await time.delay(3_600 * SECOND);
		})();
		expect(await watch(upload, unanswered)).toBe('timedOut');
		expect(time.elapsed()).toBeGreaterThan((10 - MOST_AHEAD) * 90 * SECOND + SILENCE_MS);
		expect(time.elapsed()).toBeLessThanOrEqual(10 * 90 * SECOND + SILENCE_MS);
	});

	it('closes its stream when the request has ended before it', async () => {
		const file = fileOf(Buffer.alloc(4_000_000));
		const upload = new WatchedUpload(file, SILENCE_MS, undefined);
		const parts = (upload.file.body as Readable)[Symbol.asyncIterator]();
		await parts.next();
		upload.finish();
		await new Promise((resolve) => setImmediate(resolve));
		expect(file.body.destroyed).toBe(true);
	});
});
