import { inspectAsk } from '../../shared/batch/prepare';
import { submitRow } from '../../shared/batch/rowTask';
import { toItem, toTaskJson } from '../../shared/n8n/outputItem';
import { readParameters } from '../../shared/n8n/parameters';
import { inputFields } from '../fields/inputs.fields';
import { showFor } from '../fields/showFor';
import { checkWebhookUrl, planQuote, readAsk } from './ask';
import type { Operation } from './operation';

/** Inputs → upload → submit; the task goes on by itself. */
export const submit: Operation = {
	fields: showFor(['submit'], inputFields),

	async plan(run, row) {
		const parameters = readParameters(run.ctx, row);
		const { options } = parameters;
		const webhookUrl = checkWebhookUrl(options.text('webhookUrl', 'Webhook URL'));
		const ask = { ...(await readAsk(run, parameters, row)), webhookUrl };
		const includeInputFields = options.flag('includeInputFields');
		if (ask.quoteOnly) return planQuote(run, row, ask, includeInputFields);
		return async () => {
			const { placed, task } = await submitRow(run.batch, row, await inspectAsk(ask));
			const json = toTaskJson(task, { simplify: true }, placed);
			return [toItem(row, json, run.items[row], { includeInputFields })];
		};
	},
};
