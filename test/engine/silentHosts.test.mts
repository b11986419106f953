import type { INodeExecutionData } from 'n8n-workflow';

import type { Fault, RecordedRequest } from '../emulator/types.mts';
import { sampleFile, storeFile } from './harness/engine.mts';
import { GENERATE, jsonOf, makeRows, type Rig } from './harness/rig.mts';
import { GOES_ON, minutesOf, startMoneyRig } from './money/support.mts';

/** The file store and the host of the videos: each is asked by many rows, which have few places. */

let rig: Rig;
afterEach(async () => await rig.close());

const WAYS: [string, Omit<Fault, 'step'>][] = [
	['silent', { kind: 'hang' }],
	['answered with 503', { kind: 'status', status: 503 }],
];

/** Each with a recording of its own. */
async function makeVoices(
	count: number,
	bytesMore = 0,
	inMemory = false,
): Promise<INodeExecutionData[]> {
	const speech = sampleFile('speech.mp3');
	const toRow = async (row: number): Promise<INodeExecutionData> => {
		const content = Buffer.concat([speech, Buffer.alloc(bytesMore + row + 1)]);
		const file = { fileName: `voice${row}.mp3`, mimeType: 'audio/mpeg' };
		const audio = inMemory
			? { ...file, data: content.toString('base64') }
			: await storeFile(content, file.fileName, file.mimeType);
		return { json: { prompt: `row ${row}` }, binary: { audio } };
	};
	return await Promise.all(Array.from({ length: count }, async (_, row) => await toRow(row)));
}

const withPicture = async (): Promise<object> => ({
	...GENERATE,
	imageSource: 'url',
	imageUrl: await rig.emulator.addUpload('p.png', 'image/png', sampleFile('portrait.png')),
});

describe.each(WAYS)('a file store that is %s', (_, fault) => {
	test.each([
		['ticket', 'put', 24],
		['ticket', 'put', 96],
		['form', 'multipart', 96],
	] as const)('fails rows with a %s (%s, %i rows) within minutes', async (way, step, rows) => {
		rig = await startMoneyRig(way === 'form' ? { ticketUploads: 404 } : {});
		const parameters = { ...(await withPicture()) };
		rig.emulator.addFault({ step, ...fault, times: Infinity });
		const items = await makeVoices(rows);
		const minutes = await minutesOf(rig, async () => {
			const result = await rig.run({ items, parameters, settings: GOES_ON });
			for (const { error } of jsonOf(result.items)) {
				expect(error).toMatch(/^Could not upload the file in "audio": .*Nothing was paid\./);
			}
		});
		expect(minutes).toBeLessThan(5);
	});
});

test.each([
	['n8n’s storage', false],
	['memory', true],
])('a silent file store is noticed by large files in %s as well', async (_, inMemory) => {
	rig = await startMoneyRig();
	const parameters = { ...(await withPicture()) };
	rig.emulator.addFault({ step: 'put', kind: 'hang', times: Infinity });
	const items = await makeVoices(8, 12_000_000, inMemory);
	const minutes = await minutesOf(rig, async () => {
		const result = await rig.run({ items, parameters, settings: GOES_ON });
		for (const { error } of jsonOf(result.items)) {
			expect(error).toMatch(/^Could not upload the file in "audio": .*Nothing was paid\./);
		}
	});
	expect(minutes).toBeLessThan(10);
});

test('one file that the store never takes keeps no other file back', async () => {
	rig = await startMoneyRig();
	const parameters = { ...(await withPicture()) };
	const items = await makeVoices(24);
	// The addresses of uploads don't name the file, but each recording has a length of its own.
	const length = String(sampleFile('speech.mp3').length + 1);
	const when = ({ headers }: Pick<RecordedRequest, 'headers'>): boolean =>
		headers['content-length'] === length;
	rig.emulator.addFault({ step: 'put', kind: 'status', status: 503, times: Infinity, when });
	const result = await rig.run({ items, parameters, settings: GOES_ON });
	expect(rig.emulator.requests().filter(when)).toHaveLength(4);
	const failed = jsonOf(result.items).filter(({ error }) => error !== undefined);
	expect(failed).toHaveLength(1);
});

test('after the outage the next execution uploads', async () => {
	rig = await startMoneyRig();
	const parameters = { ...(await withPicture()) };
	rig.emulator.addFault({ step: 'put', kind: 'status', status: 503, times: Infinity });
	const items = await makeVoices(8);
	await rig.run({ items, parameters, settings: GOES_ON });
	rig.emulator.clearFaults();
	await rig.until(rig.clock.sleep(31_000));
	const result = await rig.run({ items, parameters, settings: GOES_ON });
	expect(jsonOf(result.items).map(({ status }) => status)).toEqual(Array(8).fill('completed'));
});

describe.each(WAYS)('a host of videos that is %s', (_, fault) => {
	test.each([50, 200])('leaves %i rows with their addresses within minutes', async (rows) => {
		rig = await startMoneyRig({ taskSeconds: 30 });
		rig.emulator.addFault({ step: 'download', ...fault, times: Infinity });
		const items = await makeRows(rows);
		const parameters = { ...GENERATE, options: { downloadVideo: true } };
		const minutes = await minutesOf(rig, async () => {
			const result = await rig.run({ items, parameters, settings: GOES_ON });
			for (const { error, details } of jsonOf(result.items)) {
				expect(error).toMatch(/could not be downloaded/);
				expect((details as { videoUrl?: string }).videoUrl).toMatch(/^http/);
			}
		});
		expect(minutes).toBeLessThan(5);
		expect(rig.emulator.paidTasks()).toBe(rows);
	});
});

test('one video that can not be fetched keeps no other one back', async () => {
	rig = await startMoneyRig({ taskSeconds: 1 });
	let bad = '';
	rig.emulator.onRequest('download', ({ path }) => {
		bad ||= path;
	});
	const when = ({ path }: { path: string }): boolean => path === bad;
	rig.emulator.addFault({ step: 'download', kind: 'status', status: 503, times: Infinity, when });
	const parameters = { ...GENERATE, options: { downloadVideo: true } };
	const result = await rig.run({ items: await makeRows(60), parameters, settings: GOES_ON });
	const failed = jsonOf(result.items).filter(({ error }) => error !== undefined);
	expect(failed).toHaveLength(1);
});
