import { readFileSync } from 'node:fs';
import { outputItems, retryExecution, stopExecution } from '../../scripts/n8n/n8nExecutions.mts';
import { valueAt } from '../../scripts/n8n/shape.mts';
import { LONG_TIMEOUT_MS, useLongTasks } from './longTasks.mts';

const {
	testbed,
	newTasks,
	finishAll,
	talk,
	switchOn,
	start,
	waitUntil,
	waitForSuccess,
	statusOf,
	childOf,
	node,
	input,
	expectVideos,
} = useLongTasks();

describe('parked in a real n8n', () => {
	it(
		'parked: a run that is stopped stays so, and its child ends by itself and submits nothing',
		async () => {
			const before = testbed().emulator.paidTasks();
			const workflowId = await switchOn('given up', [talk('Talk')]);
			const id = await start(workflowId, 'given up');
			await waitUntil(id, 'waiting');
			const child = await childOf(workflowId, id);
			await stopExecution(testbed().session, id);
			finishAll(before);
			await waitUntil(child, 'success');
			expect(await statusOf(id)).toBe('canceled');
			expect(testbed().emulator.paidTasks() - before).toBe(3);
		},
		LONG_TIMEOUT_MS,
	);

	it(
		'parked: "Wait for Task" that failed before it was parked parks after Retry, for the same tasks',
		async () => {
			const before = testbed().emulator.paidTasks();
			testbed().emulator.addFault({ step: 'result', kind: 'status', status: 404, times: Infinity });
			const wait = {
				...{ resource: 'task', operation: 'wait', taskId: '={{ $json.taskId }}' },
				...{ waitMode: 'parked', options: { timeoutMinutes: 10 } },
			};
			const workflowId = await switchOn('retried', [
				node('Submit', { resource: 'task', operation: 'submit', ...input() }),
				node('Wait', wait),
			]);
			const failed = await start(workflowId, 'retried');
			await waitUntil(failed, 'error');
			testbed().emulator.clearFaults();
			const id = await retryExecution(testbed().session, failed);
			await waitUntil(id, 'waiting');
			finishAll(before);
			expectVideos(await waitForSuccess(id), 'Wait', before);
			expect(testbed().emulator.paidTasks() - before).toBe(3);
		},
		LONG_TIMEOUT_MS,
	);

	const memoryOf = (pid: number): number => {
		const [, kilobytes] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
		return Number(kilobytes) / 1024;
	};

	(process.platform === 'linux' ? it : it.skip)(
		'parked: 200 rows whose callbacks come within three seconds give all results, and n8n stays small',
		async () => {
			const before = testbed().emulator.paidTasks();
			const rows = Array.from({ length: 200 }, (_, row) => ({ prompt: `many ${row}` }));
			const workflowId = await switchOn('many', [talk('Talk')], {}, rows);
			const id = await start(workflowId, 'many');
			await waitUntil(id, 'waiting');
			const memoryBefore = memoryOf(testbed().n8n.pid);
			let peak = 0;
			const watching = setInterval(() => (peak = Math.max(peak, memoryOf(testbed().n8n.pid))), 100);
			for (const task of newTasks(before)) {
				testbed().emulator.finishTask(task.id);
				await new Promise((resolve) => setTimeout(resolve, 14));
			}
			const ended = await waitForSuccess(id);
			clearInterval(watching);
			expect(outputItems(ended, 'Talk').map(({ json }) => valueAt(json, 'prompt'))).toEqual(
				rows.map(({ prompt }) => prompt),
			);
			expect(peak - memoryBefore).toBeLessThan(400);
			expect(testbed().emulator.paidTasks() - before).toBe(200);
		},
		LONG_TIMEOUT_MS,
	);
});
