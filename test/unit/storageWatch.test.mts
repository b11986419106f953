import { StorageWatch } from '../../nodes/shared/n8n/output/storageWatch';

describe('what the downloads know of n8n’s storage', () => {
	it('is that it is silent for half a minute after five that it did not take', () => {
		const storage = new StorageWatch();
		for (let file = 0; file < 4; file += 1) storage.noteSilent(1_000);
		expect(storage.isSilent(1_000)).toBe(false);
		storage.noteSilent(1_000);
		expect([1_000, 30_999, 31_000].map((now) => storage.isSilent(now))).toEqual([
			true,
			true,
			false,
		]);
		// Still so when the next one has tried.
		storage.noteSilent(400_000);
		expect(storage.isSilent(400_000)).toBe(true);
	});

	it('begins anew with a file that it took', () => {
		const storage = new StorageWatch();
		for (let file = 0; file < 5; file += 1) storage.noteSilent(1_000);
		storage.noteStored();
		expect(storage.isSilent(1_000)).toBe(false);
		storage.noteSilent(1_000);
		expect(storage.isSilent(1_000)).toBe(false);
	});
});
