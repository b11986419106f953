import type { Task } from '../shared/wavespeed/tasks/task';

/**
 * The tasks of parked executions that were seen to end. Each callback brings one; without this, every callback would look
 * again at all those before it. Memory only: after a restart of n8n what is missing is read from the API again.
 */
export interface EndedTasks {
	/** By task ID. */
	of(execution: string): ReadonlyMap<string, Task>;
	note(execution: string, task: Task): void;
	forget(execution: string): void;
}

/** `mostTasks`: executions that nobody resumes must not fill the memory, so the oldest are dropped. */
export function createEndedTasks(mostTasks: number): EndedTasks {
	const executions = new Map<string, Map<string, Task>>();
	let count = 0;

	const forget = (execution: string): void => {
		count -= executions.get(execution)?.size ?? 0;
		executions.delete(execution);
	};
	return {
		of: (execution) => executions.get(execution) ?? new Map<string, Task>(),
		note(execution, task) {
			const tasks = executions.get(execution) ?? new Map<string, Task>();
			executions.set(execution, tasks);
			if (!tasks.has(task.id)) count += 1;
			tasks.set(task.id, task);
			while (count > mostTasks) {
				const oldest = executions.keys().next();
				if (oldest.done) return;
				forget(oldest.value);
			}
		},
		forget,
	};
}
