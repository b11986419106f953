import { submitRow } from '../../shared/batch/runRow';
import { toItem, toTaskJson } from '../../shared/n8n/output/taskItem';
import { readParameters } from '../../shared/n8n/input/parameters';
import { inputFields } from '../fields/inputs.fields';
import { showFor } from '../fields/showFor';
import { checkWebhookUrl, readRequest } from '../parameters/request';
import type { Operation } from './operation';

/** Inputs → upload → submit; the task goes on by itself. */
export const submit: Operation = {
	fields: showFor(['submit'], inputFields),
	holdsPlaces: false,

	async plan(run, row) {
		const parameters = readParameters(run.ctx, row);
		const { options } = parameters;
		const webhookUrl = checkWebhookUrl(options.text('webhookUrl', 'Webhook URL'));
		const request = { ...(await readRequest(run, parameters, row)), webhookUrl };
		const includeInputFields = options.flag('includeInputFields');
		return async () => {
			const { submitted, task } = await submitRow(run.batch, row, request);
			const json = toTaskJson(task, { simplify: true }, submitted);
			return [toItem(row, json, includeInputFields ? run.items[row]?.json : undefined)];
		};
	},
};
