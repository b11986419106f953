import type { INodeExecutionData } from 'n8n-workflow';

import type { Fault, RecordedRequest } from '../../emulator/types.mts';
import { sampleFile, storeFile } from '../harness/engine.mts';
import { GENERATE, jsonOf, makeRows, type Rig } from '../harness/rig.mts';
import { GOES_ON, startMoneyRig, submitsOf } from './support.mts';

/** A few bad rows are no outage: the good rows of the same sheet are all tried, however few places there are. */

let rig: Rig;
const start = async (accountLevel: 'bronze' | 'silver' = 'bronze'): Promise<void> => {
	rig = await startMoneyRig({ accountLevel, taskSeconds: 20, balance: 1_000 });
};
afterEach(async () => await rig.close());

const ROWS = 40;
const speech = sampleFile('speech.mp3');

/** Each with a recording of its own, that of the first row one byte longer than the sample. */
async function makeVoices(): Promise<INodeExecutionData[]> {
	const toRow = async (row: number): Promise<INodeExecutionData> => {
		const content = Buffer.concat([speech, Buffer.alloc(row + 1)]);
		const audio = await storeFile(content, `voice${row}.mp3`, 'audio/mpeg');
		return { json: { prompt: `row ${row}` }, binary: { audio } };
	};
	return await Promise.all(Array.from({ length: ROWS }, async (_, row) => await toRow(row)));
}

/** What the service or the file store always refuses. */
const refuse = (step: Fault['step'], status: number, when: Fault['when']): void =>
	rig.emulator.addFault({ step, kind: 'status', status, times: Infinity, when });

async function runVoices(options: object): Promise<number[]> {
	const imageUrl = await rig.emulator.addUpload('p.png', 'image/png', sampleFile('portrait.png'));
	const parameters = { ...GENERATE, imageSource: 'url', imageUrl, options };
	return failedRows(await rig.run({ items: await makeVoices(), parameters, settings: GOES_ON }));
}

const failedRows = ({ items }: { items: INodeExecutionData[] }): number[] =>
	jsonOf(items).flatMap(({ error }, row) => (error === undefined ? [] : [row]));

const firstRows = (count: number): number[] => Array.from({ length: count }, (_, row) => row);

/** One of the first different ones that come by. */
function createFirst(count: number): (name: string) => boolean {
	const first = new Set<string>();
	return (name) => {
		if (first.size < count) first.add(name);
		return first.has(name);
	};
}

test.each([
	[2, 8],
	[20, 0],
])('%i recordings whose price can not be told, with uploads of %i s', async (bad, seconds) => {
	await start();
	if (seconds > 0)
		rig.emulator.addFault({ step: 'ticket', kind: 'slowBody', seconds, times: Infinity });
	const isBad = createFirst(bad);
	refuse('price', 500, ({ body }) => {
		return isBad((body as { inputs: { audio: string } }).inputs.audio);
	});
	expect(await runVoices({ maxCostPerVideo: 5 })).toHaveLength(bad);
	expect(rig.emulator.paidTasks()).toBe(ROWS - bad);
});

test.each([
	[12, 403],
	[20, 500],
])('%i files that the store answers with %i', async (bad, status) => {
	await start();
	const isBad = ({ headers }: Pick<RecordedRequest, 'headers'>): boolean =>
		Number(headers['content-length']) <= speech.length + bad;
	refuse('put', status, isBad);
	expect(await runVoices({})).toEqual(firstRows(bad));
});

test('20 videos whose host answers with 503', async () => {
	await start('silver');
	const isBad = createFirst(20);
	refuse('download', 503, ({ path }) => isBad(path));
	expect(await runVoices({ downloadVideo: true, maxTasksInFlight: 4 })).toHaveLength(20);
});

test.each([4, 10])('%i rows whose submit is answered with 500', async (bad) => {
	await start();
	refuse('submit', 500, ({ body }) => {
		return Number((body as { prompt: string }).prompt.replace('row ', '')) < bad;
	});
	const result = await rig.run({
		...{ items: await makeRows(ROWS), parameters: GENERATE, settings: GOES_ON },
	});
	expect(failedRows(result)).toEqual(firstRows(bad));
	expect(submitsOf(rig)).toHaveLength(ROWS);
	expect(rig.emulator.paidTasks()).toBe(ROWS - bad);
});
