import type { ParameterReader } from '../../shared/n8n/input/parameters';
import { fail } from '../../shared/wavespeed/failures';
import { readTaskId as parseTaskId } from '../../shared/wavespeed/tasks/task';

/** The task that the row is about. */
export const readTaskId = ({ text }: ParameterReader): string =>
	checkTaskId(text('taskId', 'Task ID'), 'taskId', 'Task ID');

/** A task that was submitted for this row before; undefined: make a new one. */
export function readExistingTaskId({ options }: ParameterReader): string | undefined {
	const given = options.text('existingTaskId', 'Existing Task ID');
	return given === undefined
		? undefined
		: checkTaskId(given, 'options.existingTaskId', 'Existing Task ID');
}

function checkTaskId(text: string, parameter: string, label: string): string {
	const given = text.trim();
	const taskId = parseTaskId(given);
	if (taskId !== undefined) return taskId;
	return fail('invalidInput', 'taskIdWrong', { label, given }, { details: { parameter } });
}
