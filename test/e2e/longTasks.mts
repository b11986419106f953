import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
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
	waitForExecution,
} from '../../scripts/n8n/n8nExecutions.mts';
import { ensureN8n } from '../../scripts/n8n/n8nInstall.mts';
import { activateWorkflow, saveWorkflow, type Workflow } from '../../scripts/n8n/n8nWorkflows.mts';
import { type JsonRecord, valueAt } from '../../scripts/n8n/shape.mts';
import { chain, type NamedNode, splitIntoRows, until, webhookAt } from './chainedWorkflow.mts';
import type { EmulatorTask, RecordedRequest } from '../emulator/types.mts';
import { type FileServer, serveFolder } from './fileServer.mts';
import {
	MEDIA,
	ROOT,
	RUN_TIMEOUT_MS,
	START_TIMEOUT_MS,
	startTestbed,
	type Testbed,
} from './testbed.mts';

/** Tasks that end when the test says so, in a real n8n that may be killed meanwhile. */

/** Twenty minutes at the emulator's speed. */
const LONG_SECONDS = 60_000;

/** At the emulator's speed 1, 20 and 60 s: n8n is down for the first, and back for one of the others. */
const RETRY_DELAYS_SECONDS = [50, 1_000, 3_000];

/** With a restart of n8n, or a wait that n8n's own timer ends. */
export const LONG_TIMEOUT_MS = 3 * RUN_TIMEOUT_MS;

/** What the tests of one file share: the testbed, and what they do with it. */
export interface LongTasks {
	testbed(): Testbed;
	files(): FileServer;
	/** A folder that workflows may read and write. */
	folder(): string;
	/** What the test started; the emulator serves the whole file. */
	newTasks(before: number): EmulatorTask[];
	polls(): RecordedRequest[];
	finishAll(before: number): void;
	taskOf(prompt: string): EmulatorTask;
	switchCallbacksOff(): void;
	node(name: string, parameters: object): NamedNode;
	/** A picture and a recording that are on the web, and the prompt of the row. */
	input(): object;
	/** The node under test, parked. */
	talk(name: string, parameters?: object, settings?: object): NamedNode;
	/** Webhook → rows (three by default) → the given nodes, switched on: some of it is different in a manual execution. */
	switchOn(name: string, nodes: NamedNode[], settings?: object, rows?: object[]): Promise<string>;
	/** An example, switched on, with a webhook in place of its schedule. */
	switchOnExample(
		key: string,
		change?: (node: JsonRecord) => JsonRecord,
	): Promise<Workflow & { id: string }>;
	/** Returns the execution's id. */
	start(workflowId: string, path: string): Promise<string>;
	waitUntil(id: string, status: string): Promise<Execution>;
	waitForSuccess(id: string): Promise<Execution>;
	statusOf(id: string): Promise<string>;
	/** The execution that waits for a parked one. */
	childOf(workflowId: string, parent: string): Promise<string>;
	/** The three tasks of the test, each with its video. */
	expectVideos(execution: Execution, name: string, before: number): void;
	/** Changes what n8n has stored, while n8n is down. `change` is SQL with a ? for the execution's id. */
	rewrite(execution: string, change: string): Promise<void>;
	/** Lets a parked execution reach its limit, while n8n is down. */
	shortenWait(execution: string): Promise<void>;
}

/** To be called once at the top of a test file. */
export function useLongTasks(): LongTasks {
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
	const childOf = async (workflowId: string, parent: string): Promise<string> => {
		const ids = await listExecutions(testbed.session, workflowId);
		return ids.find((id) => id !== parent) ?? '';
	};
	const statusOf = async (id: string) => (await getExecution(testbed.session, id)).status;

	async function rewrite(execution: string, change: string): Promise<void> {
		const { node: runtime } = await ensureN8n({ say: () => {} });
		const database = join(dirname(testbed.n8n.logFile), '.n8n', 'database.sqlite');
		const script = `const { DatabaseSync } = require('node:sqlite');
			const db = new DatabaseSync(${JSON.stringify(database)});
			const { changes } = db.prepare(${JSON.stringify(change)}).run(${JSON.stringify(execution)});
			if (changes !== 1) throw new Error('no such execution');`;
		await promisify(execFile)(runtime, ['-e', script]);
	}
	const shortenWait = async (execution: string): Promise<void> =>
		await rewrite(
			execution,
			"UPDATE execution_entity SET waitTill = '2020-01-01 00:00:00.000' WHERE id = ?",
		);

	return {
		testbed: () => testbed,
		files: () => files,
		folder: () => folder,
		...{ newTasks, polls, finishAll, taskOf, switchCallbacksOff, node, input, talk },
		...{ switchOn, switchOnExample, start, waitUntil, waitForSuccess, statusOf, childOf },
		...{ expectVideos, rewrite, shortenWait },
	};
}
