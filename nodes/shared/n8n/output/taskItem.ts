import type { IBinaryData, IDataObject, INodeExecutionData } from 'n8n-workflow';

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
	inputItem: INodeExecutionData | undefined,
	settings: Pick<OutputSettings, 'includeInputFields'>,
	binary?: Record<string, IBinaryData>,
): INodeExecutionData {
	return {
		json: settings.includeInputFields ? addToRow(inputItem?.json ?? {}, json) : json,
		pairedItem: { item: row },
		...(binary ? { binary } : {}),
	};
}

/** The json of a task, as the user wants it: our fields, or the API's own object. */
export function toTaskJson(
	task: Task,
	settings: Pick<OutputSettings, 'simplify'>,
	submitted?: RowTask['submitted'],
): IDataObject {
	if (!settings.simplify) return task.raw as IDataObject;
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

/** What is known of the way of a task to its row. */
export interface TaskOrigin {
	costUsd?: number;
	/** An earlier attempt has submitted it: nothing was sent now. */
	isResumed?: boolean;
	/** Its ID was given, so this row never submits another one. */
	isGiven?: boolean;
}

/** Throws for a task that ended without a video, unless the user wants such tasks as items. */
export function refuseFailedTask(
	task: Task,
	settings: Pick<OutputSettings, 'failedTasks'>,
	{ costUsd, isResumed = false, isGiven = false }: TaskOrigin = {},
): void {
	const phase = phaseOf(task);
	const isEmpty = phase === 'completed' && task.videoUrls.length === 0;
	if (settings.failedTasks === 'output' || (phase !== 'failed' && !isEmpty)) return;
	const details = toDetails(task, costUsd);
	if (isEmpty) {
		const message = 'No video: WaveSpeed says that the task is completed, and names none';
		fail('taskFailed', message, 'Look at the task at WaveSpeed, and ask its support.', { details });
	}
	const code = task.errorCode === null ? '' : `, code ${task.errorCode}`;
	fail(
		'taskFailed',
		`No video: ${failureReasonOf(task)} (status "${task.status}"${code})`,
		isGiven
			? adviceForGivenTask(task)
			: isResumed
				? `${EARLIER} ${adviceForFailedTask(task)} ${ANEW}`
				: adviceForFailedTask(task),
		{ details },
	);
}

const EARLIER = 'This is the result of the earlier attempt; nothing was sent now.';
const ANEW =
	'To make a new video, change an input such as the seed, or start the workflow anew instead of retrying.';

const REFUND = 'WaveSpeed refunds failed tasks within some hours.';
const UNCLEAR_REFUND = 'Whether WaveSpeed refunds refused content is not documented.';

const AGAIN =
	'A retry looks at the same task again. To make a new video, submit it anew; with "Generate", empty "Existing Task ID" for this item.';

function adviceForGivenTask(task: Task): string {
	if (task.status.toLowerCase() === 'deleted') return `Its video is gone. ${AGAIN}`;
	if (task.errorCode === 1200) {
		return `${UNCLEAR_REFUND} The content moderation refused it: change the picture, the voice or the prompt. ${AGAIN}`;
	}
	return `${REFUND} ${AGAIN}`;
}

function adviceForFailedTask(task: Task): string {
	if (task.errorCode === 1200) {
		return `${UNCLEAR_REFUND} The content moderation refused it: change the picture, the voice or the prompt. The same inputs are not submitted again by a retry.`;
	}
	if (task.errorCode === 1402) {
		return `${REFUND} WaveSpeed could not load the picture or the sound: check the web address, or choose "Binary File" so that the file is uploaded. A retry does not submit the same again; a new execution does.`;
	}
	if (task.status.toLowerCase() === 'deleted') {
		return 'Its video is gone. To make another one, change the seed or run the workflow anew, which is paid for; a retry does not submit it again.';
	}
	if (/^cancell?ed$/i.test(task.status)) {
		return 'A retry does not submit it again. A new execution does, which is paid for.';
	}
	if (isPermanentFailure(task)) {
		return `${REFUND} The same inputs would fail again, so a retry does not submit them: change them.`;
	}
	return `${REFUND} A retry submits a new task, which is paid for.`;
}
