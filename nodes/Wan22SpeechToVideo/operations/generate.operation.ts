import { generateTask } from '../../shared/batch/runRow';
import { readParameters } from '../../shared/n8n/input/parameters';
import { toUnreadTask } from '../../shared/wavespeed/tasks/task';
import { inputFields } from '../fields/inputs.fields';
import { showFor } from '../fields/showFor';
import { simplifyField, waitModeField } from '../fields/task.fields';
import { planQuote, readRequest } from './ask';
import {
	type Operation,
	readParking,
	readResultSettings,
	readWaitSettings,
	toResultItem,
	toResultOrOpen,
} from './operation';

/** Inputs → upload → submit → wait → the video. */
export const generate: Operation = {
	fields: showFor(['generate'], [...inputFields, waitModeField, simplifyField]),

	async plan(run, row) {
		const parameters = readParameters(run.ctx, row);
		const asked = await readRequest(run, parameters, row);
		const settings = readResultSettings(parameters);
		const waitSettings = readWaitSettings(parameters);
		const parking = asked.quoteOnly
			? undefined
			: readParking(run, parameters, waitSettings.timeoutMs);
		const ask = { ...asked, webhookUrl: parking?.resumeUrl };
		if (ask.quoteOnly) return planQuote(run, row, ask, settings.includeInputFields);
		return async () => {
			const { submitted, task } = await generateTask(run.batch, row, ask, waitSettings, parking);
			if (task) return [await toResultItem(run, row, task, settings, submitted)];
			const known = submitted.task ?? toUnreadTask(submitted.taskId);
			return await toResultOrOpen(run, row, known, settings, waitSettings.timeoutMs, submitted);
		};
	},
};
