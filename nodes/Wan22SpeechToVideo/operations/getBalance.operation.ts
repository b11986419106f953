import { readParameters } from '../../shared/n8n/input/parameters';
import { toItem } from '../../shared/n8n/output/taskItem';
import { readBalance } from '../../shared/wavespeed/readBalance';
import type { Operation } from './operation';

/** The USD that are left. One item, as there is one account; with Include Input Fields each row gets it. */
export const getBalance: Operation = {
	fields: [],
	holdsPlaces: false,

	async plan(run, row) {
		const includeInputFields = readParameters(run.ctx, row).options.flag('includeInputFields');
		return async () => {
			if (row > 0 && !includeInputFields) return [];
			const json = { balanceUsd: await readBalance(run.api) };
			return [toItem(row, json, includeInputFields ? run.items[row]?.json : undefined)];
		};
	},
};
