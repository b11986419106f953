import {
	describeFailure,
	getExecution,
	listExecutionStatuses,
	outputItems,
	waitForExecution,
} from '../../scripts/n8n/n8nExecutions.mts';
import { valueAt } from '../../scripts/n8n/shape.mts';
import { until } from '../e2e/chainedWorkflow.mts';
import { RUN_TIMEOUT_MS, START_TIMEOUT_MS } from '../e2e/testbed.mts';
import { type QueueTestbed, startQueue } from './queueTestbed.mts';
import { type LiveWorkflow, rows, send, switchOn, talk, waitForStatus } from './workflows.mts';

/** No process of this n8n can be called, so that n8n's own timer does everything. */
describe('parked in queue mode, without WEBHOOK_URL', () => {
	let testbed: QueueTestbed;
	let paidBefore: number;

	beforeAll(async () => {
		testbed = await startQueue({
			...{ workers: 2, concurrency: 20, isUnreachable: true },
			emulator: { video: 'placeholder', taskSeconds: 36_000 },
		});
	}, START_TIMEOUT_MS);
	beforeEach(() => {
		paidBefore = testbed.emulator.paidTasks();
	});
	afterAll(async () => await testbed?.close(), 60_000);

	const newTasks = () => testbed.emulator.tasks().slice(paidBefore);
	const finishTasks = () => {
		for (const { id } of newTasks()) testbed.emulator.finishTask(id);
	};
	const parkable = { waitMode: 'parked', options: { timeoutMinutes: 10 } };

	async function parkThree(path: string): Promise<{ workflow: LiveWorkflow; id: string }> {
		const workflow = await switchOn(testbed, path, [...rows(3), talk(parkable)]);
		await send(testbed, workflow, [path]);
		const [id = ''] = await waitForStatus(testbed, workflow, ['waiting'], 1);
		return { workflow, id };
	}

	async function expectVideos(id: string): Promise<void> {
		const execution = await waitForExecution(testbed.session, id, { timeoutMs: RUN_TIMEOUT_MS });
		if (execution.status !== 'success') throw new Error(describeFailure(execution));
		expect(outputItems(execution, 'Talk').map(({ json }) => valueAt(json, 'videoUrl'))).toEqual(
			newTasks()
				.sort((a, b) => String(a.input.prompt).localeCompare(String(b.input.prompt)))
				.map(({ outputs }) => outputs[0]),
		);
		expect(newTasks()).toHaveLength(3);
	}

	it(
		'goes on by itself after main and Redis were restarted',
		async () => {
			const { id } = await parkThree('main');
			await testbed.redis.restart();
			await testbed.restartMain();
			finishTasks();
			await expectVideos(id);
		},
		2 * RUN_TIMEOUT_MS,
	);

	it(
		'ends as an error when a worker is killed in the middle of a check, and no task is lost or paid twice',
		async () => {
			const startedAt = new Date().toISOString();
			const { workflow, id } = await parkThree('check');
			testbed.emulator.addFault({ step: 'result', kind: 'hang', times: Infinity });
			const hanging = () =>
				testbed.emulator.requests().filter(({ status }) => status === 'hang').length;
			await until(() => hanging() > 0);
			const children = await listExecutionStatuses(testbed.session, workflow.id);
			const child = children.find(({ mode }) => mode === 'integrated')?.id ?? '';
			await Promise.all(testbed.workers.map(async (worker) => await worker.kill()));
			testbed.emulator.clearFaults();
			await testbed.startWorker();

			const ended = await waitForExecution(testbed.session, id, { timeoutMs: 2 * RUN_TIMEOUT_MS });
			expect((await getExecution(testbed.session, child)).status).toBe('error');
			expect(ended.status).toBe('error');
			const stored = JSON.stringify(ended.data);
			for (const task of newTasks()) expect(stored).toContain(task.id);

			finishTasks();
			const list = {
				...{ resource: 'task', operation: 'getAll', returnAll: true },
				filters: { createdAfter: startedAt },
			};
			const many = await switchOn(testbed, 'many', [talk(list)]);
			await send(testbed, many, ['list']);
			const [listId = ''] = await waitForStatus(testbed, many, ['success'], 1);
			const listed = outputItems(await getExecution(testbed.session, listId), 'Talk');
			const ids = listed.map(({ json }) => valueAt(json, 'taskId'));
			for (const task of newTasks()) expect(ids).toContain(task.id);
			expect(newTasks()).toHaveLength(3);
		},
		4 * RUN_TIMEOUT_MS,
	);
});
