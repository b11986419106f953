import { createSharedUploads } from '../../nodes/shared/batch/sharedUploads';
import { flush } from './support/virtualTime.mts';

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
		let count = 0;
		const upload = async (): Promise<string> => {
			count += 1;
			await flush();
			if (count === 1) throw new Error('broken');
			return 'https://files.example/ok';
		};
		const ends = await Promise.allSettled([uploads.urlOf('x', upload), uploads.urlOf('x', upload)]);
		expect(ends.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
		expect(count).toBe(1);
		expect(await uploads.urlOf('x', upload)).toBe('https://files.example/ok');
		expect(count).toBe(2);
	});

	it('are tried again at once by a row that waited in vain', async () => {
		const uploads = createSharedUploads();
		let count = 0;
		const upload = async (): Promise<string> => {
			count += 1;
			await flush();
			if (count === 1) throw new Error('broken');
			return 'url';
		};
		const first = uploads.urlOf('x', upload).catch(() => 'failed');
		const second = uploads.urlOf('x', upload).catch(async () => await uploads.urlOf('x', upload));
		expect(await Promise.all([first, second])).toEqual(['failed', 'url']);
		expect(count).toBe(2);
	});
});
