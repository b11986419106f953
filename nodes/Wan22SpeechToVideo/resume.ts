import type { INodeExecutionData, IWebhookFunctions, IWebhookResponseData } from 'n8n-workflow';

import {
	answerCallback,
	type Callback,
	type CallbackAnswer,
	describeError,
} from '../shared/n8n/callback/answer';
import { downloadVideo } from '../shared/n8n/output/downloadVideo';
import { toErrorJson } from '../shared/n8n/errors/nodeErrors';
import { refuseFailedTask, toDetails, toItem, toTaskJson } from '../shared/n8n/output/taskItem';
import { type OpenTask, type ParkedRow, readParked } from '../shared/n8n/waiting/parking';
import { failureOf } from '../shared/wavespeed/failures';
import { phaseOf, type Task } from '../shared/wavespeed/tasks/task';
import { createEndedTasks } from './endedTasks';
import { getTask } from '../shared/wavespeed/tasks/getTask';
import { settle } from '../shared/async/settle';

/** A callback reaches a parked execution: it goes on when the last of its tasks has ended. */

/** Docs: Verify webhooks. */
const TOLERANCE_SECONDS = 300;

/** Whether the execution goes on, by the callback that was looked at last. */
const turns = new Map<string, Promise<boolean>>();

/** Some executions of the largest size. */
const endedTasks = createEndedTasks(30_000);

/** As many tasks are looked at side by side. */
const LOOKS_AT_ONCE = 32;

/** Resumes a parked execution if the callback was the last that it waits for, else leaves it parked. */
export const resumeParked = async (ctx: IWebhookFunctions): Promise<IWebhookResponseData> =>
	await answerCallback(ctx, () => TOLERANCE_SECONDS, lookAtParked);

type OpenRow = Extract<ParkedRow, { state: 'open' }>;

async function lookAtParked(callback: Callback): Promise<CallbackAnswer> {
	const { ctx } = callback;
	const nodeName = JSON.stringify(ctx.getNode().name);
	const rows = readParked(ctx.evaluateExpression(`{{ $node[${nodeName}].context }}`));
	if (!rows) return { status: 404, message: 'No task is waited for here' };

	return await takeTurn(ctx.getExecutionId(), async () => await goOnIfAllEnded(callback, rows));
}

/**
 * Callbacks of one execution are looked at one after the other: two at once could both resume it, or both decline
 * because each has seen the other's task while it still ran.
 */
async function takeTurn(
	execution: string,
	work: () => Promise<CallbackAnswer>,
): Promise<CallbackAnswer> {
	const before = turns.get(execution) ?? Promise.resolve(false);
	const answered = before.then(
		async (goesOn): Promise<CallbackAnswer> =>
			goesOn ? { status: 200, message: 'The workflow is about to go on' } : await work(),
	);
	const turn = Promise.all([before, settle(answered)]).then(
		([wentOn, answer]) => wentOn || (answer.ok && answer.value.items !== undefined),
	);
	turns.set(execution, turn);
	return await answered.finally(async () => {
		await turn;
		if (turns.get(execution) === turn) turns.delete(execution);
	});
}

async function goOnIfAllEnded(callback: Callback, rows: ParkedRow[]): Promise<CallbackAnswer> {
	const execution = callback.ctx.getExecutionId();
	const open = rows.filter((row): row is OpenRow => row.state === 'open');
	const tasks = new Map(endedTasks.of(execution));
	const hasEnded = async ({ taskId }: OpenTask): Promise<boolean> => {
		const task = await getTask(callback.api, taskId, callback.retryBudget());
		if (phaseOf(task) === 'running') return false;
		tasks.set(taskId, task);
		endedTasks.note(execution, task);
		return true;
	};
	const isKnown = ({ taskId }: OpenTask): boolean => tasks.has(taskId);
	const called = open.find(({ taskId }) => taskId === callback.taskId);
	if (called && !isKnown(called) && !(await hasEnded(called))) {
		return { status: 503, message: `Task ${called.taskId} has not ended yet; send again` };
	}
	// The last row is the likeliest to run still: one look usually tells that it is too early.
	const others = open.filter((row) => !isKnown(row)).reverse();
	for (let from = 0, to = 1; from < others.length; from = to, to += LOOKS_AT_ONCE) {
		const ended = await Promise.all(others.slice(from, to).map(hasEnded));
		if (ended.includes(false)) return { status: 200, message: 'Other tasks still run' };
	}
	const items = await Promise.all(
		rows.map(async (row) => {
			const task = row.state === 'open' ? tasks.get(row.taskId) : undefined;
			if (row.state === 'done') return row.items;
			return task ? [await toResumedItem(callback, row, task)] : [];
		}),
	);
	endedTasks.forget(execution);
	return { status: 200, message: 'The workflow goes on', items: items.flat() };
}

/**
 * A resumed node can't fail. A failed task is an error row where the node goes on in spite of errors, so that n8n
 * sends it to the error branch; else it is an item with `status` and `failureReason`.
 */
async function toResumedItem(
	{ ctx, api, cancellation, connection }: Callback,
	{ row, settings, asked, inputFields }: OpenRow,
	task: Task,
): Promise<INodeExecutionData> {
	const node = ctx.getNode();
	const { onError } = node;
	const goesOn = onError === 'continueErrorOutput' || onError === 'continueRegularOutput';
	const costUsd = typeof asked.costUsd === 'number' ? asked.costUsd : undefined;
	const json = settings.simplify
		? { ...toTaskJson(task, settings), ...asked }
		: toTaskJson(task, settings);
	const inputItem = { json: inputFields };
	const toFailed = (error: unknown): INodeExecutionData => {
		const failure = failureOf(error);
		const text = describeError(error);
		const kept = onError === 'continueRegularOutput' ? inputFields : {};
		const errorJson = toErrorJson(node, text, { ...failure?.details });
		if (goesOn) return { json: { ...kept, ...errorJson }, pairedItem: { item: row } };
		const told = failure?.kind === 'downloadFailed' ? { ...json, downloadError: text } : json;
		return toItem(row, told, inputItem, settings);
	};
	const accepted = await settle((async () => refuseFailedTask(task, settings, costUsd))());
	if (!accepted.ok) return toFailed(accepted.error);
	const hasVideo = phaseOf(task) === 'completed' && task.videoUrls.length > 0;
	if (settings.downloadTo === undefined || !hasVideo) return toItem(row, json, inputItem, settings);
	const context = {
		ctx,
		cancellation,
		hideKey: connection.hideKey,
		clock: api.clock,
		random: api.random,
	};
	const video = await settle(downloadVideo(context, task, toDetails(task, costUsd)));
	if (!video.ok) return toFailed(video.error);
	return toItem(row, json, inputItem, settings, { [settings.downloadTo]: video.value });
}
