import type { IDataObject, INodeExecutionData, INodeProperties } from 'n8n-workflow';

import { makeResultItem, originOf, readCost } from '../../shared/n8n/output/resultItem';
import { refuseFailedTask, type ResultSettings } from '../../shared/n8n/output/taskItem';
import type { ParkedTask } from '../../shared/n8n/waiting/state';
import type { Run } from '../../shared/n8n/run/run';
import { limitMoney } from '../../shared/n8n/run/taskFacts';
import { toFailure } from '../../shared/n8n/errors/nodeErrors';
import { FailureError, withDetails } from '../../shared/wavespeed/failures';
import type { RowResult, RunnableOperation } from '../../shared/n8n/run/runNode';
import type { Task } from '../../shared/wavespeed/tasks/task';

/** One entry of the Operation list: its fields and what it does. */
export interface Operation extends RunnableOperation {
	fields: INodeProperties[];
}

/**
 * The workflow names this task. Before any row submits: without an echo, a lost submit of another row would take it for its
 * own.
 */
export const noteGiven = ({ batch, api }: Run, taskId: string): void =>
	batch.account.submissions.noteGiven(taskId, api.clock.now());

/** What else the row asks for, where its task is known: an error in it names the task, which is paid for. */
export function planWithTask<T>(taskId: string, plan: () => T): T {
	try {
		return plan();
	} catch (error) {
		const failure = withDetails(new FailureError(toFailure(error)), { taskId });
		throw limitMoney(failure, 'nothingByThisAttempt');
	}
}

/** The item for a task that was looked at: a failed task is an error unless wanted otherwise, the video may be fetched. */
export async function toResultItem(
	run: Run,
	{ row, task, settings, asked = {}, isResumed }: TaskOfRow,
): Promise<INodeExecutionData> {
	return await makeResultItem(run.download, {
		...{ row, task, settings, asked },
		inputItem: run.items[row],
		origin: originOf(asked, isResumed),
	});
}

interface TaskOfRow {
	row: number;
	task: Task;
	settings: ResultSettings;
	/** What was asked for; a task that another node has submitted tells nothing of it. */
	asked?: IDataObject;
	isResumed?: boolean;
}

/**
 * A row of a run that is to be parked. A task that has failed by now fails its row immediately, as it would in any other run;
 * the video of one that has ended is fetched with the others.
 */
export function toParkedRow(
	run: Run,
	parked: Pick<ParkedTask, 'row' | 'settings' | 'wait' | 'asked'>,
	ended: Task | undefined,
	isResumed = false,
): RowResult {
	const { row, settings, asked } = parked;
	if (ended) refuseFailedTask(ended, settings, originOf(asked, isResumed), readCost(asked));
	const inputFields = settings.includeInputFields ? { ...run.items[row]?.json } : {};
	return { parked: { ...parked, inputFields }, ended };
}
