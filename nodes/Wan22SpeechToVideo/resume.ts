import type {
	IDataObject,
	INodeExecutionData,
	IWebhookFunctions,
	IWebhookResponseData,
} from 'n8n-workflow';

import { checkCallback } from '../shared/n8n/checkCallback';
import { type Connection, readConnection } from '../shared/n8n/credential';
import { downloadVideo } from '../shared/n8n/downloadVideo';
import { openApi } from '../shared/n8n/openApi';
import { refuseFailedTask, toDetails, toItem, toTaskJson } from '../shared/n8n/outputItem';
import { type OpenTask, type ParkedRow, readParked } from '../shared/n8n/parking';
import type { ApiContext, Patience } from '../shared/wavespeed/apiRead';
import { getTask } from '../shared/wavespeed/client';
import { failureOf, settle } from '../shared/wavespeed/failures';
import { createHalt, type Halt } from '../shared/wavespeed/halt';
import { phaseOf, type Task } from '../shared/wavespeed/task';

/** A callback reaches a parked execution: it goes on when the last of its tasks has ended. */

/** An answer without `items` leaves the execution parked. */
interface Answer {
	status: number;
	message: string;
	items?: INodeExecutionData[];
}

/** The service doesn't wait for ever, and sends again after a 503. */
const ANSWER_WITHIN_MS = 20_000;
const MAX_ATTEMPTS = 3;

/** Docs: Verify webhooks. */
const TOLERANCE_SECONDS = 300;

/** Executions that a callback is bringing to their end: two at once would run what follows twice. */
const resuming = new Set<string>();

/** Never throws: n8n would resume the execution with one empty item, and the results would be lost. */
export async function resumeParked(ctx: IWebhookFunctions): Promise<IWebhookResponseData> {
	const looked = await settle(lookAtParked(ctx));
	const answer: Answer = looked.ok ? looked.value : askToSendAgain(ctx, looked.error);
	if (answer.items) return { workflowData: [answer.items] };
	ctx.getResponseObject().status(answer.status).json({ message: answer.message });
	return { noWebhookResponse: true };
}

interface Resumption {
	ctx: IWebhookFunctions;
	api: ApiContext;
	halt: Halt;
	connection: Connection;
	patience: Patience;
}

type OpenRow = Extract<ParkedRow, { state: 'open' }>;

async function lookAtParked(ctx: IWebhookFunctions): Promise<Answer> {
	const connection = await readConnection(ctx);
	const halt = createHalt();
	const api = openApi(ctx, connection, halt);
	const patience = { deadline: api.clock.now() + ANSWER_WITHIN_MS, maxAttempts: MAX_ATTEMPTS };
	const check = await checkCallback(ctx, api, connection, TOLERANCE_SECONDS, patience);
	if (!check.ok) {
		warn(ctx, `refused a callback: ${check.message}`);
		return check;
	}
	const rows = readParked(
		ctx.evaluateExpression(`{{ $node[${JSON.stringify(ctx.getNode().name)}].context }}`),
	);
	if (!rows) return { status: 404, message: 'No task is waited for here' };

	const execution = ctx.getExecutionId();
	if (resuming.has(execution)) return { status: 200, message: 'The workflow is about to go on' };
	resuming.add(execution);
	const resumption = { ctx, api, halt, connection, patience };
	return await goOnIfAllEnded(resumption, rows, check.taskId).finally(() =>
		resuming.delete(execution),
	);
}

async function goOnIfAllEnded(
	resumption: Resumption,
	rows: ParkedRow[],
	calledTaskId: string,
): Promise<Answer> {
	const { api, patience } = resumption;
	const open = rows.filter((row): row is OpenRow => row.state === 'open');
	const tasks = new Map<string, Task>();
	const hasEnded = async ({ taskId }: OpenTask): Promise<boolean> => {
		const task = await getTask(api, taskId, patience);
		tasks.set(taskId, task);
		return phaseOf(task) !== 'running';
	};
	const called = open.find(({ taskId }) => taskId === calledTaskId);
	if (called && !(await hasEnded(called))) {
		return { status: 503, message: `Task ${called.taskId} has not ended yet; send again` };
	}
	// The last row is the likeliest to run still: one look usually tells that it is too early.
	const others = open.filter((row) => row !== called).reverse();
	for (const row of others) {
		if (!(await hasEnded(row))) return { status: 200, message: 'Other tasks still run' };
	}
	const items = await Promise.all(
		rows.map(async (row) => {
			const task = row.state === 'open' ? tasks.get(row.taskId) : undefined;
			if (row.state === 'done') return row.items;
			return task ? [await toResumedItem(resumption, row, task)] : [];
		}),
	);
	return { status: 200, message: 'The workflow goes on', items: items.flat() };
}

/**
 * A resumed node can't fail. A failed task is an error row where the node goes on in spite of errors, so that n8n
 * sends it to the error branch; else it is an item with `status` and `failureReason`.
 */
async function toResumedItem(
	{ ctx, api, halt, connection }: Resumption,
	{ row, settings, asked, inputFields }: OpenRow,
	task: Task,
): Promise<INodeExecutionData> {
	const { onError } = ctx.getNode();
	const goesOn = onError === 'continueErrorOutput' || onError === 'continueRegularOutput';
	const costUsd = typeof asked.costUsd === 'number' ? asked.costUsd : undefined;
	const json = settings.simplify
		? { ...toTaskJson(task, settings), ...asked }
		: toTaskJson(task, settings);
	const inputItem = { json: inputFields };
	const toFailed = (error: unknown): INodeExecutionData => {
		const failure = failureOf(error);
		const text = describe(error);
		const details = { ...failure?.details } as IDataObject;
		const kept = onError === 'continueRegularOutput' ? inputFields : {};
		if (goesOn) return { json: { ...kept, error: text, details }, pairedItem: { item: row } };
		const told = failure?.kind === 'downloadFailed' ? { ...json, downloadError: text } : json;
		return toItem(row, told, inputItem, settings);
	};
	const accepted = await settle((async () => refuseFailedTask(task, settings, costUsd))());
	if (!accepted.ok) return toFailed(accepted.error);
	const hasVideo = phaseOf(task) === 'completed' && task.videoUrls.length > 0;
	if (settings.downloadTo === undefined || !hasVideo) return toItem(row, json, inputItem, settings);
	const context = { ctx, halt, hideKey: connection.hideKey, clock: api.clock, random: api.random };
	const video = await settle(downloadVideo(context, task, toDetails(task, costUsd)));
	if (!video.ok) return toFailed(video.error);
	return toItem(row, json, inputItem, settings, { [settings.downloadTo]: video.value });
}

/** Still parked: the API can't be reached, the credential doesn't work … */
function askToSendAgain(ctx: IWebhookFunctions, error: unknown): Answer {
	warn(ctx, `could not use a callback, WaveSpeed may send it again: ${describe(error)}`);
	return { status: 503, message: 'The tasks could not be looked at; send again' };
}

function describe(error: unknown): string {
	const failure = failureOf(error);
	if (failure) return `${failure.message}. ${failure.advice}`;
	return error instanceof Error ? error.message : String(error);
}

const warn = (ctx: IWebhookFunctions, message: string): void =>
	ctx.logger.warn(`${ctx.getNode().name}: ${message}`);
