import { settle } from '../../shared/async/settle';
import { readParameters } from '../../shared/n8n/input/parameters';
import { toDetails, toItem } from '../../shared/n8n/output/taskItem';
import { fail } from '../../shared/wavespeed/failures';
import { preparationBudget } from '../../shared/wavespeed/http/request';
import { deleteTask as sendDelete } from '../../shared/wavespeed/tasks/deleteTask';
import { getTask } from '../../shared/wavespeed/tasks/getTask';
import { findOtherModel } from '../../shared/wavespeed/tasks/otherModel';
import { phaseOf } from '../../shared/wavespeed/tasks/task';
import { toNotRead } from '../../shared/wavespeed/tasks/waitFailures';
import { showFor } from '../fields/showFor';
import { taskIdField } from '../fields/task.fields';
import { readTaskId } from '../parameters/taskId';
import type { Operation } from './operation';

/** Removes what the service keeps of a task: faces and voices are personal data. */
export const deleteTask: Operation = {
	fields: showFor(['delete'], [taskIdField]),
	holdsPlaces: false,

	async plan(run, row) {
		const parameters = readParameters(run.ctx, row);
		const taskId = readTaskId(parameters);
		const includeInputFields = parameters.options.flag('includeInputFields');
		return async () => {
			const checked = await settle(getTask(run.api, taskId, preparationBudget(run.api.clock)));
			if (!checked.ok) throw toNotRead(checked.error, taskId);
			const task = checked.value;
			const other = findOtherModel(task);
			if (other) throw other;
			// The service would delete its record and make, and charge, the video all the same.
			if (phaseOf(task) === 'running') {
				fail(
					'invalidInput',
					'taskStillRuns',
					{ status: task.status },
					{ details: toDetails(task), paid: 'told' },
				);
			}
			await sendDelete(run.api, taskId);
			return [
				toItem(
					row,
					{ taskId, deleted: true },
					includeInputFields ? run.items[row]?.json : undefined,
				),
			];
		};
	},
};
