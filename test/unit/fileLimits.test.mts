import { ACCOUNT_LIMITS } from '../../nodes/shared/wavespeed/accountLevels';
import type { Media } from '../../nodes/shared/batch/request';
import { createBatchRig, createRequest, type Connection } from './support/batchRig.mts';

const ROWS = 3_000;
/** Linux allows a process 1,024 by default, and n8n needs some itself. */
const MOST_OPEN_FILES = 64;

/** Counts what is going on at the same time. */
function createCounter() {
	let current = 0;
	const counter = {
		most: 0,
		async during<T>(work: () => Promise<T>): Promise<T> {
			current += 1;
			counter.most = Math.max(counter.most, current);
			return await work().finally(() => (current -= 1));
		},
	};
	return counter;
}

describe('a batch of thousands of rows with files', () => {
	it('keeps few files open, however many rows there are', async () => {
		const rig = createBatchRig();
		const open = createCounter();
		const mediaOf = (field: string, name: string): Media => ({
			kind: 'file',
			field,
			inspect: async () =>
				await open.during(async () => {
					await rig.time.delay(20);
					const content = Buffer.from(name);
					const type = field === 'image' ? 'image/png' : 'audio/mpeg';
					return {
						...{ fileName: name, contentType: type, byteCount: content.length, sha256: name },
						open: async () => await Promise.resolve(content),
					};
				}),
		});
		const requests = Array.from({ length: ROWS }, (_, row) =>
			createRequest({
				prompt: `row ${row}`,
				image: mediaOf('image', `picture ${row}`),
				audio: mediaOf('audio', `voice ${row}`),
			}),
		);
		// A file is open from the beginning of its upload to the end.
		const connectThrough = ({ clock, send }: Connection): Connection => ({
			clock,
			send: async (request) =>
				request.file ? await open.during(async () => await send(request)) : await send(request),
		});
		const { tasksInFlight, submitsPerMinute } = ACCOUNT_LIMITS.ultra;
		const outcomes = await rig.attempt(requests, {
			...{ submitsOnly: true, connectThrough, tasksInFlight, submitsPerMinute },
			rowsAtOnce: ROWS,
		});
		expect(outcomes.every(({ ok }) => ok)).toBe(true);
		expect(open.most).toBeGreaterThan(4);
		expect(open.most).toBeLessThanOrEqual(MOST_OPEN_FILES);
	});
});
