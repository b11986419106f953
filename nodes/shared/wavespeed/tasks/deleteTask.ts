import { settle } from '../../async/settle';
import { isRecord } from '../../json';
import { PATHS } from '../endpoints';
import { withDetails } from '../failures';
import { type ApiContext, preparationBudget, requestWithRetry } from '../http/request';

/**
 * Deletes the record of a task with its video, for good (docs: Delete Task). It is no cancellation: a task that still
 * runs goes on and is charged. A repeat finds nothing left to delete, which is what was wanted.
 */
export async function deleteTask(api: ApiContext, taskId: string): Promise<void> {
	const parse = (data: unknown): true | undefined =>
		isRecord(data) && typeof data.deleted_count === 'number' ? true : undefined;
	const json = { ids: [taskId] };
	const request = { method: 'POST', target: { path: PATHS.delete }, json } as const;
	const retryBudget = preparationBudget(api.clock);
	const purpose = { action: 'deleteTask' } as const;
	const deleted = await settle(requestWithRetry(api, { purpose, request, parse }, retryBudget));
	if (!deleted.ok) throw withDetails(deleted.error, { taskId });
}
