import type { IDataObject, IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';

import type { RowTask } from '../../batch/runRow';
import type { ApiContext } from '../../wavespeed/http/request';
import { type Failure, FailureError } from '../../wavespeed/failures';
import { Cancellation } from '../../async/cancellation';
import type { Task } from '../../wavespeed/tasks/task';
import { createClock, systemTime } from '../session/clock';
import type { Connection } from '../session/credential';
import { type ResultSettings, toInputFields, toTaskFields } from '../output/taskItem';
import { isRecord } from '../../json';

/** Callback mode: the execution is parked in n8n's database until WaveSpeed has reported the end of its tasks. */

/** What a parked execution has to know of a row. Plain data: n8n stores it as JSON. */
export type ParkedRow =
	| { row: number; state: 'done'; items: INodeExecutionData[] }
	| ({ row: number; state: 'open' } & OpenTask);

/** A task that still runs, and how its result is to look. */
export interface OpenTask {
	taskId: string;
	/** The task's fields as they are now: what goes on downstream if the time limit comes first. */
	record: IDataObject;
	/** What was asked for; none for a task that another node has submitted. */
	asked: IDataObject;
	/** The row's own fields, if the output is to keep them. */
	inputFields: IDataObject;
	settings: ResultSettings;
	timeoutMs: number;
}

const PARKED_KEY = 'wan22Parked';

export function toOpenTask(
	task: Task,
	inputItem: INodeExecutionData | undefined,
	settings: ResultSettings,
	timeoutMs: number,
	submitted?: RowTask['submitted'],
): OpenTask {
	const asked = submitted ? toInputFields(submitted.input, submitted.costUsd) : {};
	const inputFields = settings.includeInputFields ? { ...inputItem?.json } : {};
	const record = { ...inputFields, ...toTaskFields(task), ...asked };
	return { taskId: task.id, record, asked, inputFields, settings, timeoutMs };
}

/** Lets rows wait in this process only until all rows are submitted. */
export interface Parking {
	resumeUrl: string;
	/** For the waits: its clock ends them when there is nothing left to submit. */
	api: ApiContext;
	/** The row won't submit anything more. */
	noteSubmitted(row: number): void;
}

const PARKED: Failure = {
	kind: 'parked',
	message: 'The execution is parked',
	advice: '',
	paid: 'told',
	details: {},
};

export function createParking(
	resumeUrl: string,
	rowCount: number,
	api: ApiContext,
	cancellation: Cancellation,
): Parking {
	const allSubmitted = new Cancellation();
	cancellation.onCancel((reason) => allSubmitted.cancel(reason));
	const submitted = new Set<number>();
	return {
		resumeUrl,
		api: { ...api, clock: createClock(allSubmitted) },
		noteSubmitted(row) {
			submitted.add(row);
			if (submitted.size === rowCount) allSubmitted.cancel(new FailureError(PARKED));
		},
	};
}

/** n8n looks for executions to go on with once a minute, so a shorter wait is better done here. */
const SHORTEST_PARKING_MS = 65_000;

const isLoopback = (address: string): boolean =>
	!URL.canParse(address) || /^(localhost|127(\.\d+){3}|\[::1\])$/.test(new URL(address).hostname);

/** The address that wakes this execution, or why it can't be parked. */
export function findResumeUrl(
	ctx: IExecuteFunctions,
	connection: Connection,
	timeoutMs: number,
): { url: string } | { hint: string } {
	if (isTool(ctx)) {
		return {
			hint: 'As a tool of an AI agent this node waits by checking, since the agent waits for it.',
		};
	}
	if (ctx.getMode() === 'manual') {
		return {
			hint: 'In a manual execution this node waits by checking. Callbacks are used when the workflow runs by itself.',
		};
	}
	if (timeoutMs < SHORTEST_PARKING_MS) {
		return { hint: 'For a time limit of about a minute this node waits by checking.' };
	}
	const url = String(ctx.evaluateExpression('{{ $execution.resumeUrl }}', 0) ?? '');
	if (isLoopback(url) && !isLoopback(connection.baseUrl)) {
		return {
			hint: `WaveSpeed can't call this n8n back at ${url.split('?')[0]}, so this node waits by checking. Set WEBHOOK_URL to an address that is reachable from outside.`,
		};
	}
	return { url };
}

/** An agent waits for its tool's answer, so there is nothing to go on with later. */
export const isTool = (ctx: IExecuteFunctions): boolean =>
	!('putExecutionToWait' in ctx) || ('isToolExecution' in ctx && ctx.isToolExecution());

/**
 * Parks the execution: n8n stores it, frees its slot, and wakes it by a callback or at the time limit. At the limit
 * n8n doesn't run the node again but hands on its input, so the records of the tasks take the place of the input.
 */
export async function park(
	ctx: IExecuteFunctions,
	rows: ParkedRow[],
): Promise<INodeExecutionData[]> {
	ctx.getContext('node')[PARKED_KEY] = { rows };
	const input = ctx.getInputData();
	const records = rows.flatMap((parked): INodeExecutionData[] =>
		parked.state === 'done'
			? parked.items
			: [{ json: parked.record, pairedItem: { item: parked.row } }],
	);
	for (const parked of rows) {
		const item = input[parked.row];
		if (!item) continue;
		// Replaced, not changed: the object inside belongs to the node before.
		if (parked.state === 'open') item.json = parked.record;
		else
			Object.assign(item, { json: parked.items[0]?.json ?? {}, binary: parked.items[0]?.binary });
	}
	const waitsMs = rows.map((parked) => (parked.state === 'open' ? parked.timeoutMs : 0));
	await ctx.putExecutionToWait(new Date(systemTime.now() + Math.max(...waitsMs)));
	return records;
}

/** What `park` has stored, from what an expression gives of it. */
export function readParked(context: unknown): ParkedRow[] | undefined {
	const parked = isRecord(context) ? context[PARKED_KEY] : undefined;
	if (!isRecord(parked) || !Array.isArray(parked.rows)) return undefined;
	return parked.rows as ParkedRow[];
}
