import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import {
	findNodeName,
	NODE_TYPE,
	prepareExample,
	readExamples,
} from '../../scripts/n8n/examples.mts';
import {
	describeFailure,
	getExecution,
	outputItems,
	retryExecution,
	stopExecution,
	waitForExecution,
} from '../../scripts/n8n/n8nExecutions.mts';
import { ensureTable } from '../../scripts/n8n/n8nDataTables.mts';
import { runWorkflow, saveWorkflow, type Workflow } from '../../scripts/n8n/n8nWorkflows.mts';
import { valueAt } from '../../scripts/n8n/shape.mts';
import { chain, splitIntoRows, until } from './chainedWorkflow.mts';
import { setParameters } from './editWorkflow.mts';
import { type FileServer, serveFolder } from './fileServer.mts';
import {
	HAS_NAMED_TABLES,
	MEDIA,
	ROOT,
	RUN_TIMEOUT_MS,
	START_TIMEOUT_MS,
	startTestbed,
	type Testbed,
} from './testbed.mts';

describe('batches in a real n8n', () => {
	let folder: string;
	let files: FileServer;
	let testbed: Testbed;

	beforeAll(async () => {
		folder = await mkdtemp(join(tmpdir(), 'batch-'));
		files = await serveFolder(MEDIA);
		testbed = await startTestbed({}, [folder]);
	}, START_TIMEOUT_MS);
	beforeEach(() => testbed.emulator.clearFaults());
	afterAll(async () => {
		await testbed?.close();
		await files?.close();
		if (folder) await rm(folder, { recursive: true, force: true });
	}, 60_000);

	/** What the test started; the emulator serves the whole file. */
	const newTasks = (before: number) => testbed.emulator.tasks().slice(before);

	/** Start → three rows → the node, with what the test wants to see. */
	async function saveBatch(name: string, settings: object): Promise<Workflow & { id: string }> {
		const rows = [1, 2, 3].map((row) => ({ prompt: `${name} ${row}` }));
		const talk = {
			...{ name: 'Talk', type: NODE_TYPE, typeVersion: 1 },
			parameters: {
				...{ imageSource: 'url', imageUrl: `${files.url}/portrait.png` },
				...{ audioSource: 'url', audioUrl: `${files.url}/speech.mp3` },
				prompt: '={{ $json.prompt }}',
			},
			...settings,
		};
		const start = { name: 'Start', type: 'n8n-nodes-base.manualTrigger' };
		const nodes = [start, ...splitIntoRows(rows), talk];
		const example = { key: name, workflow: chain(name, nodes) };
		const workflow = prepareExample(example, await testbed.saveCredential(), MEDIA);
		return { ...workflow, id: await saveWorkflow(testbed.session, workflow) };
	}

	(HAS_NAMED_TABLES ? it : it.skip)(
		'give a result for every row of a file: nine videos, and three rows that say why there is none',
		async () => {
			const fine = { image: `${files.url}/portrait.png`, audio: `${files.url}/speech.mp3` };
			const sheet = Array.from({ length: 12 }, (_, index) => ({
				row: index + 1,
				...fine,
				status: 'new',
			}));
			Object.assign(sheet[2]!, { image: 'portrait.png' });
			Object.assign(sheet[5]!, { audio: `${files.url}/missing.mp3` });
			// 34 times the sample is far above the example's limit for one video.
			await writeFile(join(folder, 'long.wav'), await makeLongWav());
			const long = await serveFolder(folder);
			Object.assign(sheet[8]!, { audio: `${long.url}/long.wav` });
			const done = { row: 13, ...fine, status: 'done' };
			const lines = [...sheet, done].map(
				({ row, image, audio, status }) =>
					`${row},Name ${row},${image},${audio},"Hello, ${row}",${status},,,`,
			);
			const header = 'row,name,image_url,audio_url,prompt,status,video_url,cost_usd,error';
			await writeFile(join(folder, 'batch.csv'), `${[header, ...lines].join('\n')}\n`);

			const before = testbed.emulator.paidTasks();
			const columns = await readFile(join(ROOT, 'examples', 'table-of-batch.csv'), 'utf8');
			await ensureTable(testbed.session, 'Videos of the CSV file', columns.trim().split(','));
			const example = (await readExamples(ROOT)).find(({ key }) => key === 'spreadsheet-batch');
			const workflow = prepareExample(example!, await testbed.saveCredential(), folder);
			setParameters(workflow, 'New rows', { limit: 20 });
			const id = await saveWorkflow(testbed.session, workflow);
			const trigger = findNodeName(workflow, 'n8n-nodes-base.scheduleTrigger');
			const executionId = await runWorkflow(testbed.session, id, trigger);
			const execution = await waitForExecution(testbed.session, executionId, {
				timeoutMs: RUN_TIMEOUT_MS,
			});
			await long.close();
			if (execution.status !== 'success') throw new Error(describeFailure(execution));

			// Nothing is paid for the three: without a recording there is no price, and so no submit.
			expect(testbed.emulator.paidTasks() - before).toBe(9);
			const results = await readFile(join(folder, 'batch-results.csv'), 'utf8');
			const written = results.trim().split('\n').slice(1);
			expect(written).toHaveLength(13);
			const statuses = written.map((line) => /,(new|done|retry|failed),/.exec(line)?.[1]);
			const failedRows = [3, 6, 9];
			expect(statuses).toEqual(
				Array.from({ length: 13 }, (_, index) =>
					failedRows.includes(index + 1) ? 'retry' : 'done',
				),
			);
			written.forEach((line, index) => expect(line).toMatch(new RegExp(`^"?${index + 1}"?,`)));
			expect(written[0]).toMatch(/http.*\.mp4,0\.15,/);
			expect(written[2]).toMatch(/"Image URL"".* is not a web address/);
			expect(written[5]).toMatch(/could not load|Failed to download/i);
			expect(written[8]).toMatch(/more than ""Max Cost per Video"" allows/);
			expect(written[12]).toContain('Name 13');
		},
		RUN_TIMEOUT_MS + 30_000,
	);

	it(
		'go on after Retry of a failed execution, and pay nothing again',
		async () => {
			const before = testbed.emulator.paidTasks();
			testbed.emulator.addFault({
				step: 'result',
				kind: 'status',
				status: 403,
				body: { code: 403, message: 'the role of this key does not allow it' },
			});
			const { id } = await saveBatch('retried', {});
			const executionId = await runWorkflow(testbed.session, id, 'Start');
			const failed = await waitForExecution(testbed.session, executionId, {
				timeoutMs: RUN_TIMEOUT_MS,
			});
			expect(failed.status).toBe('error');
			const paid = testbed.emulator.paidTasks() - before;
			const retryId = await retryExecution(testbed.session, executionId);
			const retried = await waitForExecution(testbed.session, retryId, {
				timeoutMs: RUN_TIMEOUT_MS,
			});
			expect(retried.status).toBe('success');
			const ids = outputItems(retried, 'Talk').map((item) => valueAt(item, 'json', 'taskId'));
			expect(ids).toHaveLength(3);
			expect(new Set(ids)).toEqual(new Set(newTasks(before).map((task) => task.id)));
			expect(paid).toBeGreaterThan(0);
			expect(testbed.emulator.paidTasks() - before).toBe(3);
		},
		2 * RUN_TIMEOUT_MS,
	);

	it(
		'end at once when the execution is stopped, and keep the IDs of what was paid',
		async () => {
			const before = testbed.emulator.paidTasks();
			const options = { maxTasksInFlight: 2 };
			const workflow = await saveBatch('stopped', {});
			const talk = workflow.nodes.find(({ name }) => name === 'Talk')!;
			Object.assign(talk.parameters as object, { options });
			const id = await saveWorkflow(testbed.session, workflow);
			// A service that never gets ready, so that Stop comes in the middle.
			testbed.emulator.addFault({ step: 'result', kind: 'status', status: 503, times: Infinity });
			const executionId = await runWorkflow(testbed.session, id, 'Start');
			await until(() => newTasks(before).length === 2);
			await stopExecution(testbed.session, executionId);
			await pause(500);
			const count = testbed.emulator.requests().length;
			await pause(6_000);
			expect(testbed.emulator.requests().length).toBe(count);
			const tasks = newTasks(before);
			expect(tasks).toHaveLength(2);
			const stopped = await getExecution(testbed.session, executionId);
			expect(stopped.status).toBe('canceled');
			// n8n overwrites what a stopped execution has stored, so its log is where the IDs are.
			const log = await readFile(testbed.n8n.logFile, 'utf8');
			expect(log).toMatch(/execution was stopped\. Tasks of its rows, which go on at WaveSpeed/);
			for (const task of tasks) expect(log).toContain(task.id);
		},
		RUN_TIMEOUT_MS + 30_000,
	);
});

const pause = async (ms: number) => await new Promise((resolve) => setTimeout(resolve, ms));

/** The sample recording, so often one after the other that a video would cost more than two dollars. */
async function makeLongWav(): Promise<Buffer> {
	const wav = await readFile(join(MEDIA, 'speech.wav'));
	const start = wav.indexOf('data') + 8;
	const samples = Buffer.concat(Array.from({ length: 20 }, () => wav.subarray(start)));
	const header = Buffer.from(wav.subarray(0, start));
	header.writeUInt32LE(header.length + samples.length - 8, 4);
	header.writeUInt32LE(samples.length, start - 4);
	return Buffer.concat([header, samples]);
}
