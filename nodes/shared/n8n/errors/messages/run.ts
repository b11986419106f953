import type { LogEntry } from '../../../batch/context';
import type { Messages } from './message';

/** How a run ended, and what it has left. */
export const RUN_MESSAGES: Messages<
	'stopped' | 'abandoned' | 'parked' | 'badExpression' | 'unexpected'
> = {
	stopped: () => ({
		message: 'The execution was stopped',
		advice:
			'Tasks that WaveSpeed had accepted go on and are paid for: their IDs are in n8n\'s log, and "Get Many" lists them.',
	}),
	abandoned: () => ({ message: 'Another row failed, which ended the run', advice: '' }),
	parked: () => ({ message: 'The execution is parked', advice: '' }),
	badExpression: ({ parameter, said, where, why }) => ({
		message: `The expression in "${parameter}" failed: ${said}${where === undefined ? '' : ` (node "${where}")`}`,
		advice: why,
	}),
	unexpected: ({ text }) => ({ message: text, advice: '' }),
};

export interface TaskOfRow {
	row: number;
	taskId: string;
}

/** How the tasks of the other rows are reached. `retryHere`: another workflow has called this one. */
export type WayOn = 'retry' | 'retryHere' | 'startAgain';

const AFTER_PARKING = (ids: string): string =>
	`n8n can't go on with an execution that failed while it was parked: its Retry only gives this error again, and pays nothing. Start the workflow again with ${ids} as "Existing Task ID" of Generate, which pays nothing for them, or fetch the videos with "Wait", "Get" or "Get Many".`;

const HOW_TO_GO_ON: Record<WayOn, string> = {
	retry:
		'Retry On Fail, or Retry of the execution, goes on with them and does not pay for them again.',
	retryHere: 'Retry On Fail of this node goes on with them and does not pay for them again.',
	startAgain: AFTER_PARKING('these IDs'),
};

/** More IDs than this make a text that nobody reads; all of them are in the log and in Get Many. */
const MOST_IDS_IN_TEXT = 50;

/** What the run's other rows have, so that a failure in stop mode loses none of it. `openRows`: of submits. */
export function describeOtherRows(tasks: TaskOfRow[], way: WayOn, openRows: number[]): string[] {
	const named = tasks
		.slice(0, MOST_IDS_IN_TEXT)
		.map(({ row, taskId }) => `row ${row + 1}: ${taskId}`);
	const rest = tasks.length - named.length;
	const more = rest > 0 ? ` and ${rest} more (see "Get Many")` : '';
	const open = openRows.map((row) => `row ${row + 1}`).join(', ');
	return [
		...(tasks.length > 0
			? [
					`Tasks of the other rows, which are not lost: ${named.join(', ')}${more}. ${HOW_TO_GO_ON[way]}`,
				]
			: way === 'startAgain'
				? [AFTER_PARKING('its ID')]
				: []),
		...(openRows.length > 0
			? [
					`Submits without a clear answer, which may be paid for: ${open}. A retry looks for their tasks first.`,
				]
			: []),
	];
}

/** Retry of the calling workflow is a new execution of this one, which knows nothing of the one before. */
export const CALLED_ANEW =
	'This execution was called by another workflow. That one calls anew when it is retried, and then all rows are paid for again: give it the task IDs as "Existing Task ID" first, or fetch the videos with "Get Many".';

export const NEEDS_SECRET =
	"Without the secret the trigger could not tell WaveSpeed's callbacks from forged ones, so it was not switched on.";

export const SECRET_COMES_LATER =
	"WaveSpeed can't be reached; the first callback asks for the signing secret again";

export const UNREADABLE_WAIT = {
	message: 'The state of this wait can not be read',
	description:
		'The node was changed while it waited. Its tasks are not lost: "Get Many" lists them, and "Get" fetches each video. Nothing was paid for them again.',
};

/** For whoever looks into the execution of a child that has come too late. */
export const TOO_LATE =
	'The workflow has gone on at the time limit of its parked node, before this execution had the results. So they are handed to nobody, and this execution waits for nothing any more: it can be deleted. "Get Many" lists the tasks, and "Get" fetches each video.';

/** A line of n8n's log. */
export function describeLogEntry(entry: LogEntry): string {
	const row = `Row ${entry.row + 1}`;
	switch (entry.event) {
		case 'accepted':
			return `${row}: WaveSpeed accepted task ${entry.taskId}`;
		case 'lost':
			return `${row}: WaveSpeed gave no clear answer to the submit (${entry.said}); a task may exist and be paid for. Looking for it in the task list.`;
		case 'found':
			return `${row}: found task ${entry.taskId} after a submit without a clear answer`;
		case 'left':
			return `${row}: task ${entry.taskId} is of an earlier try, which asked for something else. It is paid for; "Get" fetches its video.`;
	}
}

/** A row of a run that was stopped, for the log: its task, or a submit without a clear answer. */
export interface TaskLeft {
	row: number;
	taskId: string | undefined;
}

export function describeTasksLeft(tasks: TaskLeft[]): string {
	const named = tasks.map(
		({ row, taskId }) => `row ${row + 1}: ${taskId ?? 'a submit without a clear answer'}`,
	);
	return `the execution was stopped. Tasks of its rows, which go on at WaveSpeed: ${named.join(', ')}`;
}
