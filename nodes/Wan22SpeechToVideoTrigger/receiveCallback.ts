import type {
	IBinaryData,
	INodeExecutionData,
	IWebhookFunctions,
	IWebhookResponseData,
} from 'n8n-workflow';

import { checkCallback } from '../shared/n8n/checkCallback';
import { type Connection, readConnection } from '../shared/n8n/credential';
import { downloadVideo, readDownloadField } from '../shared/n8n/downloadVideo';
import { openApi } from '../shared/n8n/openApi';
import { toDetails, toTaskJson } from '../shared/n8n/outputItem';
import { readTriggerParameters } from '../shared/n8n/parameters';
import type { ApiContext, Patience } from '../shared/wavespeed/apiRead';
import { getTask } from '../shared/wavespeed/client';
import { failureOf, settle } from '../shared/wavespeed/failures';
import { createHalt, type Halt } from '../shared/wavespeed/halt';
import { phaseOf, type Task } from '../shared/wavespeed/task';
import { type Answer, createDeliveries, type Deliveries, toDeliveryMemory } from './deliveries';

/** An answer that starts the workflow. */
interface Start extends Answer {
	item: INodeExecutionData;
}

const isStart = (answer: Answer): answer is Start => 'item' in answer;

/** The service doesn't wait for ever, and sends again after a 503. */
const ANSWER_WITHIN_MS = 20_000;
const MAX_ATTEMPTS = 3;

/** One for each trigger; those of the editor's test runs apart, so that a test takes nothing from production. */
const deliveriesOf = new Map<string, Deliveries>();

/** Signature → dedupe → the task, read from the API → filter → item. Whatever happens, the service gets an answer. */
export async function receiveCallback(ctx: IWebhookFunctions): Promise<IWebhookResponseData> {
	const received = await settle(receive(ctx));
	const answer = received.ok ? received.value : askToSendAgain(ctx, received.error);
	if (isStart(answer)) return { workflowData: [[answer.item]] };
	ctx.getResponseObject().status(answer.status).json({ message: answer.message });
	return { noWebhookResponse: true };
}

async function receive(ctx: IWebhookFunctions): Promise<Answer | Start> {
	const settings = readTriggerSettings(ctx);
	const connection = await readConnection(ctx);
	const halt = createHalt();
	const api = openApi(ctx, connection, halt);
	const nowMs = api.clock.now();
	const patience = { deadline: nowMs + ANSWER_WITHIN_MS, maxAttempts: MAX_ATTEMPTS };

	const check = await checkCallback(ctx, api, connection, settings.toleranceSeconds, patience);
	if (!check.ok) {
		warn(ctx, `refused a callback: ${check.message}`);
		return check;
	}
	const { deliveryId, taskId } = check;
	const callback: Callback = { ctx, api, halt, connection, settings, patience, taskId };
	const work = async (): Promise<Answer | Start> => {
		const done = await settle(lookAtTask(callback));
		return done.ok ? done.value : askToSendAgain(ctx, done.error);
	};
	const deliveries = openDeliveries(ctx);
	const memory = toDeliveryMemory(ctx.getWorkflowStaticData('node'), nowMs);
	const answer = await deliveries.once(deliveryId, work, memory);
	if (isStart(answer)) forgetUnlessStarted(ctx, deliveries, deliveryId);
	return answer;
}

function openDeliveries(ctx: IWebhookFunctions): Deliveries {
	const trigger = `${ctx.getMode()} ${ctx.getWorkflow().id ?? ''} ${ctx.getNode().id}`;
	const known = deliveriesOf.get(trigger) ?? createDeliveries();
	deliveriesOf.set(trigger, known);
	return known;
}

/** If n8n then can't start the workflow, it answers with a 5xx, and the service sends again. */
function forgetUnlessStarted(ctx: IWebhookFunctions, deliveries: Deliveries, id: string): void {
	const response = ctx.getResponseObject();
	response.once('finish', () => {
		if (response.statusCode >= 500) deliveries.forget(id);
	});
}

export const EVENTS = ['completed', 'failed', 'finished'] as const;

export interface TriggerSettings {
	event: (typeof EVENTS)[number];
	simplify: boolean;
	/** The name of the field for the video file; undefined: don't download. */
	downloadTo: string | undefined;
	toleranceSeconds: number;
}

const DEFAULT_TOLERANCE_SECONDS = 300;

export function readTriggerSettings(
	ctx: Parameters<typeof readTriggerParameters>[0],
): TriggerSettings {
	const { raw, choice, options } = readTriggerParameters(ctx);
	// Deliveries are remembered for a day, so an older one could be played back.
	const range = { min: 1, max: 24 * 60 * 60 };
	return {
		event: choice('event', 'Trigger On', EVENTS),
		simplify: raw('simplify') !== false,
		downloadTo: readDownloadField(options),
		toleranceSeconds:
			options.number('toleranceSeconds', 'Signature Tolerance (Seconds)', range) ??
			DEFAULT_TOLERANCE_SECONDS,
	};
}

interface Callback {
	ctx: IWebhookFunctions;
	api: ApiContext;
	halt: Halt;
	connection: Connection;
	settings: TriggerSettings;
	patience: Patience;
	taskId: string;
}

/** The API's word counts: what the callback says of the task is not looked at. */
async function lookAtTask(callback: Callback): Promise<Answer | Start> {
	const { api, settings, patience, taskId } = callback;
	const task = await getTask(api, taskId, patience);
	const phase = phaseOf(task);
	if (phase === 'running') {
		const message = `Task ${task.id} has not ended yet (${task.status}); send again`;
		return { status: 503, message };
	}
	if (settings.event !== 'finished' && settings.event !== phase) {
		return { status: 200, message: 'The workflow does not start on this event' };
	}
	return { status: 200, message: 'The workflow starts', item: await toTriggerItem(callback, task) };
}

/**
 * A video that can't be fetched doesn't keep the workflow from starting, since it is paid for and at its URL: the
 * service stops sending after some attempts, and the task would be lost to the workflow.
 */
async function toTriggerItem(callback: Callback, task: Task): Promise<INodeExecutionData> {
	const { ctx, api, halt, connection, settings } = callback;
	const { downloadTo } = settings;
	const json = { ...toTaskJson(task, settings) };
	if (downloadTo === undefined || phaseOf(task) !== 'completed' || task.videoUrls.length === 0) {
		return { json };
	}
	const context = { ctx, halt, hideKey: connection.hideKey, clock: api.clock, random: api.random };
	const downloaded = await settle(downloadVideo(context, task, toDetails(task)));
	if (!downloaded.ok) return { json: { ...json, downloadError: describe(downloaded.error) } };
	const binary: Record<string, IBinaryData> = { [downloadTo]: downloaded.value };
	return { json, binary };
}

/** Nothing was started: the API can't be reached, the credential doesn't work, a parameter is wrong … */
function askToSendAgain(ctx: IWebhookFunctions, error: unknown): Answer {
	warn(ctx, `could not use a callback, WaveSpeed may send it again: ${describe(error)}`);
	return { status: 503, message: 'The task could not be looked at; send again' };
}

function describe(error: unknown): string {
	const failure = failureOf(error);
	if (failure) return `${failure.message}. ${failure.advice}`;
	return error instanceof Error ? error.message : String(error);
}

const warn = (ctx: IWebhookFunctions, message: string): void =>
	ctx.logger.warn(`${ctx.getNode().name}: ${message}`);
