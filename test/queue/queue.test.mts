import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

import {
	getExecution,
	outputItems,
	retryExecution,
	stopExecution,
	waitForExecution,
} from '../../scripts/n8n/n8nExecutions.mts';
import { listAt, textAt, valueAt } from '../../scripts/n8n/shape.mts';
import { until } from '../e2e/chainedWorkflow.mts';
import { RUN_TIMEOUT_MS, START_TIMEOUT_MS } from '../e2e/testbed.mts';
import { type QueueTestbed, startQueue } from './queueTestbed.mts';
import {
	AUDIO_FILE,
	IMAGE_FILE,
	type LiveWorkflow,
	rows,
	send,
	switchOn,
	talk,
	waitForStatus,
} from './workflows.mts';

/** Tasks with this in their prompt end when the test says so; the others take as long as here. */
const HELD = 'held';
const TASK_SECONDS = 3;

/** n8n ends itself if Redis is away for ten seconds. */
const REDIS_AWAY_MS = 1_500;
const REDIS_MISSED_MS = 300_000;

const options = { pollIntervalSeconds: 1 };
const parkable = { waitMode: 'parked', options: { ...options, timeoutMinutes: 10 } };

const ENDED = ['success', 'error', 'crashed', 'canceled'];

describe('n8n in queue mode, with two workers', () => {
	let testbed: QueueTestbed;
	let paidBefore: number;

	beforeAll(async () => {
		testbed = await startQueue({
			workers: 2,
			concurrency: 20,
			emulator: {
				video: 'placeholder',
				taskSeconds: ({ prompt }) => (prompt?.includes(HELD) ? 36_000 : TASK_SECONDS),
				webhookRetryDelaysSeconds: [5, 10, 20],
			},
		});
	}, START_TIMEOUT_MS);
	beforeEach(() => {
		paidBefore = testbed.emulator.paidTasks();
	});
	afterAll(async () => await testbed?.close(), 60_000);

	/** What the test started; the emulator and n8n serve the whole file. */
	const newTasks = () => testbed.emulator.tasks().slice(paidBefore);
	const finishTasks = (text = '') => {
		for (const { id, status, input } of newTasks()) {
			if (status !== 'completed' && input.prompt?.includes(text)) testbed.emulator.finishTask(id);
		}
	};
	const pollsOf = (taskId: string) =>
		testbed.emulator.requests().filter(({ path }) => path.includes(taskId)).length;
	const startedBy = async () =>
		await Promise.all(testbed.workers.map(async (worker) => await worker.readStarted()));

	/** The json of all items that the executions have made; each has to have ended well. */
	async function readItems(ids: string[], node: string): Promise<unknown[]> {
		const executions = await Promise.all(ids.map((id) => getExecution(testbed.session, id)));
		expect(executions.filter(({ status }) => status !== 'success')).toEqual([]);
		return executions.flatMap((execution) => outputItems(execution, node).map(({ json }) => json));
	}

	/** One item with its video for each paid task, and the other way round. */
	function expectVideos(items: unknown[], tasks = newTasks()): void {
		const byId = (one: { taskId: unknown }, other: { taskId: unknown }) =>
			String(one.taskId).localeCompare(String(other.taskId));
		const found = items.map((item) => ({
			taskId: valueAt(item, 'taskId'),
			prompt: valueAt(item, 'prompt'),
			videoUrl: valueAt(item, 'videoUrl'),
		}));
		const made = tasks.map(({ id, input, outputs }) => ({
			...{ taskId: id, prompt: input.prompt, videoUrl: outputs[0] },
		}));
		for (const { videoUrl } of made) expect(videoUrl).toMatch(/^http.*\.mp4/);
		expect(found.sort(byId)).toEqual(made.sort(byId));
	}

	it(
		'makes 60 videos from files in the database, half of them parked, on both workers',
		async () => {
			const polling = await switchOn(testbed, 'polling', [talk({ options })]);
			const parked = await switchOn(testbed, 'half-parked', [talk(parkable)]);
			const thirty = (text: string) => Array.from({ length: 30 }, (_, index) => `${text} ${index}`);
			await send(testbed, polling, thirty('polled'));
			await send(testbed, parked, thirty(HELD));
			await waitForStatus(testbed, parked, ['waiting'], 30);
			finishTasks(HELD);
			const polled = await waitForStatus(testbed, polling, ENDED, 30);
			const calledBack = await waitForStatus(testbed, parked, ENDED, 30);
			const ids = [...polled, ...calledBack];

			expectVideos(await readItems(ids, 'Talk'));
			expect(newTasks()).toHaveLength(60);

			for (const started of await startedBy()) {
				expect(started.some((id) => ids.includes(id))).toBe(true);
			}
			const [first] = outputItems(await getExecution(testbed.session, ids[0]!), 'Start');
			expect(valueAt(first, 'binary', 'image', 'id')).toMatch(/^database:/);
			const sha256 = async (file: string) =>
				createHash('sha256')
					.update(await readFile(file))
					.digest('hex');
			const sent = [await sha256(IMAGE_FILE), await sha256(AUDIO_FILE)];
			const uploads = testbed.emulator.uploads().map((upload) => upload.sha256);
			// Once for each worker.
			expect(uploads.length).toBeLessThanOrEqual(4);
			expect(new Set(uploads)).toEqual(new Set(sent));
		},
		2 * RUN_TIMEOUT_MS,
	);

	it(
		'loses nothing when Redis is restarted: running, parked and new executions all end with a video',
		async () => {
			const prompts = [1, 2, 3, 4].map((one) => `${HELD} ${one}`);
			const polling = await switchOn(testbed, 'running', [talk({ options })]);
			const parked = await switchOn(testbed, 'parked', [talk(parkable)]);
			await send(testbed, polling, prompts);
			await send(testbed, parked, prompts);
			await waitForStatus(testbed, parked, ['waiting'], 4);
			await until(() => newTasks().length === 8);

			await testbed.redis.restart(async () => {
				// Its callback comes while n8n can't queue anything.
				const called = newTasks().find(({ webhookUrl }) => webhookUrl !== undefined);
				testbed.emulator.finishTask(called!.id);
				await sleep(REDIS_AWAY_MS);
			});
			await send(testbed, polling, ['new 1', 'new 2']);
			finishTasks();

			const polled = await waitForStatus(testbed, polling, ENDED, 6);
			// Should a wake have been missed, n8n looks for what waits once a minute.
			const called = await waitForStatus(testbed, parked, ENDED, 4, REDIS_MISSED_MS);
			expectVideos(await readItems([...polled, ...called], 'Talk'));
			expect(newTasks()).toHaveLength(10);
		},
		2 * RUN_TIMEOUT_MS + REDIS_MISSED_MS,
	);

	it(
		'stops an execution on its worker: nothing is asked or submitted afterwards, and the log names what was paid',
		async () => {
			const nodes = [...rows(3), talk({ options: { ...options, maxTasksInFlight: 2 } })];
			const stopped = await switchOn(testbed, 'stopped', nodes);
			await send(testbed, stopped, [`${HELD} stopped`]);
			const [id] = await waitForStatus(testbed, stopped, ['running'], 1);
			await until(
				() => newTasks().length === 2 && newTasks().every((task) => pollsOf(task.id) > 0),
			);

			await stopExecution(testbed.session, id!);
			const worker = (await startedBy()).findIndex((started) => started.includes(id!));
			await until(async () => {
				const log = await readFile(testbed.workers[worker]!.logFile, 'utf8');
				return newTasks().every((task) => new RegExp(`stopped\\..*${task.id}`).test(log));
			});
			const count = testbed.emulator.requests().length;
			finishTasks();
			await sleep(4_000);
			expect(testbed.emulator.requests().length).toBe(count);
			expect(newTasks()).toHaveLength(2);
			expect((await getExecution(testbed.session, id!)).status).toBe('canceled');
		},
		RUN_TIMEOUT_MS,
	);

	/** Starts executions until each worker has one that runs. Returns what the first worker and the others have. */
	async function startOnBoth(
		workflow: LiveWorkflow,
		hasBegun: (executions: number) => boolean,
	): Promise<{ lost: string[]; kept: string[] }> {
		for (let count = 1; ; count += 1) {
			await send(testbed, workflow, [`${HELD} ${workflow.path} ${count}`]);
			const ids = await waitForStatus(testbed, workflow, ['running'], count);
			await until(() => hasBegun(count));
			const [first] = await startedBy();
			const lost = ids.filter((id) => first!.includes(id));
			const kept = ids.filter((id) => !first!.includes(id));
			if (lost.length > 0 && kept.length > 0) return { lost, kept };
		}
	}

	it(
		'brings every paid task of a killed worker back, by its child or by "Get Many", and pays for none again',
		async () => {
			const startedAt = new Date().toISOString();
			const tasksOf = ({ path }: LiveWorkflow) =>
				newTasks().filter(({ input }) => input.prompt?.includes(` ${path} `));
			const parked = await switchOn(testbed, 'long-parked', [talk(parkable)]);
			await send(testbed, parked, [`${HELD} 1`, `${HELD} 2`]);
			await waitForStatus(testbed, parked, ['waiting'], 2);

			const unsaved = await switchOn(testbed, 'unsaved', [talk({ options })]);
			const saved = await switchOn(
				testbed,
				'saved',
				[
					talk({ resource: 'task', operation: 'submit' }, 'Submit'),
					talk({ resource: 'task', operation: 'wait', options }, 'Talk'),
				],
				{ saveExecutionProgress: true },
			);
			// The third row waits for a place, and so the execution can't be parked yet.
			const limited = { ...parkable, options: { ...parkable.options, maxTasksInFlight: 2 } };
			const unparked = await switchOn(testbed, 'unparked', [...rows(3), talk(limited)]);
			const begun = (workflow: LiveWorkflow, tasks: number) => (executions: number) => {
				const found = tasksOf(workflow);
				return found.length === tasks * executions && found.every(({ id }) => pollsOf(id) > 0);
			};
			const mix = {
				unsaved: await startOnBoth(unsaved, begun(unsaved, 1)),
				saved: await startOnBoth(saved, begun(saved, 1)),
				unparked: await startOnBoth(unparked, begun(unparked, 2)),
			};
			const lost = [...mix.unsaved.lost, ...mix.saved.lost, ...mix.unparked.lost];
			const paidForLost =
				mix.unsaved.lost.length + mix.saved.lost.length + 2 * mix.unparked.lost.length;

			await testbed.workers[0]!.kill();

			const ended = await Promise.all(
				lost.map((id) => waitForExecution(testbed.session, id, { timeoutMs: RUN_TIMEOUT_MS })),
			);
			for (const { status, data } of ended) {
				expect(status).toBe('error');
				expect(textAt(data, 'resultData', 'error', 'message')).toMatch(/too many times/);
				// "Save execution progress" doesn't help: n8n overwrites what was saved.
				expect(valueAt(data, 'resultData', 'runData')).toEqual({});
				expect(listAt(data, 'executionData', 'nodeExecutionStack')).toEqual([]);
			}
			const paid = testbed.emulator.paidTasks();
			for (const id of lost) {
				const retryId = await retryExecution(testbed.session, id);
				const retried = await waitForExecution(testbed.session, retryId, {
					timeoutMs: RUN_TIMEOUT_MS,
				});
				expect(retried.status).toBe('error');
				expect(outputItems(retried, 'Talk')).toEqual([]);
			}
			expect(testbed.emulator.paidTasks()).toBe(paid);

			const kept = [...mix.unsaved.kept, ...mix.saved.kept, ...mix.unparked.kept];
			await until(async () => {
				// Again and again: the last rows are submitted only when others have ended.
				finishTasks();
				const found = await Promise.all(kept.map((id) => getExecution(testbed.session, id)));
				return found.every(({ status }) => ENDED.includes(status));
			});
			kept.push(...(await waitForStatus(testbed, parked, ENDED, 2)));
			const items = await readItems(kept, 'Talk');
			const isInItem = (taskId: unknown) =>
				items.some((item) => valueAt(item, 'taskId') === taskId);
			const expected =
				2 + mix.unsaved.kept.length + mix.saved.kept.length + 3 * mix.unparked.kept.length;
			expect(new Set(items.map((item) => valueAt(item, 'taskId'))).size).toBe(expected);
			for (const item of items) expect(valueAt(item, 'videoUrl')).toMatch(/^http.*\.mp4/);

			const list = {
				resource: 'task',
				operation: 'getAll',
				returnAll: true,
				filters: { createdAfter: startedAt },
			};
			const many = await switchOn(testbed, 'many', [talk(list)]);
			await send(testbed, many, ['list']);
			const listed = await readItems(await waitForStatus(testbed, many, ENDED, 1), 'Talk');
			const orphans = newTasks().filter(({ id }) => !isInItem(id));
			expect(orphans).toHaveLength(paidForLost);
			for (const { id, outputs } of orphans) {
				expect(listed).toContainEqual(
					expect.objectContaining({ taskId: id, videoUrl: outputs[0], status: 'completed' }),
				);
			}
			expect(newTasks()).toHaveLength(expected + paidForLost);
		},
		3 * RUN_TIMEOUT_MS,
	);
});
