import type { IBinaryData, IDataObject, INodeExecutionData } from 'n8n-workflow';

import type { FailureDetails } from '../../wavespeed/failures';
import { toDataObject } from '../dataObject';
import type { TaskOrigin } from '../errors/failureFacts';
import { phaseOf, type Task } from '../../wavespeed/tasks/task';
import { refuseFailedTask, type ResultSettings, toDetails, toItem, toTaskFields } from './taskItem';

/** Fetches the video of a task; `details` go into its failure. */
export type Download = (task: Task, details: FailureDetails) => Promise<IBinaryData>;

/** A task that was looked at, and how its item is to look. */
export interface RowOfTask {
	row: number;
	task: Task;
	settings: ResultSettings;
	/** What was asked for, with its price; empty for a task that another node has submitted. */
	asked: IDataObject;
	inputItem: INodeExecutionData | undefined;
	origin: TaskOrigin;
}

/**
 * The one way from a task to its item, whoever has waited for it: a failed task is an error unless wanted otherwise, the
 * video may be fetched.
 */
export async function makeResultItem(
	download: Download,
	{ row, task, settings, asked, inputItem, origin }: RowOfTask,
): Promise<INodeExecutionData> {
	const costUsd = readCost(asked);
	refuseFailedTask(task, settings, origin, costUsd);
	const json = settings.simplify ? { ...toTaskFields(task), ...asked } : toDataObject(task.raw);
	const hasVideo = phaseOf(task) === 'completed' && task.videoUrls.length > 0;
	const item = toItem(row, json, settings.includeInputFields ? (inputItem?.json ?? {}) : undefined);
	if (settings.downloadTo === undefined || !hasVideo) return item;
	const video = await download(task, toDetails(task, costUsd));
	return { ...item, binary: { [settings.downloadTo]: video } };
}

/** Whoever submits a task knows what was asked for. */
export function originOf(asked: IDataObject, isResumed = false): TaskOrigin {
	if (Object.keys(asked).length === 0) return 'given';
	return isResumed ? 'earlierAttempt' : 'thisAttempt';
}

export const readCost = ({ costUsd }: IDataObject): number | undefined =>
	typeof costUsd === 'number' ? costUsd : undefined;
