import { UploadCache } from '../../nodes/shared/account/uploadCache';
import { Cancellation } from '../../nodes/shared/async/cancellation';
import { failureFrom, stopped } from './support/api.mts';
import { createVirtualTime, flush } from './support/virtualTime.mts';

const DAY = 24 * 3_600_000;

/** The cache as one run uses it. */
const createSharedUploads = (
	cache = new UploadCache(),
	time = createVirtualTime(),
	cancellation = new Cancellation(),
) => {
	const waiter = { clock: time.clockFor(cancellation), cancellation };
	return {
		urlOf: async (key: string, upload: () => Promise<string>) =>
			await cache.urlOf(key, waiter, upload),
	};
};

/** An upload that fails the first time; `count` says how often it was begun. */
function failingOnce(url: string): { upload: () => Promise<string>; count: () => number } {
	let count = 0;
	const upload = async (): Promise<string> => {
		count += 1;
		await flush();
		if (count === 1) throw new Error('broken');
		return url;
	};
	return { upload, count: () => count };
}

describe('uploads that rows share', () => {
	it('happen once per content, also for rows that come while it is under way or later', async () => {
		const uploads = createSharedUploads();
		let count = 0;
		const upload = async (): Promise<string> => {
			count += 1;
			await flush();
			return `https://files.example/${count}`;
		};
		const together = await Promise.all(
			Array.from({ length: 100 }, async () => await uploads.urlOf('same', upload)),
		);
		expect(new Set(together)).toEqual(new Set(['https://files.example/1']));
		expect(await uploads.urlOf('same', upload)).toBe('https://files.example/1');
		expect(await uploads.urlOf('other', upload)).toBe('https://files.example/2');
		expect(count).toBe(2);
	});

	it('share a failure with those who wait, and are tried again by whoever comes later', async () => {
		const uploads = createSharedUploads();
		const { upload, count } = failingOnce('https://files.example/ok');
		const ends = await Promise.allSettled([uploads.urlOf('x', upload), uploads.urlOf('x', upload)]);
		expect(ends.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
		expect(count()).toBe(1);
		expect(await uploads.urlOf('x', upload)).toBe('https://files.example/ok');
		expect(count()).toBe(2);
	});

	it('are tried again at once by a row that waited in vain', async () => {
		const uploads = createSharedUploads();
		const { upload, count } = failingOnce('url');
		const first = uploads.urlOf('x', upload).catch(() => 'failed');
		const second = uploads.urlOf('x', upload).catch(async () => await uploads.urlOf('x', upload));
		expect(await Promise.all([first, second])).toEqual(['failed', 'url']);
		expect(count()).toBe(2);
	});

	it('are made anew when the service is about to delete them, or could not load them', async () => {
		const cache = new UploadCache();
		const time = createVirtualTime();
		const uploads = createSharedUploads(cache, time);
		let count = 0;
		const upload = async (): Promise<string> => await Promise.resolve(`url ${(count += 1)}`);
		expect(await uploads.urlOf('x', upload)).toBe('url 1');
		await time.advance(5 * DAY);
		expect(await uploads.urlOf('x', upload)).toBe('url 1');
		await time.advance(1.1 * DAY);
		expect(await uploads.urlOf('x', upload)).toBe('url 2');
		cache.forget('url 2');
		expect(await uploads.urlOf('x', upload)).toBe('url 3');
	});

	it('go on in another run that waits for them when the run that has begun them is stopped', async () => {
		const cache = new UploadCache();
		const time = createVirtualTime();
		const first = new Cancellation();
		const [a, b] = [createSharedUploads(cache, time, first), createSharedUploads(cache, time)];
		const stoppedUpload = failureFrom(
			a.urlOf('x', async () => await new Promise((_, reject) => first.onCancel(reject))),
		);
		const other = b.urlOf('x', async () => await Promise.resolve('by b'));
		await flush();
		first.cancel(stopped());
		expect((await stoppedUpload).kind).toBe('stopped');
		expect(await other).toBe('by b');
	});

	it('keep a bounded number of addresses', async () => {
		const uploads = createSharedUploads();
		let count = 0;
		const upload = async (): Promise<string> => await Promise.resolve(`url ${(count += 1)}`);
		for (let file = 0; file < 1_001; file += 1) await uploads.urlOf(`file ${file}`, upload);
		await uploads.urlOf('file 1', upload);
		expect(count).toBe(1_001);
		await uploads.urlOf('file 0', upload);
		expect(count).toBe(1_002);
	});
});
