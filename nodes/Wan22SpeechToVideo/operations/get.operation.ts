import { readParameters } from '../../shared/n8n/input/parameters';
import { preparationBudget } from '../../shared/wavespeed/http/request';
import { toNotRead } from '../../shared/wavespeed/tasks/waitFailures';
import { showFor } from '../fields/showFor';
import { simplifyField, taskIdField } from '../fields/task.fields';
import { readResultSettings } from '../parameters/result';
import { readTaskId } from '../parameters/taskId';
import { noteGiven, type Operation, planWithTask, toResultItem } from './operation';
import { getTask } from '../../shared/wavespeed/tasks/getTask';
import { findOtherModel } from '../../shared/wavespeed/tasks/otherModel';
import { settle } from '../../shared/async/settle';

/** A task as it is now. */
export const get: Operation = {
	fields: showFor(['get'], [taskIdField, simplifyField]),
	holdsPlaces: false,

	async plan(run, row) {
		const parameters = readParameters(run.ctx, row);
		const taskId = readTaskId(parameters);
		noteGiven(run, taskId);
		const settings = planWithTask(taskId, () => readResultSettings(parameters));
		return async () => {
			const looked = await settle(getTask(run.api, taskId, preparationBudget(run.api.clock)));
			if (!looked.ok) throw toNotRead(looked.error, taskId);
			const other = findOtherModel(looked.value);
			if (other) throw other;
			return [await toResultItem(run, { row, task: looked.value, settings })];
		};
	},
};
