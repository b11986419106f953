import { quoteRow } from '../../shared/batch/runRow';
import { readParameters } from '../../shared/n8n/input/parameters';
import { toItem } from '../../shared/n8n/output/taskItem';
import { inputFields } from '../fields/inputs.fields';
import { showFor } from '../fields/showFor';
import { readRequest } from '../parameters/request';
import type { Operation } from './operation';

/** Inputs → upload → the price and what would be sent. Nothing is submitted. */
export const quote: Operation = {
	fields: showFor(['quote'], inputFields),
	holdsPlaces: false,

	async plan(run, row) {
		const parameters = readParameters(run.ctx, row);
		const request = await readRequest(run, parameters, row);
		const includeInputFields = parameters.options.flag('includeInputFields');
		return async () => {
			const { input, costUsd } = await quoteRow(run.batch, request);
			const { image, audio, resolution, prompt } = input;
			const json = { costUsd, imageUrl: image, audioUrl: audio, resolution, prompt };
			return [toItem(row, json, includeInputFields ? run.items[row]?.json : undefined)];
		};
	},
};
