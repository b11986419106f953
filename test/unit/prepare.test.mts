import { completeInput, inspectRequest } from '../../nodes/shared/batch/prepare';
import { failureFrom } from './support/api.mts';
import { createRequest, createBatchRig, fileOf } from './support/batchRig.mts';

describe('the input of a submit', () => {
	it('uploads files and leaves web addresses as they are', async () => {
		const { time, service, start } = createBatchRig();
		const { batch } = start([]);
		const ready = await inspectRequest(createRequest({ image: fileOf('x'), seed: 5 }));
		expect(await time.run(completeInput(batch, ready))).toEqual({
			image: 'https://files.example/1',
			audio: 'https://example.com/voice.mp3',
			prompt: '',
			resolution: '480p',
			seed: 5,
		});
		expect(service.countOf('/media/uploads')).toBe(1);
	});

	it('uploads a file once that serves as both, and few files at a time', async () => {
		const { time, service, start } = createBatchRig();
		const { batch } = start([]);
		const same = await inspectRequest(createRequest({ image: fileOf('x'), audio: fileOf('x') }));
		await time.run(completeInput(batch, same));
		expect(service.countOf('/media/uploads')).toBe(1);

		const rows = Array.from({ length: 9 }, async (_, row) => {
			const ready = await inspectRequest(createRequest({ image: fileOf(`file ${row}`) }));
			return await completeInput(batch, ready);
		});
		await time.advance(1);
		expect(service.countOf('/media/uploads')).toBe(1 + 4);
		await time.run(Promise.all(rows));
		expect(service.countOf('/media/uploads')).toBe(1 + 9);
	});

	it('lets other files have their turn before one that did not arrive is tried again', async () => {
		const storeFaults = Array.from({ length: 4 }, () => 'hang' as const);
		const { time, service, start } = createBatchRig({ storeFaults });
		const upload = async (name: string, { batch } = start([])): Promise<string> => {
			const ready = await inspectRequest(createRequest({ image: fileOf(name) }));
			return (await completeInput(batch, ready)).image;
		};
		const hung = ['a', 'b', 'c', 'd'].map(async (name) => await upload(name));
		await time.advance(1_000);
		const others = ['e', 'f', 'g', 'h', 'i', 'j', 'k'].map(async (name) => await upload(name));
		await time.run(Promise.all(others));
		const puts = service.requests.filter(({ request }) => request.method === 'PUT');
		expect(puts.length).toBeLessThanOrEqual(4 + 7);
		expect(await time.run(Promise.all(hung))).toHaveLength(4);
	});

	it('tries no file at a silent store after the fifth that was given up there', async () => {
		const storeFaults = Array.from({ length: 1_000 }, () => 'hang' as const);
		const { time, service, start } = createBatchRig({ storeFaults });
		const { batch } = start([]);
		const failWith = async (name: string) => {
			const ready = await inspectRequest(createRequest({ image: fileOf(name) }));
			return await failureFrom(completeInput(batch, ready));
		};
		const files = Array.from({ length: 40 }, (_, row) => `file ${row}`);
		const startedAt = time.now();
		await time.run(Promise.all(files.map(failWith)));
		const puts = service.requests.filter(({ request }) => request.method === 'PUT');
		// Four at a time, a minute each: it is known by the end of the fourth.
		expect(puts).toHaveLength(16);
		expect(time.now() - startedAt).toBeLessThan(5 * 60_000);
	});

	it('names the field of the row when others have met the same, with their files or with its own', async () => {
		const ticketFaults = Array.from({ length: 1_000 }, () => 'hang' as const);
		const { time, service, start } = createBatchRig({ ticketFaults });
		const { batch } = start([]);
		const failAs = async (field: string, name: string) => {
			const image = { ...fileOf(name), field };
			const ready = await inspectRequest(createRequest({ image }));
			return await failureFrom(completeInput(batch, ready));
		};
		const files = Array.from({ length: 12 }, (_, row) => `file ${row}`);
		const others = files.map(async (name) => await failAs('voice', name));
		const shared = failAs('song', 'file 0');
		await time.run(Promise.all(others));
		expect((await shared).message).toMatch(/^Could not upload the file in "song"/);
		const before = service.requests.length;
		const failed = await time.run(failAs('speech', 'the next'));
		expect(failed.message).toMatch(/^Could not upload the file in "speech"/);
		expect(service.requests).toHaveLength(before);
	});

	it.each([0, 7, 2_147_483_647])('keeps the seed %i', async (seed) => {
		const { time, start } = createBatchRig();
		const ready = await inspectRequest(createRequest({ seed }));
		expect((await time.run(completeInput(start([]).batch, ready))).seed).toBe(seed);
	});

	it('draws a whole seed within the range of the API where none is given', async () => {
		const { time, start } = createBatchRig();
		const { batch } = start([]);
		const ready = await inspectRequest(createRequest({ seed: -1 }));
		for (const [random, seed] of [
			[0, 0],
			[0.5, 1_073_741_824],
			[0.9999999999999999, 2_147_483_647],
		] as const) {
			batch.api.random = () => random;
			expect((await time.run(completeInput(batch, ready))).seed).toBe(seed);
		}
	});
});
