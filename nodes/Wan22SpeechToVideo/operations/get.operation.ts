import { readParameters } from '../../shared/n8n/parameters';
import { preparationPatience } from '../../shared/wavespeed/apiRead';
import { getTask } from '../../shared/wavespeed/client';
import { showFor } from '../fields/showFor';
import { simplifyField, taskIdField } from '../fields/task.fields';
import { type Operation, readResultSettings, readTaskId, toResultItem } from './operation';

/** A task as it is now. */
export const get: Operation = {
	fields: showFor(['get'], [taskIdField, simplifyField]),

	async plan(run, row) {
		const parameters = readParameters(run.ctx, row);
		const taskId = readTaskId(parameters);
		const settings = readResultSettings(parameters);
		return async () => {
			const task = await getTask(run.api, taskId, preparationPatience(run.api.clock));
			return [await toResultItem(run, row, task, settings)];
		};
	},
};
