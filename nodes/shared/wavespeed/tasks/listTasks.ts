import {
	type ApiContext,
	type RetryBudget,
	type ReadRequest,
	preparationBudget,
	requestWithRetry,
} from '../http/request';
import { MODEL_ID, PATHS } from '../endpoints';
import { type Task, parseTask } from './task';
import { failureOf } from '../failures';
import { isRecord } from '../../json';
import { settle } from '../../async/settle';

export interface TaskQuery {
	status?: string;
	/** ISO 8601. */
	createdAfter?: string;
	createdBefore?: string;
}

/** The largest page that the API gives (docs: Predictions). */
export const PAGE_SIZE = 100;

/** The largest answer there is: 100 tasks, with inputs if the service repeats them, at 80 kB each. */
const MAX_PAGE_BYTES = 8 * 1024 ** 2;

/** One page of this model's tasks, newest first as the service gives them. `page` counts from 1. */
export async function listTasks(
	api: ApiContext,
	query: TaskQuery,
	page: number,
	retryBudget: RetryBudget = preparationBudget(api.clock),
): Promise<{ tasks: Task[]; isLast: boolean }> {
	const json = {
		page,
		page_size: PAGE_SIZE,
		model: MODEL_ID,
		...(query.status ? { status: query.status } : {}),
		...(query.createdAfter ? { created_after: query.createdAfter } : {}),
		...(query.createdBefore ? { created_before: query.createdBefore } : {}),
	};
	const parse = (data: unknown): { tasks: Task[]; isLast: boolean } | undefined => {
		if (!isRecord(data)) return undefined;
		// Some servers write an empty list as null.
		const items = data.items === null ? [] : data.items;
		if (!Array.isArray(items)) return undefined;
		const tasks = items.map(parseTask).filter((task): task is Task => task !== undefined);
		// The filter may be ignored by the service: a task of another model must never be adopted.
		const own = tasks.filter((task) => (task.raw.model ?? MODEL_ID) === MODEL_ID);
		return { tasks: own, isLast: items.length < PAGE_SIZE };
	};
	const ask = async (body: ReadRequest['json']): Promise<{ tasks: Task[]; isLast: boolean }> => {
		const target = { path: PATHS.list };
		const request = { method: 'POST', target, json: body, maxAnswerBytes: MAX_PAGE_BYTES } as const;
		const purpose = 'list the tasks of the account';
		return await requestWithRetry(api, request, parse, purpose, retryBudget);
	};
	// The inputs tell lost submits apart. The vendor's command line asks for them so; the docs don't name the flag.
	const withInputs = await settle(ask({ ...json, include_inputs: true }));
	if (withInputs.ok) return withInputs.value;
	if (failureOf(withInputs.error)?.httpStatus !== 400) throw withInputs.error;
	return await ask(json);
}
