import { generateTask } from '../../shared/batch/runRow';
import { readParameters } from '../../shared/n8n/input/parameters';
import { toInputFields } from '../../shared/n8n/output/taskItem';
import { startWait } from '../../shared/wavespeed/tasks/waitStep';
import { inputFields } from '../fields/inputs.fields';
import { showFor } from '../fields/showFor';
import { simplifyField, waitModeField } from '../fields/task.fields';
import { planQuote, readRequest } from './ask';
import {
	type Operation,
	readParking,
	readResultSettings,
	readWaitSettings,
	toParkedRow,
	toResultItem,
} from './operation';

/** Inputs → upload → submit → wait → the video. */
export const generate: Operation = {
	fields: showFor(['generate'], [...inputFields, waitModeField, simplifyField]),

	async plan(run, row) {
		const parameters = readParameters(run.ctx, row);
		const request = await readRequest(run, parameters, row);
		const settings = readResultSettings(parameters);
		const waitSettings = readWaitSettings(parameters);
		const parking = request.quoteOnly
			? undefined
			: readParking(run, parameters, waitSettings.timeoutMs);
		const ask = { ...request, webhookUrl: parking?.callbackUrlFor(row) };
		if (ask.quoteOnly) return planQuote(run, row, ask, settings.includeInputFields);
		return async () => {
			const outcome = await generateTask(run.batch, row, ask, waitSettings, parking);
			const { submitted, task } = outcome;
			const { isResumed } = submitted;
			const asked = toInputFields(submitted.input, submitted.costUsd);
			if (task && !parking) {
				return [await toResultItem(run, row, task, settings, { asked, isResumed })];
			}
			const begun = startWait(
				submitted.taskId,
				{ ...waitSettings, firstGapMs: 0 },
				run.api.clock.now(),
			);
			const wait = 'wait' in outcome ? outcome.wait : begun;
			return toParkedRow(run, { row, settings, wait, asked }, task, isResumed);
		};
	},
};
