import type {
	Failure,
	FailureOf,
	FailureReason,
	Paid,
	RowHistory,
} from '../../../wavespeed/failures';
import { FILE_MESSAGES } from './file';
import { INPUT_MESSAGES } from './input';
import { join, type Message, type Messages } from './message';
import { RUN_MESSAGES } from './run';
import { SERVICE_MESSAGES } from './service';
import { SUBMIT_MESSAGES } from './submit';
import { TASK_MESSAGES } from './task';

/** The words for everything that can fail. This folder is the only place with sentences for users. */
export const MESSAGES: Messages<FailureReason> = {
	...INPUT_MESSAGES,
	...FILE_MESSAGES,
	...SERVICE_MESSAGES,
	...SUBMIT_MESSAGES,
	...TASK_MESSAGES,
	...RUN_MESSAGES,
};

/** What happened and what to do, without the sentence about money. */
export const describe = <R extends FailureReason>({ reason, facts }: FailureOf<R>): Message =>
	MESSAGES[reason](facts, describe);

/** The one sentence about money; the words for the reason have it where there is more to say. */
const MONEY: Record<Paid, string> = {
	nothing: 'Nothing was paid.',
	nothingByThisAttempt: 'This attempt paid nothing.',
	nothingForThisRow: 'For this row nothing was paid.',
	told: '',
};

/** What was paid, what earlier tries have left, and what to do. */
export function describeWhatToDo(failure: Failure): string {
	const { message, advice } = describe(failure);
	const { paid, history } = failure;
	return join(MONEY[paid], history && describeHistory(history, `${message} ${advice}`), advice);
}

/** A failure in one text, where there is no room for a description below the message. */
export const describeFailure = (failure: Failure): string =>
	`${describeWhere(failure)}. ${describeWhatToDo(failure)}`;

/** The same where the question is not what this request has cost. */
export const describeWithoutMoney = (failure: Failure): string =>
	`${describeWhere(failure)}. ${describe(failure).advice}`.trim();

/**
 * What happened, and then where. The reason comes first: n8n's notices cut a text off, and 32 digits tell nobody what is
 * wrong. A tool's agent, and who reads the log, see this text and nothing else, so that the task's ID has to be in it.
 * `row`: its index, where there are several.
 */
export function describeWhere(failure: Failure, row?: number): string {
	const { message } = describe(failure);
	const { taskId } = failure.details;
	const isNamed = taskId === undefined || message.includes(taskId);
	const places = [
		...(row === undefined ? [] : [`row ${row + 1}`]),
		...(isNamed ? [] : [`task ${taskId}`]),
	];
	if (places.length === 0) return message;
	const where = places.join(', ');
	return `${message}. ${where.charAt(0).toUpperCase()}${where.slice(1)}`;
}

function describeHistory({ earlierTaskIds, isSubmitOpen }: RowHistory, said: string): string {
	const unnamed = earlierTaskIds.filter((id) => !said.includes(id));
	return join(
		unnamed.length > 0 &&
			`Earlier tries have submitted for this row, and paid for what was made: ${unnamed.join(', ')}.`,
		isSubmitOpen &&
			'A submit of this row had no clear answer: a task may exist and be paid for. A retry looks for it first.',
	);
}
