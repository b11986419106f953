import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

import axios from 'axios';

import { NODE_TYPE, prepareExample, readExamples } from '../../scripts/n8n/examples.mts';
import {
	describeFailure,
	type Execution,
	getExecution,
	listExecutions,
	outputItems,
	retryExecution,
	stopExecution,
	waitForExecution,
} from '../../scripts/n8n/n8nExecutions.mts';
import { ensureN8n } from '../../scripts/n8n/n8nInstall.mts';
import { unwrap } from '../../scripts/n8n/n8nRest.mts';
import { activateWorkflow, saveWorkflow, type Workflow } from '../../scripts/n8n/n8nWorkflows.mts';
import { type JsonRecord, listAt, textAt, valueAt } from '../../scripts/n8n/shape.mts';
import { N8N_VERSION } from '../../scripts/n8n/versions.mts';
import { chain, type NamedNode, splitIntoRows, until, webhookAt } from './chainedWorkflow.mts';
import { type FileServer, serveFolder } from './fileServer.mts';
import {
	MEDIA,
	ROOT,
	RUN_TIMEOUT_MS,
	START_TIMEOUT_MS,
	startTestbed,
	type Testbed,
} from './testbed.mts';
import { isRecord } from '../../nodes/shared/json';

/** Twenty minutes at the emulator's speed: these tasks end when the test says so. */
const LONG_SECONDS = 60_000;

/** At the emulator's speed 1, 20 and 60 s: n8n is down for the first, and back for one of the others. */
const RETRY_DELAYS_SECONDS = [50, 1_000, 3_000];

const CRASH_TIMEOUT_MS = 3 * RUN_TIMEOUT_MS;

/** n8n 1.x finds a data table by its ID only, which an example can't know. */
const onVersionsWithNamedTables = N8N_VERSION.startsWith('1.') ? it.skip : it;

describe('long tasks in a real n8n', () => {
	let folder: string;
	let files: FileServer;
	let testbed: Testbed;

	beforeAll(async () => {
		folder = await mkdtemp(join(tmpdir(), 'callback-'));
		files = await serveFolder(MEDIA);
		testbed = await startTestbed(
			{
				video: 'placeholder',
				taskSeconds: LONG_SECONDS,
				balance: 10_000,
				webhookRetryDelaysSeconds: RETRY_DELAYS_SECONDS,
			},
			[folder],
		);
	}, START_TIMEOUT_MS);
	afterAll(async () => {
		await testbed?.close();
		await files?.close();
		if (folder) await rm(folder, { recursive: true, force: true });
	}, 60_000);

	/** What the test started; the emulator serves the whole file. */
	const newTasks = (before: number) => testbed.emulator.tasks().slice(before);
	const polls = () => testbed.emulator.requests().filter(({ step }) => step === 'result');
	const finishAll = (before: number) => {
		for (const { id } of newTasks(before)) testbed.emulator.finishTask(id);
	};

	const node = (name: string, parameters: object): NamedNode => ({
		...{ name, type: NODE_TYPE, typeVersion: 1, parameters },
	});
	const input = () => ({
		...{ imageSource: 'url', imageUrl: `${files.url}/portrait.png` },
		...{ audioSource: 'url', audioUrl: `${files.url}/speech.mp3` },
		prompt: '={{ $json.prompt }}',
	});

	const toPath = (name: string): string => name.replaceAll(' ', '-');

	/** Webhook → three rows → the given nodes, switched on: some of it is different in a manual execution. */
	async function switchOn(
		name: string,
		nodes: NamedNode[],
		settings: object = {},
		rows: object[] = [1, 2, 3].map((row) => ({ prompt: `${name} ${row}` })),
	): Promise<string> {
		const all = [{ name: 'Start', ...webhookAt(toPath(name)) }, ...splitIntoRows(rows), ...nodes];
		const example = { key: name, workflow: chain(name, all, settings) };
		const workflow = prepareExample(example, await testbed.saveCredential(), folder);
		const id = await saveWorkflow(testbed.session, workflow);
		await activateWorkflow(testbed.session, id);
		return id;
	}

	/** An example, switched on, with a webhook in place of its schedule. */
	async function switchOnExample(
		key: string,
		change: (node: JsonRecord) => JsonRecord = (one) => one,
	): Promise<Workflow & { id: string }> {
		const example = (await readExamples(ROOT)).find((found) => found.key === key);
		const workflow = prepareExample(example!, await testbed.saveCredential(), folder);
		const nodes = workflow.nodes.map((one) => {
			const isSchedule = one.type === 'n8n-nodes-base.scheduleTrigger';
			return isSchedule ? { ...one, ...webhookAt(key) } : change(one);
		});
		const id = await saveWorkflow(testbed.session, { ...workflow, nodes });
		await activateWorkflow(testbed.session, id);
		return { ...workflow, nodes, id };
	}

	/** Returns the execution's id. */
	async function start(workflowId: string, path: string): Promise<string> {
		const known = await listExecutions(testbed.session, workflowId);
		const url = `${testbed.n8n.url}/webhook/${toPath(path)}`;
		expect((await axios.post(url, {}, { proxy: false })).status).toBe(200);
		let id: string | undefined;
		await until(async () => {
			const started = await listExecutions(testbed.session, workflowId);
			// The child of a parked execution is newer.
			id = started.filter((one) => !known.includes(one)).at(-1);
			return id !== undefined;
		});
		return id!;
	}

	const waitUntil = async (id: string, status: string): Promise<Execution> =>
		await waitForExecution(testbed.session, id, {
			timeoutMs: RUN_TIMEOUT_MS,
			until: (execution) => execution.status === status,
		});

	async function waitForSuccess(id: string): Promise<Execution> {
		const execution = await waitForExecution(testbed.session, id, { timeoutMs: RUN_TIMEOUT_MS });
		if (execution.status !== 'success') throw new Error(describeFailure(execution));
		return execution;
	}

	function expectVideos(execution: Execution, name: string, before: number): void {
		const found = outputItems(execution, name).map(({ json }) => ({
			taskId: valueAt(json, 'taskId'),
			status: valueAt(json, 'status'),
			videoUrl: valueAt(json, 'videoUrl'),
		}));
		const made = newTasks(before).map(({ id, outputs }) => ({
			...{ taskId: id, status: 'completed', videoUrl: outputs[0] },
		}));
		expect(made).toHaveLength(3);
		for (const { videoUrl } of made) expect(videoUrl).toMatch(/^http.*\.mp4/);
		const byId = (a: { taskId: unknown }, b: { taskId: unknown }) =>
			String(a.taskId).localeCompare(String(b.taskId));
		expect(found.sort(byId)).toEqual(made.sort(byId));
	}

	const talk = (name: string, more: object = {}, settings: object = {}): NamedNode => {
		const options = { timeoutMinutes: 10, ...(more as { options?: object }).options };
		const parameters = { operation: 'generate', ...input(), waitMode: 'parked', ...more, options };
		return { ...node(name, parameters), ...settings };
	};
	const switchCallbacksOff = () =>
		testbed.emulator.addFault({ step: 'webhook', kind: 'resetBefore', times: Infinity });
	const taskOf = (prompt: string) =>
		testbed.emulator.tasks().find((task) => task.input.prompt === prompt)!;
	/** A parked execution and the child that waits for it. */
	const childOf = async (workflowId: string, parent: string): Promise<string> => {
		const ids = await listExecutions(testbed.session, workflowId);
		return ids.find((id) => id !== parent) ?? '';
	};
	const statusOf = async (id: string) => (await getExecution(testbed.session, id)).status;

	it(
		'parked, without any callback: n8n is killed, and each run goes on by itself after the restart',
		async () => {
			switchCallbacksOff();
			const onError = { onError: 'continueErrorOutput' };
			const retry = { retryOnFail: true, maxTries: 3, waitBetweenTries: 500 };
			const odd = 'Talk }} now';
			const fields = { options: { includeInputFields: true } };
			const audioUrl = `={{ $json.bad ? "nonsense" : "${files.url}/speech.mp3" }}`;
			const badUrl = { ...fields, audioUrl };
			const behind = { name: 'Behind', type: 'n8n-nodes-base.set', typeVersion: 3.4 };
			const jsonOutput = `={{ { id: $json.taskId, prompt: $('Split').item.json.prompt } }}`;
			const flows = {
				good: await switchOn('good', [
					talk('Talk'),
					{ ...behind, parameters: { mode: 'raw', jsonOutput, options: {} } },
				]),
				stopped: await switchOn('stopped', [talk('Talk')]),
				odd: await switchOn('odd', [talk(odd, badUrl, { ...onError, ...retry })], {}, [
					{ prompt: 'odd 1', bad: true, constructor: 'a', toString: 'b' },
					{ prompt: 'odd 2', constructor: 'a', toString: 'b' },
					{ prompt: 'odd 3', constructor: 'a', toString: 'b' },
				]),
			};
			const paidBefore = testbed.emulator.paidTasks();
			const ids = {
				good: await start(flows.good, 'good'),
				stopped: await start(flows.stopped, 'stopped'),
				odd: await start(flows.odd, 'odd'),
			};
			for (const id of Object.values(ids)) await waitUntil(id, 'waiting');
			expect(testbed.emulator.paidTasks() - paidBefore).toBe(8);

			await testbed.n8n.kill();
			testbed.emulator.addFault({
				...{ step: 'result', kind: 'status', status: 404, times: Infinity },
				body: { code: 404, message: 'not found' },
				when: ({ path }) => path.includes(taskOf('odd 2').id),
			});
			for (const { id, input: asked } of newTasks(paidBefore)) {
				const failure = { code: 1200, error: 'flagged as sensitive' };
				if (asked.prompt === 'stopped 2') testbed.emulator.failTask(id, failure);
				else testbed.emulator.finishTask(id);
			}
			await testbed.restart();
			const restartedAt = Date.now();

			const good = await waitForSuccess(ids.good);
			expect(Date.now() - restartedAt).toBeLessThan(75_000);
			expect(outputItems(good, 'Behind').map(({ json }) => json)).toEqual(
				[1, 2, 3].map((row) => ({ id: taskOf(`good ${row}`).id, prompt: `good ${row}` })),
			);
			expect(outputItems(good, 'Talk').map(({ json }) => valueAt(json, 'videoUrl'))).toEqual(
				[1, 2, 3].map((row) => taskOf(`good ${row}`).outputs[0]),
			);

			const stopped = await waitUntil(ids.stopped, 'error');
			const said = describeFailure(stopped);
			expect(said).toMatch(/flagged as sensitive.*\. Row 2, task/);
			for (const row of [1, 2, 3]) expect(said).toContain(taskOf(`stopped ${row}`).id);
			expect(said).toMatch(/Existing Task ID/);

			const oddRun = await waitForSuccess(ids.odd);
			const [kept] = outputItems(oddRun, odd);
			expect(kept?.json).toMatchObject({ prompt: 'odd 3', constructor: 'a', toString: 'b' });
			expect(outputItems(oddRun, odd)).toHaveLength(1);
			const failed = outputItems(oddRun, odd, 1).map(({ json }) => valueAt(json, 'prompt'));
			expect(failed).toEqual(['odd 1', 'odd 2']);
			expect(testbed.emulator.paidTasks() - paidBefore).toBe(8);
			expect(await listExecutions(testbed.session, flows.odd)).toHaveLength(2);
			testbed.emulator.clearFaults();
		},
		CRASH_TIMEOUT_MS,
	);

	/** Lets a parked execution reach its limit, while n8n is down. */
	async function shortenWait(execution: string): Promise<void> {
		const { node: runtime } = await ensureN8n({ say: () => {} });
		const database = join(dirname(testbed.n8n.logFile), '.n8n', 'database.sqlite');
		const script = `const { DatabaseSync } = require('node:sqlite');
			const db = new DatabaseSync(${JSON.stringify(database)});
			const { changes } = db.prepare("UPDATE execution_entity SET waitTill = '2020-01-01 00:00:00.000' WHERE id = ?").run(${JSON.stringify(execution)});
			if (changes !== 1) throw new Error('no such execution');`;
		await promisify(execFile)(runtime, ['-e', script]);
	}

	it(
		'parked: n8n is killed in a check, and in the step of the results, and the records of the tasks go on at the limit',
		async () => {
			const before = testbed.emulator.paidTasks();
			const download = { options: { downloadVideo: true } };
			const flows = {
				check: await switchOn('in a check', [talk('Talk')]),
				result: await switchOn('in the results', [talk('Talk', download)]),
			};
			const ids = {
				check: await start(flows.check, 'in a check'),
				result: await start(flows.result, 'in the results'),
			};
			for (const id of Object.values(ids)) await waitUntil(id, 'waiting');
			const children = {
				check: await childOf(flows.check, ids.check),
				result: await childOf(flows.result, ids.result),
			};
			testbed.emulator.addFault({
				...{ step: 'result', kind: 'hang', times: Infinity },
				when: ({ path }) => path.includes(taskOf('in a check 1').id),
			});
			testbed.emulator.addFault({ step: 'download', kind: 'hang', times: Infinity });
			testbed.emulator.finishTask(taskOf('in a check 2').id);
			for (const row of [1, 2, 3]) testbed.emulator.finishTask(taskOf(`in the results ${row}`).id);
			for (const child of Object.values(children)) await waitUntil(child, 'running');
			await until(() => {
				const open = testbed.emulator.requests().filter(({ status }) => status === 'hang');
				return ['result', 'download'].every((step) => open.some((one) => one.step === step));
			});

			await testbed.n8n.kill();
			testbed.emulator.clearFaults();
			for (const id of Object.values(ids)) await shortenWait(id);
			await testbed.restart();

			for (const child of Object.values(children)) await waitUntil(child, 'crashed');
			for (const [flow, id] of Object.entries(ids)) {
				const name = flow === 'check' ? 'in a check' : 'in the results';
				const records = outputItems(await waitForSuccess(id), 'Talk').map(({ json }) => json);
				expect(records).toEqual(
					[1, 2, 3].map((row) =>
						expect.objectContaining({
							taskId: taskOf(`${name} ${row}`).id,
							prompt: `${name} ${row}`,
						}),
					),
				);
			}
			expect(testbed.emulator.paidTasks() - before).toBe(6);
		},
		CRASH_TIMEOUT_MS,
	);

	it(
		'parked: a run that is stopped stays so, and its child ends by itself and submits nothing',
		async () => {
			const before = testbed.emulator.paidTasks();
			const workflowId = await switchOn('given up', [talk('Talk')]);
			const id = await start(workflowId, 'given up');
			await waitUntil(id, 'waiting');
			const child = await childOf(workflowId, id);
			await stopExecution(testbed.session, id);
			finishAll(before);
			await waitUntil(child, 'success');
			expect(await statusOf(id)).toBe('canceled');
			expect(testbed.emulator.paidTasks() - before).toBe(3);
		},
		CRASH_TIMEOUT_MS,
	);

	const memoryOf = (pid: number): number => {
		const [, kilobytes] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
		return Number(kilobytes) / 1024;
	};

	(process.platform === 'linux' ? it : it.skip)(
		'parked: 200 rows whose callbacks come within three seconds give all results, and n8n stays small',
		async () => {
			const before = testbed.emulator.paidTasks();
			const rows = Array.from({ length: 200 }, (_, row) => ({ prompt: `many ${row}` }));
			const workflowId = await switchOn('many', [talk('Talk')], {}, rows);
			const id = await start(workflowId, 'many');
			await waitUntil(id, 'waiting');
			const memoryBefore = memoryOf(testbed.n8n.pid);
			let peak = 0;
			const watching = setInterval(() => (peak = Math.max(peak, memoryOf(testbed.n8n.pid))), 100);
			for (const task of newTasks(before)) {
				testbed.emulator.finishTask(task.id);
				await new Promise((resolve) => setTimeout(resolve, 14));
			}
			const ended = await waitForSuccess(id);
			clearInterval(watching);
			expect(outputItems(ended, 'Talk').map(({ json }) => valueAt(json, 'prompt'))).toEqual(
				rows.map(({ prompt }) => prompt),
			);
			expect(peak - memoryBefore).toBeLessThan(400);
			expect(testbed.emulator.paidTasks() - before).toBe(200);
		},
		CRASH_TIMEOUT_MS,
	);

	it(
		'polled: n8n is killed while "Wait" waits, and Retry of the crashed execution goes on there',
		async () => {
			const before = testbed.emulator.paidTasks();
			const workflowId = await switchOn(
				'saved',
				[
					node('Submit', { resource: 'task', operation: 'submit', ...input() }),
					node('Wait', { resource: 'task', operation: 'wait', taskId: '={{ $json.taskId }}' }),
				],
				{ saveExecutionProgress: true },
			);
			const pollsBefore = polls().length;
			const id = await start(workflowId, 'saved');
			await until(() => polls().length > pollsBefore);
			expect(newTasks(before)).toHaveLength(3);

			await testbed.n8n.kill();
			finishAll(before);
			await testbed.restart();

			await waitUntil(id, 'crashed');
			const retried = await waitForSuccess(await retryExecution(testbed.session, id));
			expectVideos(retried, 'Wait', before);
			expect(testbed.emulator.paidTasks() - before).toBe(3);
		},
		CRASH_TIMEOUT_MS,
	);

	it(
		'polled: n8n is killed while "Generate" waits, and "Get Many" brings the videos back',
		async () => {
			const before = testbed.emulator.paidTasks();
			const startedAt = new Date().toISOString();
			const talk = { operation: 'generate', ...input() };
			const pollsBefore = polls().length;
			const id = await start(await switchOn('lost', [node('Talk', talk)]), 'lost');
			await until(() => newTasks(before).length === 3 && polls().length > pollsBefore);

			await testbed.n8n.kill();
			finishAll(before);
			await testbed.restart();

			await waitUntil(id, 'crashed');
			const list = {
				resource: 'task',
				operation: 'getAll',
				returnAll: true,
				filters: { createdAfter: startedAt },
			};
			const again = await switchOn('found', [{ ...node('Tasks', list), executeOnce: true }]);
			const found = await waitForSuccess(await start(again, 'found'));
			expectVideos(found, 'Tasks', before);
			expect(testbed.emulator.paidTasks() - before).toBe(3);
		},
		CRASH_TIMEOUT_MS,
	);

	/** An old row, so that rows and items are counted differently, three new ones, and one whose audio is missing. */
	async function writeSheet(): Promise<void> {
		const header = 'row,name,image_url,audio_url,prompt,status,video_url,cost_usd,error';
		const media = `${files.url}/portrait.png,${files.url}/speech.mp3`;
		const lines = [1, 2, 3, 4].map(
			(row) => `${row},Name ${row},${media},Hello ${row},${row === 1 ? 'done' : 'new'},,,`,
		);
		lines.push(`5,Name 5,${media.replace('speech', 'missing')},Hello 5,new,,,`);
		await writeFile(join(folder, 'batch.csv'), `${[header, ...lines].join('\n')}\n`);
	}
	const readSheet = async () =>
		(await readFile(join(folder, 'batch.csv'), 'utf8')).trim().split('\n').slice(1);

	/** The video of row 2 has been made, row 3 has failed. */
	function endTwo(before: number): string[] {
		const ids = [2, 3, 4].map((row) => {
			const task = newTasks(before).find((one) => one.input.prompt === `Hello ${row}`);
			return task!.id;
		});
		testbed.emulator.finishTask(ids[0]!);
		testbed.emulator.failTask(ids[1]!, { code: 1200, error: 'flagged as sensitive' });
		return ids;
	}

	it(
		'the durable batch writes the results of each round before it starts the next, and says which row is late',
		async () => {
			const before = testbed.emulator.paidTasks();
			await writeSheet();
			const { id: workflowId } = await switchOnExample('durable-batch', (one) => {
				const options = valueAt(one, 'parameters', 'options');
				if (one.name !== 'Make the videos' || !isRecord(options)) return one;
				// Just more than the shortest wait that is worth parking for.
				const shorter = { ...options, timeoutMinutes: 1.1 };
				return { ...one, parameters: { ...(one.parameters as object), options: shorter } };
			});
			const id = await start(workflowId, 'durable-batch');
			await waitUntil(id, 'waiting');
			const firstRound = newTasks(before).map((task) => task.input.prompt);
			expect(firstRound.sort()).toEqual(['Hello 2', 'Hello 3']);
			testbed.emulator.finishTask(taskOf('Hello 2').id);
			testbed.emulator.failTask(taskOf('Hello 3').id, { code: 1200, error: 'too sensitive' });
			await until(() => newTasks(before).length === 3);
			const [, second, third, fourth] = await readSheet();
			expect(second).toMatch(/^2,Name 2,.*,Hello 2,done,\w+,http.*\.mp4,0\.15,/);
			expect(third).toMatch(/^3,Name 3,.*,Hello 3,failed,.*sensitive/);
			expect(fourth).toMatch(/^4,Name 4,.*,Hello 4,new,/);

			await waitForSuccess(id);
			const sheet = await readSheet();
			expect(sheet).toHaveLength(5);
			expect(sheet[0]).toMatch(/^1,Name 1,.*,Hello 1,done,/);
			expect(sheet[1]).toBe(second);
			expect(sheet[3]).toMatch(/^4,Name 4,.*,Hello 4,late,/);
			expect(sheet[4]).toMatch(/^5,Name 5,.*,Hello 5,failed,.*audio/i);
			for (const row of [2, 3, 4]) expect(sheet[row - 1]).toContain(taskOf(`Hello ${row}`).id);
			expect(testbed.emulator.paidTasks() - before).toBe(3);
		},
		3 * RUN_TIMEOUT_MS,
	);

	onVersionsWithNamedTables(
		'the fan-out writes each result into the row with its task ID',
		async () => {
			const before = testbed.emulator.paidTasks();
			const { http } = testbed.session;
			const project = unwrap(await http.get('/rest/projects/personal'), 'the project');
			const tables = `/rest/projects/${textAt(project, 'id')}/data-tables`;
			const sample = await readFile(join(ROOT, 'examples', 'fan-out.csv'), 'utf8');
			const names = sample.split('\n')[0]!.split(',');
			const columns = names.map((name) => ({ name, type: 'string' }));
			const created = await http.post(tables, { name: 'Talking videos', columns });
			const table = `${tables}/${textAt(unwrap(created, 'creating the table'), 'id')}`;
			const media = {
				image_url: `${files.url}/portrait.png`,
				audio_url: `${files.url}/speech.mp3`,
			};
			const data = [1, 2, 3, 4, 5].map((row) => ({
				...{ name: `Name ${row}`, ...media, prompt: `Hello ${row}` },
				...(row === 5 ? { audio_url: `${files.url}/missing.mp3` } : {}),
				status: row === 1 ? 'done' : 'new',
			}));
			unwrap(await http.post(`${table}/insert`, { data, returnType: 'count' }), 'adding rows');
			const readRows = async () =>
				listAt(unwrap(await http.get(`${table}/rows`), 'reading the rows'), 'data');

			const results = await switchOnExample('fan-out-result');
			const trigger = results.nodes.find(({ type }) => type === `${NODE_TYPE}Trigger`);
			const webhookUrl = `${testbed.n8n.url}/webhook/${textAt(trigger, 'webhookId')}/webhook`;
			const { id: workflowId } = await switchOnExample('fan-out-submit', (one) => {
				const parameters = { ...(one.parameters as JsonRecord) };
				if (one.name !== 'Submit') return one;
				expect(valueAt(parameters, 'options', 'webhookUrl')).toMatch(
					new RegExp(`${new URL(webhookUrl).pathname}$`),
				);
				parameters.options = { ...(parameters.options as object), webhookUrl };
				return { ...one, parameters };
			});
			await waitForSuccess(await start(workflowId, 'fan-out-submit'));
			const submitted = await readRows();
			expect(submitted.map((row) => valueAt(row, 'status'))).toEqual([
				...['done', 'submitted', 'submitted', 'submitted', 'failed'],
			]);
			expect(testbed.emulator.paidTasks() - before).toBe(3);

			const ids = endTwo(before);
			testbed.emulator.finishTask(ids[2]!);
			const statuses = ['done', 'done', 'failed', 'done', 'failed'];
			await until(async () => {
				const found = (await readRows()).map((row) => valueAt(row, 'status'));
				return found.join() === statuses.join();
			});
			const rows = await readRows();
			expect(rows.slice(1, 4).map((row) => valueAt(row, 'task_id'))).toEqual(ids);
			const video = expect.stringMatching(/^http.*\.mp4/);
			expect(rows[1]).toMatchObject({ prompt: 'Hello 2', video_url: video });
			expect(rows[2]).toMatchObject({
				prompt: 'Hello 3',
				error: expect.stringContaining('sensitive'),
			});
			expect(rows[3]).toMatchObject({ prompt: 'Hello 4', video_url: video });
			expect(rows[4]).toMatchObject({ prompt: 'Hello 5', error: expect.stringMatching(/audio/i) });
		},
		2 * RUN_TIMEOUT_MS,
	);
});
