import { settle } from '../../async/settle';
import type { ApiContext } from '../http/request';
import { getTask } from './getTask';
import type { Task } from './task';
import { toOutOfSight } from './waitFailures';
import {
	checkBudget,
	dueAt,
	noteCheck,
	startWait,
	type TaskWait,
	type WaitOptions,
} from './waitStep';

/**
 * Waits in this process. Resolves with the ended task, also a failed one; the deadline bounds everything, retries and
 * requests in flight included. Throws a FailureError `waitTimedOut` that names task and status.
 */
export const waitForTask = async (
	api: ApiContext,
	taskId: string,
	options: WaitOptions,
): Promise<Task> => await continueWait(api, startWait(taskId, options, api.clock.now()));

/** As `waitForTask`, for a wait that has begun elsewhere. */
export async function continueWait(api: ApiContext, begun: TaskWait): Promise<Task> {
	const { clock } = api;
	for (let wait = begun; ; ) {
		const { taskId, status, deadline } = wait;
		const pauseMs = dueAt(wait) - clock.now();
		if (pauseMs > 0) {
			const slept = await settle(clock.sleep(pauseMs));
			if (!slept.ok) throw toOutOfSight(slept.error, taskId, status);
		}
		const now = clock.now();
		const checked = await settle(getTask(api, taskId, checkBudget(wait, now)));
		// One that was given up before the limit is not the last: it may not even have been sent.
		const isLast = now >= deadline || (!checked.ok && clock.now() >= deadline);
		const step = noteCheck(wait, checked, clock.now(), isLast);
		if (step.kind === 'ended') return step.task;
		if (step.kind === 'lost') throw step.error;
		wait = step.wait;
	}
}
