import {
	type ApiContext,
	describeRefusal,
	type Patience,
	preparationPatience,
	readFromApi,
	type ReadRequest,
	sendAndRead,
} from './apiRead';
import { MODEL_ID, PATHS, resultPath } from './endpoints';
import { isRecord } from './envelope';
import { type Failure, FailureError, failureOf, NOTHING_PAID, settle } from './failures';
import type { Pass } from './sharedPause';
import { parseTask, type Task } from './task';

/** What the model takes; its schema allows nothing else (model page: Parameters). */
export interface SubmitInput {
	image: string;
	audio: string;
	prompt: string;
	resolution: string;
	seed: number;
}

/** Reads one task. "Get result" in the docs. */
export async function getTask(api: ApiContext, taskId: string, patience: Patience): Promise<Task> {
	const request = { method: 'GET', target: { path: resultPath(taskId) } } as const;
	const purpose = `read task ${taskId}`;
	const parse = (data: unknown): Task | undefined => {
		const task = parseTask(data);
		// A cache between us and the service may hand out another task, and its video to the wrong row.
		return task?.id === taskId ? task : undefined;
	};
	const read = await settle(readFromApi(api, request, parse, purpose, patience));
	if (read.ok) return read.value;
	const failure = failureOf(read.error);
	if (failure?.httpStatus !== 404) throw read.error;
	throw new FailureError({ ...failure, advice: CHECK_THE_ID });
}

const CHECK_THE_ID = `Check the ID. WaveSpeed keeps tasks for 7 days, and a key sees only its own account's tasks. ${NOTHING_PAID}`;

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
	patience: Patience = preparationPatience(api.clock),
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
	const request: ReadRequest = {
		method: 'POST',
		target: { path: PATHS.list },
		json,
		maxAnswerBytes: MAX_PAGE_BYTES,
	};
	return await readFromApi(api, request, parse, 'list the tasks of the account', patience);
}

/**
 * What a task would cost now, in USD. Asking is free and locks nothing; the service itself measures the
 * audio behind the URL (docs: Pricing API). `discounted_price` is the amount due.
 */
export async function quotePrice(api: ApiContext, input: SubmitInput): Promise<number> {
	const parse = (data: unknown): number | undefined => {
		if (!isRecord(data)) return undefined;
		const price = data.discounted_price ?? data.price;
		return typeof price === 'number' && Number.isFinite(price) && price >= 0 ? price : undefined;
	};
	const { image, audio, resolution } = input;
	const json = { model_id: MODEL_ID, inputs: { image, audio, resolution } };
	const request = { method: 'POST', target: { path: PATHS.price }, json } as const;
	return await readFromApi(
		api,
		request,
		parse,
		'ask for the price',
		preparationPatience(api.clock),
	);
}

export type SubmitOutcome =
	| { kind: 'accepted'; task: Task }
	/** The service has refused it: nothing was accepted, nothing is paid. */
	| { kind: 'refused'; failure: Failure }
	| { kind: 'rateLimited'; text: string }
	/** Nothing reached the service. */
	| { kind: 'notSent'; text: string }
	/** A task may exist and be paid for. */
	| { kind: 'unknown'; text: string };

/** The answer to a submit comes within seconds; waiting longer is cheaper than not knowing. */
const SUBMIT_TIMEOUT_MS = 120_000;

/**
 * The one function that spends money. It sends exactly one POST and never repeats it: the service has no
 * idempotency key, so a second POST is a second task that is paid for.
 */
export async function submitTask(
	api: ApiContext,
	pass: Pass,
	input: SubmitInput,
	webhookUrl: string | undefined,
): Promise<SubmitOutcome> {
	const reading = await sendAndRead(api, pass, {
		method: 'POST',
		target: { path: PATHS.submit },
		query: webhookUrl ? { webhook: webhookUrl } : {},
		json: { ...input },
		timeoutMs: SUBMIT_TIMEOUT_MS,
		finishOnStop: true,
	});
	switch (reading.kind) {
		case 'data': {
			const task = parseTask(reading.data);
			if (task) return { kind: 'accepted', task };
			return { kind: 'unknown', text: 'the service took the request but named no task' };
		}
		case 'rateLimited':
			return { kind: 'rateLimited', text: reading.text };
		case 'noAnswer':
			return { kind: reading.reason === 'notSent' ? 'notSent' : 'unknown', text: reading.text };
		case 'unclear': {
			// An ID in spite of all is better than a search: only what was accepted has one.
			const task = parseTask(reading.data);
			if (task) return { kind: 'accepted', task };
			return { kind: 'unknown', text: reading.text || `HTTP status ${reading.status}` };
		}
		case 'refused': {
			const failure = describeRefusal('submit the task', reading.status, reading.text);
			return { kind: 'refused', failure };
		}
	}
}
