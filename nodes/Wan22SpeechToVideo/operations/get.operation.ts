import { readParameters } from '../../shared/n8n/parameters';
import { preparationPatience } from '../../shared/wavespeed/apiRead';
import { getTask } from '../../shared/wavespeed/client';
import { settle } from '../../shared/wavespeed/failures';
import { describeFailedLook } from '../../shared/wavespeed/waitForTask';
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
			const looked = await settle(getTask(run.api, taskId, preparationPatience(run.api.clock)));
			if (!looked.ok) throw describeFailedLook(looked.error, taskId);
			return [await toResultItem(run, row, looked.value, settings)];
		};
	},
};
