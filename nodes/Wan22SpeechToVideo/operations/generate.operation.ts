import { inspectAsk } from '../../shared/batch/prepare';
import { generateTask } from '../../shared/batch/rowTask';
import { readParameters } from '../../shared/n8n/parameters';
import { inputFields } from '../fields/inputs.fields';
import { showFor } from '../fields/showFor';
import { simplifyField } from '../fields/task.fields';
import { planQuote, readAsk } from './ask';
import { type Operation, readResultSettings, readWaitSettings, toResultItem } from './operation';

/** Inputs → upload → submit → wait → the video. */
export const generate: Operation = {
	fields: showFor(['generate'], [...inputFields, simplifyField]),

	async plan(run, row) {
		const parameters = readParameters(run.ctx, row);
		const ask = await readAsk(run, parameters, row);
		const settings = readResultSettings(parameters);
		const waitSettings = readWaitSettings(parameters);
		if (ask.quoteOnly) return planQuote(run, row, ask, settings.includeInputFields);
		return async () => {
			const ready = await inspectAsk(ask);
			const { placed, task } = await generateTask(run.batch, row, ready, waitSettings);
			return [await toResultItem(run, row, task, settings, placed)];
		};
	},
};
