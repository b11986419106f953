import { readParameters } from '../../shared/n8n/input/parameters';
import { toUnreadTask } from '../../shared/wavespeed/tasks/task';
import { waitForTask } from '../../shared/wavespeed/tasks/waitForTask';
import { showFor } from '../fields/showFor';
import { simplifyField, taskIdField, waitModeField } from '../fields/task.fields';
import {
	type Operation,
	readParking,
	readResultSettings,
	readTaskId,
	readWaitSettings,
	toResultItem,
	toResultOrOpen,
} from './operation';

/** A task that exists already → its end. */
export const wait: Operation = {
	fields: showFor(['wait'], [taskIdField, waitModeField, simplifyField]),

	async plan(run, row) {
		const parameters = readParameters(run.ctx, row);
		const taskId = readTaskId(parameters);
		const settings = readResultSettings(parameters);
		const waitSettings = readWaitSettings(parameters);
		const parking = readParking(run, parameters, waitSettings.timeoutMs);
		if (parking) {
			const known = toUnreadTask(taskId);
			return async () => await toResultOrOpen(run, row, known, settings, waitSettings.timeoutMs);
		}
		return async () => {
			const task = await waitForTask(run.api, taskId, { ...waitSettings, firstGapMs: 0 });
			return [await toResultItem(run, row, task, settings)];
		};
	},
};
