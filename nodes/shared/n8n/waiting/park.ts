import type {
	ExecuteWorkflowData,
	IDataObject,
	IExecuteFunctions,
	INodeExecutionData,
} from 'n8n-workflow';

import { settle } from '../../async/settle';
import { isRecord } from '../../json';
import { toUnreadTask } from '../../wavespeed/tasks/task';
import { toItem, toTaskFields } from '../output/taskItem';
import { systemTime, toWallTime } from '../session/clock';
import { makeChildWorkflow } from './childWorkflow';
import { encodeState, isTaskRow, type ParkedRow, type ParkedTask, type WaitState } from './state';
import { keepChildAddress } from './childAddress';

/**
 * What the parent is given beyond the longest wait of a row, for the checks after it and for what comes before: n8n's
 * timers are a minute apart, and a busy n8n may be late.
 */
const MARGIN_MS = 10 * 60_000;
/** More where videos have to be fetched after the last end: a few at a time, and some take a minute. */
const DOWNLOAD_MARGIN_MS = 30 * 60_000;
const MARGIN_PER_DOWNLOAD_MS = 15_000;

/** The run as it is parked: what has ended already stands in `ends`. */
export function makeState(
	ctx: IExecuteFunctions,
	rows: ParkedRow[],
	ends: WaitState['ends'],
): WaitState {
	const { name, onError: ownOnError, continueOnFail } = ctx.getNode();
	// What nodes had before `onError`; n8n still goes by it where that is not set.
	const onError = ownOnError ?? (continueOnFail === true ? 'continueRegularOutput' : undefined);
	const tasks = rows.filter(isTaskRow);
	const open = tasks.filter(({ row }) => !ends.has(row));
	const downloads = tasks.filter(({ settings }) => settings.downloadTo !== undefined).length;
	const marginMs =
		downloads > 0 ? DOWNLOAD_MARGIN_MS + downloads * MARGIN_PER_DOWNLOAD_MS : MARGIN_MS;
	return {
		node: { name, onError },
		rowCount: ctx.getInputData().length,
		limitAt: Math.max(...open.map(({ wait }) => wait.deadline), systemTime.now()) + marginMs,
		rows,
		open: new Map(open.map(({ row, wait }) => [row, wait])),
		ends,
	};
}

/**
 * Stores the execution in n8n's database and starts the child that waits for it. Returns what n8n shows of the node while
 * it waits, or why that was not possible: then nothing has changed. `callbacks`: how many the service was asked for.
 */
export async function park(
	ctx: IExecuteFunctions,
	state: WaitState,
	callbacks: number,
): Promise<{ ok: true; items: INodeExecutionData[] } | { ok: false; error: unknown }> {
	const parentExecution = {
		executionId: ctx.getExecutionId(),
		workflowId: ctx.getWorkflow().id ?? '',
		shouldResume: true,
	};
	const startChild = async (): Promise<ExecuteWorkflowData> => {
		// Throws for a column that contains itself.
		const input = [{ json: encodeState(state) }];
		const code = makeChildWorkflow(ctx);
		return await ctx.executeWorkflow({ code }, input, undefined, { parentExecution });
	};
	const started = await settle(startChild());
	if (!started.ok) return started;
	if (!started.value.waitTill) return { ok: false, error: new Error('The child does not wait') };
	// n8n lets the parent wait for as long as its child does, which may have been killed in the middle of a check.
	await ctx.putExecutionToWait(new Date(toWallTime(state.limitAt)));
	const url = readWakeUrl(started.value.data);
	if (typeof url === 'string') keepChildAddress(ctx, { url, callbacks });
	replaceInput(ctx, state);
	// Never an error row first, nor a field `error` of the row's own: with Retry On Fail n8n would run the node again at
	// once, with the replaced input.
	const items = state.rows
		.filter(isTaskRow)
		.filter(({ row }) => state.open.has(row))
		.map(({ row, wait }) => ({
			json: { taskId: wait.taskId, status: wait.status },
			pairedItem: { item: row },
		}));
	return { ok: true, items };
}

const readWakeUrl = (data: unknown): unknown => {
	const items: unknown = Array.isArray(data) ? data[0] : undefined;
	const item: unknown = Array.isArray(items) ? items[0] : undefined;
	return isRecord(item) && isRecord(item.json) ? item.json.wakeUrl : undefined;
};

/**
 * At its limit n8n doesn't run the parent again but hands on its input: so the records of the tasks take its place.
 * Replaced, not changed: the objects inside belong to the node before.
 */
function replaceInput(ctx: IExecuteFunctions, state: WaitState): void {
	const input = ctx.getInputData();
	for (const parked of state.rows) {
		const item = input[parked.row];
		if (!item) continue;
		const [done] = isTaskRow(parked) ? [{ json: toRecord(parked, state) }] : parked.items;
		Object.assign(item, { json: done?.json ?? {}, binary: done?.binary });
	}
}

/** A task as far as it is known, under the names that its result has. */
export function toRecord(parked: ParkedTask, { ends }: Pick<WaitState, 'ends'>): IDataObject {
	const { row, wait, asked, inputFields, settings } = parked;
	const end = ends.get(row);
	const known = { ...toUnreadTask(wait.taskId), status: wait.status };
	const task = end && 'task' in end ? end.task : known;
	const json = { ...toTaskFields(task), ...asked };
	return toItem(row, json, settings.includeInputFields ? inputFields : undefined).json;
}
