import { completeInput, inspectRequest } from '../../nodes/shared/batch/prepare';
import { createRequest, createBatchRig, fileOf } from './support/batchRig.mts';

const hashOf = async (more = {}): Promise<string> =>
	(await inspectRequest(createRequest(more))).hash;

describe('the mark of what is asked for', () => {
	it('is the same for the same, and short', async () => {
		expect(await hashOf()).toBe(await hashOf());
		expect(await hashOf()).toMatch(/^[0-9a-f]{16}$/);
	});

	it.each([
		['image', { image: { kind: 'url', url: 'https://example.com/other.png' } }],
		['audio', { audio: { kind: 'url', url: 'https://example.com/other.mp3' } }],
		['prompt', { prompt: 'x' }],
		['resolution', { resolution: '720p' }],
		['seed', { seed: 0 }],
		['source', { image: fileOf('https://example.com/face.png') }],
	])('changes with the %s', async (_, more) => {
		expect(await hashOf(more)).not.toBe(await hashOf());
	});

	it('does not depend on limits or on the address for the callback', async () => {
		const more = { maxCostPerVideo: 1, maxCostPerRun: 2, webhookUrl: 'https://n8n.example/1' };
		expect(await hashOf(more)).toBe(await hashOf());
	});

	it('goes by the content of a file, not by its name', async () => {
		const renamed = { ...fileOf('x'), field: 'other' };
		expect(await hashOf({ image: fileOf('x') })).toBe(await hashOf({ image: renamed }));
		expect(await hashOf({ image: fileOf('x') })).not.toBe(await hashOf({ image: fileOf('y') }));
	});

	it('does not mix fields up', async () => {
		expect(await hashOf({ prompt: 'a","480p' })).not.toBe(
			await hashOf({ prompt: 'a', resolution: '480p' }),
		);
		const url = (name: string) => ({ kind: 'url', url: `https://example.com/${name}` });
		expect(await hashOf({ image: url('a'), audio: url('b') })).not.toBe(
			await hashOf({ image: url('b'), audio: url('a') }),
		);
	});
});

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
