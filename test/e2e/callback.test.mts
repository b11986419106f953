import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import axios from 'axios';

import { NODE_TYPE, prepareExample } from '../../scripts/n8n/examples.mts';
import {
	describeFailure,
	type Execution,
	listExecutions,
	outputItems,
	retryExecution,
	waitForExecution,
} from '../../scripts/n8n/n8nExecutions.mts';
import { activateWorkflow, saveWorkflow } from '../../scripts/n8n/n8nWorkflows.mts';
import { valueAt } from '../../scripts/n8n/shape.mts';
import { type FileServer, serveFolder } from './fileServer.mts';
import { MEDIA, RUN_TIMEOUT_MS, START_TIMEOUT_MS, startTestbed, type Testbed } from './testbed.mts';

/** Twenty minutes at the emulator's speed: these tasks end when the test says so. */
const LONG_SECONDS = 60_000;

/** At the emulator's speed 1, 20 and 60 s: n8n is down for the first, and back for one of the others. */
const RETRY_DELAYS_SECONDS = [50, 1_000, 3_000];

const CRASH_TIMEOUT_MS = 3 * RUN_TIMEOUT_MS;

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

	const node = (name: string, parameters: object): object => ({
		...{ name, type: NODE_TYPE, typeVersion: 1, parameters },
	});
	const input = () => ({
		...{ imageSource: 'url', imageUrl: `${files.url}/portrait.png` },
		...{ audioSource: 'url', audioUrl: `${files.url}/speech.mp3` },
		prompt: '={{ $json.prompt }}',
	});

	/** Webhook → three rows → the given nodes, switched on: some of it is different in a manual execution. */
	async function switchOn(name: string, nodes: object[], settings: object = {}): Promise<string> {
		const rows = [1, 2, 3].map((row) => ({ prompt: `${name} ${row}` }));
		const all = [
			{
				name: 'Start',
				type: 'n8n-nodes-base.webhook',
				typeVersion: 2,
				webhookId: name,
				parameters: { path: name, httpMethod: 'POST', responseMode: 'onReceived', options: {} },
			},
			{
				name: 'Rows',
				type: 'n8n-nodes-base.set',
				typeVersion: 3.4,
				parameters: { mode: 'raw', jsonOutput: JSON.stringify({ rows }), options: {} },
			},
			{
				name: 'Split',
				type: 'n8n-nodes-base.splitOut',
				typeVersion: 1,
				parameters: { fieldToSplitOut: 'rows', options: {} },
			},
			...(nodes as Array<{ name: string }>),
		].map((one, index) => ({ id: `node-${index}`, position: [index * 220, 0], ...one }));
		const connections = Object.fromEntries(
			all.slice(1).map(({ name: to }, index) => {
				const from = all[index]!.name;
				return [from, { main: [[{ node: to, type: 'main', index: 0 }]] }];
			}),
		);
		const example = {
			key: name,
			workflow: { name, nodes: all, connections, settings: { executionOrder: 'v1', ...settings } },
		};
		const workflow = prepareExample(example, await testbed.saveCredential(), folder);
		const id = await saveWorkflow(testbed.session, workflow);
		await activateWorkflow(testbed.session, id);
		return id;
	}

	/** Returns the execution's id. */
	async function start(workflowId: string, path: string): Promise<string> {
		const url = `${testbed.n8n.url}/webhook/${path}`;
		expect((await axios.post(url, {}, { proxy: false })).status).toBe(200);
		await until(async () => (await listExecutions(testbed.session, workflowId)).length > 0);
		return (await listExecutions(testbed.session, workflowId))[0]!;
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

	it(
		'parked: n8n is killed, the tasks end while it is down, and the callbacks that come again bring the videos',
		async () => {
			const before = testbed.emulator.paidTasks();
			const options = { timeoutMinutes: 10 };
			const talk = { operation: 'generate', ...input(), waitMode: 'callback', options };
			const workflowId = await switchOn('parked', [node('Talk', talk)]);
			const id = await start(workflowId, 'parked');
			await waitUntil(id, 'waiting');
			expect(newTasks(before)).toHaveLength(3);
			const pollsBefore = polls().length;

			await testbed.n8n.kill();
			finishAll(before);
			await until(() => testbed.emulator.webhookDeliveries().length >= 3);
			expect(testbed.emulator.webhookDeliveries().every(({ status }) => status === 0)).toBe(true);
			await testbed.restart();

			expectVideos(await waitForSuccess(id), 'Talk', before);
			expect(testbed.emulator.paidTasks() - before).toBe(3);
			const heard = testbed.emulator.webhookDeliveries().filter(({ status }) => status === 200);
			expect(heard.length).toBeGreaterThan(0);
			const firstAt = Math.min(...heard.map(({ at }) => at));
			const early = polls()
				.slice(pollsBefore)
				.filter(({ at }) => at < firstAt);
			expect(early).toEqual([]);
		},
		CRASH_TIMEOUT_MS,
	);

	it(
		'polled: n8n is killed while "Wait for Task" waits, and Retry of the crashed execution goes on there',
		async () => {
			const before = testbed.emulator.paidTasks();
			const workflowId = await switchOn(
				'saved',
				[
					node('Submit', { operation: 'submit', ...input() }),
					node('Wait', { operation: 'wait', taskId: '={{ $json.taskId }}' }),
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
		'polled: n8n is killed while "Generate Video" waits, and "Get Many Tasks" brings the videos back',
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
			const list = { operation: 'getAll', returnAll: true, filters: { createdAfter: startedAt } };
			const again = await switchOn('found', [{ ...node('Tasks', list), executeOnce: true }]);
			const found = await waitForSuccess(await start(again, 'found'));
			expectVideos(found, 'Tasks', before);
			expect(testbed.emulator.paidTasks() - before).toBe(3);
		},
		CRASH_TIMEOUT_MS,
	);
});

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
	const deadline = Date.now() + RUN_TIMEOUT_MS;
	while (!(await condition())) {
		if (Date.now() > deadline) throw new Error('What the test waits for did not happen.');
		await new Promise((resolve) => setTimeout(resolve, 100));
	}
}
