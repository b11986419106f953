import { MODEL_ID } from '../../../wavespeed/endpoints';
import type { FailureFacts } from '../../../wavespeed/failures';
import { DOWNLOAD_LATER, join, type Messages } from './message';

/** Tasks that were accepted, and what became of them. */
export const TASK_MESSAGES: Messages<
	| 'taskOutOfSight'
	| 'taskNotRead'
	| 'waitTimedOut'
	| 'taskOfOtherModel'
	| 'tasksUnreadable'
	| 'taskStillRuns'
	| 'taskWithoutVideo'
	| 'taskFailed'
	| 'downloadFailed'
	| 'downloadOutOfTime'
> = {
	taskOutOfSight({ cause }, describe) {
		const { message, advice } = describe(cause);
		// Whether there is such a task is just what isn't known after "not found".
		return cause.httpStatus === 404
			? { message, advice: join(advice, 'A task that WaveSpeed has accepted is paid for.') }
			: {
					message,
					advice: join(
						'The task goes on at WaveSpeed and is paid for.',
						advice,
						'Then fetch its video with "Wait" or "Get" and this ID.',
					),
				};
	},
	taskNotRead({ cause }, describe) {
		const { message, advice } = describe(cause);
		return {
			message,
			advice: join(
				advice,
				'Looking costs nothing. A task that WaveSpeed has accepted goes on and is paid for, so look again before you submit another.',
			),
		};
	},
	waitTimedOut: ({ status, waitedMs, videoUrl }) => ({
		message: `The task has not ended after ${describeDuration(waitedMs)} (last status: ${status})`,
		advice:
			videoUrl === undefined
				? 'The task goes on at WaveSpeed and is paid for. Fetch its video later with "Wait" or "Get" and this ID, or raise "Timeout (Minutes)".'
				: `This node does not know the status, but the task names a video, which is paid for: ${videoUrl}. Look whether it is complete, and for a newer version of this node.`,
	}),
	taskOfOtherModel: ({ model }) => ({
		message: `The task with this ID is of another model (${model}), and this node only handles those of ${MODEL_ID}`,
		advice:
			'Check where the ID comes from. The task was left as it is; to fetch it, use the node that made it.',
	}),
	tasksUnreadable: ({ forMs, said }) => ({
		message: `The tasks that were submitted before could not be read at WaveSpeed for ${describeDuration(forMs)} (${said}), so no new one was submitted`,
		advice:
			'It would be paid for, and its video could not be fetched. Run the row again later, or use "Submit", which waits for nothing.',
	}),
	taskStillRuns: ({ status }) => ({
		message: `The task has not ended yet (status: ${status}), so it was not deleted`,
		advice:
			'Its video would be paid for and lost. Wait for its end with the operation "Wait", and delete it then.',
	}),
	taskWithoutVideo: () => ({
		message: 'No video: WaveSpeed says that the task is completed, and names none',
		advice: 'Look at the task at WaveSpeed, and ask its support.',
	}),
	taskFailed: (facts) => ({
		message: `No video: ${facts.failureReason} (status "${facts.status}"${facts.errorCode === null ? '' : `, code ${facts.errorCode}`})`,
		advice: adviceByOrigin(facts),
	}),
	downloadFailed: ({ url, said, isParked, isStorageSilent }) => ({
		message: `The video could not be downloaded: ${said}. It is at ${url}`,
		advice: join(
			isStorageSilent && 'Look whether the place is reached where n8n keeps its files.',
			DOWNLOAD_LATER,
			!isParked && 'A retry of this node downloads again and does not pay again.',
			'WaveSpeed keeps it for 7 days.',
		),
	}),
	downloadOutOfTime: () => ({
		message: 'The video could not be downloaded within the time limit of the wait',
		advice: join(DOWNLOAD_LATER, 'WaveSpeed keeps it for 7 days.'),
	}),
};

function describeDuration(ms: number): string {
	const seconds = Math.round(ms / 1000);
	if (seconds < 120) return `${seconds} seconds`;
	return `${Math.round(seconds / 60)} minutes`;
}

type FailedTask = FailureFacts['taskFailed'];

const MODERATION =
	'The content moderation refused it: change the picture, the voice or the prompt.';
const REFUND = 'WaveSpeed refunds failed tasks within some hours.';
const UNCLEAR_REFUND = 'Whether WaveSpeed refunds refused content is not documented.';

function adviceByOrigin(task: FailedTask): string {
	switch (task.origin) {
		case 'given':
			return adviceForGivenTask(task);
		case 'thisAttempt':
			return adviceForFailedTask(task);
		case 'parked':
			return adviceForParkedTask(task);
		case 'earlierAttempt':
			return join(
				'This is the result of the earlier attempt; nothing was sent now.',
				adviceForFailedTask(task),
				'To make a new video, change an input such as the seed, or start the workflow anew instead of retrying.',
			);
	}
}

const NOT_LOADED =
	'WaveSpeed could not load the picture or the sound: check the web address, or choose "Binary File" so that the file is uploaded.';
const CHANGE_INPUTS = 'The same inputs would fail again: change them.';

const isCancelled = ({ status }: FailedTask): boolean => /^cancell?ed$/i.test(status);
const isDeleted = ({ status }: FailedTask): boolean => status.toLowerCase() === 'deleted';

function adviceForGivenTask(task: FailedTask): string {
	const again =
		'A retry looks at the same task again. To make a new video, submit it anew; with "Generate", empty "Existing Task ID" for this item.';
	if (isDeleted(task)) return `Its video is gone. ${again}`;
	if (task.errorCode === 1200) return join(UNCLEAR_REFUND, MODERATION, again);
	return `${REFUND} ${again}`;
}

function adviceForParkedTask(task: FailedTask): string {
	const again =
		'The run was parked, so nothing submits it again by itself, and no Retry On Fail does. A new execution with this row submits a new task, which is paid for.';
	if (isDeleted(task)) return join('Its video is gone.', again);
	if (task.errorCode === 1200) return join(UNCLEAR_REFUND, MODERATION, again);
	if (task.errorCode === 1402) return join(REFUND, NOT_LOADED, again);
	return join(REFUND, task.isPermanent && !isCancelled(task) && CHANGE_INPUTS, again);
}

function adviceForFailedTask(task: FailedTask): string {
	if (task.errorCode === 1200) {
		return join(UNCLEAR_REFUND, MODERATION, 'The same inputs are not submitted again by a retry.');
	}
	if (task.errorCode === 1402) {
		return `${REFUND} ${NOT_LOADED} A retry does not submit the same again; a new execution does.`;
	}
	if (isDeleted(task)) {
		return 'Its video is gone. To make another one, change the seed or run the workflow anew, which is paid for; a retry does not submit it again.';
	}
	if (isCancelled(task)) {
		return 'A retry does not submit it again. A new execution does, which is paid for.';
	}
	if (task.isPermanent) {
		return `${REFUND} The same inputs would fail again, so a retry does not submit them: change them.`;
	}
	return `${REFUND} A retry submits a new task, which is paid for.`;
}
