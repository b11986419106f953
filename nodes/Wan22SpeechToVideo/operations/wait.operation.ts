import { readParameters } from '../../shared/n8n/parameters';
import { waitForTask } from '../../shared/wavespeed/waitForTask';
import { showFor } from '../fields/showFor';
import { simplifyField, taskIdField } from '../fields/task.fields';
import {
	type Operation,
	readResultSettings,
	readTaskId,
	readWaitSettings,
	toResultItem,
} from './operation';

/** A task that exists already → its end. */
export const wait: Operation = {
	fields: showFor(['wait'], [taskIdField, simplifyField]),

	async plan(run, row) {
		const parameters = readParameters(run.ctx, row);
		const taskId = readTaskId(parameters);
		const settings = readResultSettings(parameters);
		const waitSettings = readWaitSettings(parameters);
		return async () => {
			const task = await waitForTask(run.api, taskId, { ...waitSettings, firstGapMs: 0 });
			return [await toResultItem(run, row, task, settings)];
		};
	},
};
