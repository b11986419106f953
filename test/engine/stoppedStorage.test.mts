import { PassThrough } from 'node:stream';

import type { IDataObject, INodeExecutionData } from 'n8n-workflow';

import { core, sampleFile, storeFile } from './harness/engine.mts';
import { GENERATE, jsonOf, type Rig } from './harness/rig.mts';
import { GOES_ON, minutesOf, startMoneyRig } from './money/support.mts';

/** n8n's storage stops in the middle of a file, as an object store behind a network can: nothing else ends such a read. */

interface BinaryService {
	getAsStream(id: string, chunkSize?: number): Promise<NodeJS.ReadableStream>;
	getMetadata(id: string): Promise<unknown>;
}

const service = core.BinaryDataService.prototype as unknown as BinaryService;
const original = { getAsStream: service.getAsStream, getMetadata: service.getMetadata };
const speech = sampleFile('speech.mp3');

let rig: Rig;
let parameters: IDataObject;
/** The files that stop, with how often they can be read before that. */
let stopped: Map<string, number>;
const opened: PassThrough[] = [];

beforeEach(async () => {
	rig = await startMoneyRig({ taskSeconds: 1 });
	const imageUrl = await rig.emulator.addUpload('p.png', 'image/png', sampleFile('portrait.png'));
	parameters = { ...GENERATE, imageSource: 'url', imageUrl };
	stopped = new Map();
	opened.length = 0;
	service.getAsStream = async function (id, ...more) {
		const left = stopped.get(id);
		if (left === undefined || left > 0) {
			if (left !== undefined) stopped.set(id, left - 1);
			return await original.getAsStream.call(this, id, ...more);
		}
		const stream = new PassThrough();
		stream.write(speech.subarray(0, 4_096));
		opened.push(stream);
		return stream;
	};
});
afterEach(async () => {
	Object.assign(service, original);
	await rig.close();
});

/** Each with a recording of its own; `reads`: how often it can be read before the storage stops. */
async function makeRows(count: number, reads?: number): Promise<INodeExecutionData[]> {
	const toRow = async (row: number): Promise<INodeExecutionData> => {
		const content = Buffer.concat([speech, Buffer.alloc(row + 1)]);
		const audio = await storeFile(content, `voice${row}.mp3`, 'audio/mpeg');
		if (reads !== undefined) stopped.set(String(audio.id), reads);
		return { json: { prompt: `row ${row}` }, binary: { audio } };
	};
	return await Promise.all(Array.from({ length: count }, async (_, row) => await toRow(row)));
}

const STOPPED =
	/^The file in "audio" can't be read: n8n's storage has delivered nothing of it for 50 seconds\. .*Nothing was paid\./;

test('rows fail within minutes when their files are looked through, and nothing is paid', async () => {
	const items = await makeRows(100, 0);
	const minutes = await minutesOf(rig, async () => {
		const result = await rig.run({ items, parameters, settings: GOES_ON });
		for (const { error } of jsonOf(result.items)) expect(error).toMatch(STOPPED);
	});
	expect(minutes).toBeLessThan(5);
	expect(rig.emulator.paidTasks()).toBe(0);
	expect(opened.filter(({ destroyed }) => !destroyed)).toEqual([]);
});

test('a row fails that is in the middle of its upload, and is not uploaded again', async () => {
	const items = await makeRows(1, 1);
	const uploading = new Promise<void>((resolve) => rig.emulator.onRequest('put', () => resolve()));
	const running = rig.start({ items, parameters, settings: GOES_ON });
	await rig.until(uploading);
	// The emulator waits for the rest of the file, and time would stand still for as long.
	const nobody = { url: 'http://127.0.0.1:1', mediaUrl: 'http://127.0.0.1:1', requests: () => [] };
	const result = await rig.clock.runUntil(running, nobody);
	expect(jsonOf(result.items)[0]?.error).toMatch(STOPPED);
	expect(rig.emulator.requests().filter(({ step }) => step === 'put')).toHaveLength(1);
	expect(opened.filter(({ destroyed }) => !destroyed)).toEqual([]);
});

test('another execution has its turn within minutes', async () => {
	const hanging = rig.start({ items: await makeRows(16, 0), parameters, settings: GOES_ON });
	await rig.until(rig.clock.sleep(1_000));
	const good = { items: await makeRows(1), parameters, settings: GOES_ON };
	const minutes = await minutesOf(rig, async () => await rig.run(good));
	expect(minutes).toBeLessThan(3);
	await rig.until(hanging);
	expect(jsonOf((await rig.run(good)).items)[0]).toMatchObject({ status: 'completed' });
});

test('Stop ends it immediately, and closes the files', async () => {
	let stop = (): void => {};
	const running = rig.start({
		...{ items: await makeRows(3, 0), parameters, settings: GOES_ON },
		onStart: (end) => void (stop = end),
	});
	await rig.until(rig.clock.sleep(1_000));
	expect(opened).not.toHaveLength(0);
	const minutes = await minutesOf(rig, async () => {
		stop();
		await rig.until(running);
	});
	expect(minutes).toBeLessThan(0.1);
	expect(opened.filter(({ destroyed }) => !destroyed)).toEqual([]);
});

test('one file that stops keeps no other row back', async () => {
	const items = [...(await makeRows(1, 0)), ...(await makeRows(40))];
	const result = await rig.run({ items, parameters, settings: GOES_ON });
	expect(jsonOf(result.items)[0]?.error).toMatch(STOPPED);
	expect(jsonOf(result.items).filter(({ status }) => status === 'completed')).toHaveLength(40);
});

test('a storage that does not even answer is given up as well', async () => {
	service.getMetadata = async () => await new Promise(() => {});
	const items = await makeRows(20);
	const minutes = await minutesOf(rig, async () => {
		const result = await rig.run({ items, parameters, settings: GOES_ON });
		for (const { error } of jsonOf(result.items)) expect(error).toMatch(STOPPED);
	});
	expect(minutes).toBeLessThan(5);
});
