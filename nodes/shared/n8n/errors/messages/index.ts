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

/** What to do, what was paid, and what earlier tries have left. */
export function describeWhatToDo(failure: Failure): string {
	const { message, advice } = describe(failure);
	const { paid, history } = failure;
	return join(advice, MONEY[paid], history && describeHistory(history, `${message} ${advice}`));
}

/** A failure in one text, where there is no room for a description below the message. */
export const describeFailure = (failure: Failure): string =>
	`${describe(failure).message}. ${describeWhatToDo(failure)}`;

function describeHistory({ earlierTaskIds, isSubmitOpen }: RowHistory, said: string): string {
	const unnamed = earlierTaskIds.filter((id) => !said.includes(id));
	return join(
		unnamed.length > 0 &&
			`Earlier tries have submitted for this row, and paid for what was made: ${unnamed.join(', ')}.`,
		isSubmitOpen &&
			'A submit of this row had no clear answer: a task may exist and be paid for. A retry looks for it first.',
	);
}
