import type { IDataObject, INodeExecutionData } from 'n8n-workflow';

import type { RowTask } from '../../batch/runRow';
import { type FailureDetails, fail } from '../../wavespeed/failures';
import {
	expiresAt,
	failureReasonOf,
	isPermanentFailure,
	phaseOf,
	type Task,
} from '../../wavespeed/tasks/task';
import type { SubmitInput } from '../../wavespeed/tasks/submitTask';
import { toDataObject } from '../dataObject';
import type { TaskOrigin } from '../errors/failureFacts';
import { toEchoedFields } from './echoedInput';
import { addToRow } from './rowFields';

/** How a row's result is to look. */
export interface OutputSettings {
	simplify: boolean;
	includeInputFields: boolean;
	/** `error`: a failed task is an error; `output`: it is an item with its status. */
	failedTasks: 'error' | 'output';
}

export interface ResultSettings extends OutputSettings {
	/** The name of the field for the video file; undefined: don't download. */
	downloadTo: string | undefined;
}

/** The fields of a task, the same for every operation and for the trigger. */
export function toTaskFields(task: Task): IDataObject {
	const phase = phaseOf(task);
	const videoUrls = phase === 'completed' ? task.videoUrls : [];
	return {
		videoUrl: videoUrls[0] ?? null,
		status: task.status,
		taskId: task.id,
		videoUrls,
		// Nothing is claimed of a video that doesn't exist.
		videoExpiresAt: phase === 'completed' ? expiresAt(task) : null,
		hasNsfwContent: phase === 'running' ? null : task.hasNsfwContent,
		createdAt: task.createdAt,
		inferenceTimeMs: task.inferenceTimeMs,
		...toEchoedFields(task.input),
		...(phase === 'failed'
			? { failureReason: failureReasonOf(task), failureCode: task.errorCode }
			: {}),
	};
}

/** What was asked for; only the operations that submit know it. */
export function toInputFields(input: SubmitInput, costUsd: number | undefined): IDataObject {
	return {
		resolution: input.resolution,
		seed: input.seed,
		prompt: input.prompt,
		imageUrl: input.image,
		audioUrl: input.audio,
		...(costUsd === undefined ? {} : { costUsd }),
	};
}

export function toItem(
	row: number,
	json: IDataObject,
	/** The row's own fields, if they are to be kept. */
	inputFields: IDataObject | undefined,
): INodeExecutionData {
	return { json: inputFields ? addToRow(inputFields, json) : json, pairedItem: { item: row } };
}

/** The json of a task, as the user wants it: our fields, or the API's own object. */
export function toTaskJson(
	task: Task,
	settings: Pick<OutputSettings, 'simplify'>,
	submitted?: RowTask['submitted'],
): IDataObject {
	if (!settings.simplify) return toDataObject(task.raw);
	const asked = submitted ? toInputFields(submitted.input, submitted.costUsd) : {};
	return { ...toTaskFields(task), ...asked };
}

/** What an error row tells of a task. */
export function toDetails(task: Task, costUsd?: number): FailureDetails {
	const hasVideo = phaseOf(task) === 'completed' && task.videoUrls.length > 0;
	return {
		taskId: task.id,
		status: task.status,
		...(hasVideo ? { videoUrl: task.videoUrls[0], videoUrls: task.videoUrls } : {}),
		...(phaseOf(task) === 'failed'
			? { failureReason: failureReasonOf(task), failureCode: task.errorCode }
			: {}),
		...(costUsd === undefined ? {} : { costUsd }),
	};
}

/** Throws for a task that ended without a video, unless the user wants such tasks as items. */
export function refuseFailedTask(
	task: Task,
	settings: Pick<OutputSettings, 'failedTasks'>,
	origin: TaskOrigin,
	costUsd?: number,
): void {
	const phase = phaseOf(task);
	const isEmpty = phase === 'completed' && task.videoUrls.length === 0;
	if (settings.failedTasks === 'output' || (phase !== 'failed' && !isEmpty)) return;
	const details = toDetails(task, costUsd);
	const { status, errorCode } = task;
	if (isEmpty) fail('taskFailed', 'taskWithoutVideo', {}, { details });
	const facts = { status, errorCode, failureReason: failureReasonOf(task), origin };
	const isPermanent = isPermanentFailure(task);
	fail('taskFailed', 'taskFailed', { ...facts, isPermanent }, { details });
}
