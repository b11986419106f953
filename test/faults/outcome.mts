import type { INodeExecutionData } from 'n8n-workflow';

import type { EmulatorTask } from '../emulator/types.mts';
import type { RunResult } from '../engine/harness/engine.mts';
import type { Setting } from './cells.mts';
import { BAD_ROW, type RowRun } from './rowCell.mts';
import { BAD } from './scenes.mts';

/** What a person sees of a row that met a fault. */
export interface Outcome {
	/** `result`: what was wanted, as if nothing had happened. `later`: by hand, or at a time limit. */
	ending: 'result' | 'error' | 'later';
	/** Message and advice; '' where there is a result. Without IDs and addresses. */
	says: string;
	/** Tasks that the service has accepted for the row, and what they cost, USD. */
	tasks: number;
	costUsd: number;
	/** What a retry of the execution brings once the fault has gone; '' where there was no error. */
	retry: string;
}

export const rowOf = ({ pairedItem }: INodeExecutionData): number | undefined => {
	const first = Array.isArray(pairedItem) ? pairedItem[0] : pairedItem;
	return typeof first === 'object' ? first.item : first;
};

export const itemsOfRow = (items: INodeExecutionData[], row: number): INodeExecutionData[] =>
	items.filter((item) => rowOf(item) === row);

/** The text that is read in the place where the setting puts it. */
export function readText({ result }: Pick<RowRun, 'result'>): string {
	if (result.error) return join(result.error.message, result.error.description ?? '');
	const failed = itemsOfRow([...result.items, ...result.errorItems], BAD_ROW).find(
		({ json }) => json.error !== undefined,
	);
	return failed ? String(failed.json.error) : '';
}

const join = (message: string, description: string): string => `${message}. ${description}`;

/** Where n8n puts what became of the row. */
export function whereIs({ result }: Pick<RowRun, 'result'>, row: number): string {
	if (result.error) return 'error';
	if (itemsOfRow(result.errorItems, row).length > 0) return 'error branch';
	return itemsOfRow(result.items, row).length > 0 ? 'item' : 'nowhere';
}

export const WHERE_ERRORS_GO: Record<Setting, string> = {
	stopWorkflow: 'error',
	continueRegularOutput: 'item',
	continueErrorOutput: 'error branch',
};

export function describeRowRun(run: RowRun): Outcome {
	const text = readText(run);
	const tasks = run.scene.tasksBefore ? [] : badTasks(run);
	return {
		ending: text === '' ? 'result' : 'error',
		says: mask(text),
		tasks: tasks.length,
		costUsd: tasks.reduce((sum, { priceUsd }) => sum + priceUsd, 0),
		retry: run.retried ? describeRetry(run.retried) : '',
	};
}

export const badTasks = ({ tasks }: Pick<RowRun, 'tasks'>): EmulatorTask[] =>
	tasks.filter(({ input }) => input.prompt === BAD.prompt);

const describeRetry = ({ error }: RunResult): string =>
	error ? mask(join(error.message, error.description ?? '')) : 'result';

/** Leaves out what differs from run to run, and what depends on the other row. */
export const mask = (text: string): string =>
	text
		.replace(/\. Row \d+, task /, '. Task ')
		.replace(/\. Row \d+(?=\. |$)/, '')
		.replace(/ ?Tasks of the other rows, which are not lost:.*$/, '')
		.replace(/For this row nothing was paid\./, 'Nothing was paid.')
		// Where there are details, these name it.
		.replace(/ ?Task ID: [0-9a-f]{32}\./, '')
		// How long the last pause was is chance.
		.replace(/for 6\d minutes/, 'for an hour')
		.replace(/https?:\/\/127\.0\.0\.1:\d+\/\S*[^\s.,]/g, '‹URL›')
		.replace(/\b[0-9a-f]{32}\b/g, '‹task ID›');
