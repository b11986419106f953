import type {
	IBinaryData,
	INodeExecutionData,
	IWebhookFunctions,
	IWebhookResponseData,
} from 'n8n-workflow';

import {
	answerCallback,
	askToSendAgain,
	type Callback,
	type CallbackAnswer,
	describeError,
} from '../shared/n8n/callback/answer';
import { hasStarted } from '../shared/n8n/callback/hasStarted';
import {
	type DownloadContext,
	downloadVideo,
	readDownloadField,
} from '../shared/n8n/output/downloadVideo';
import { toEchoedFields } from '../shared/n8n/output/echoedInput';
import { toDetails, toTaskJson } from '../shared/n8n/output/taskItem';
import { readTriggerParameters } from '../shared/n8n/input/parameters';
import { LOOK_UPS } from '../shared/account/processLimits';
import { Cancellation } from '../shared/async/cancellation';
import { systemTime } from '../shared/n8n/session/clock';
import { readConnection } from '../shared/n8n/session/credential';
import { accounts, openApi } from '../shared/n8n/session/openApi';
import { phaseOf, type Task } from '../shared/wavespeed/tasks/task';
import { type Answer, DeliveriesByTrigger, REPEATED, toDeliveryMemory } from './deliveries';
import { getTask } from '../shared/wavespeed/tasks/getTask';
import { settle } from '../shared/async/settle';

/** One for each trigger; those of the editor's test runs apart, so that a test takes nothing from production. */
const deliveriesByTrigger = new DeliveriesByTrigger();

/** Signature → dedupe → the task, read from the API → filter → item. Whatever happens, the service gets an answer. */
export const receiveCallback = async (ctx: IWebhookFunctions): Promise<IWebhookResponseData> =>
	await answerCallback(ctx, () => readTriggerSettings(ctx).toleranceSeconds, receive);

async function receive(callback: Callback): Promise<CallbackAnswer> {
	const { ctx, deliveryId, taskId } = callback;
	const settings = readTriggerSettings(ctx);
	const work = async (
		isRepeated: (status: string) => boolean,
	): Promise<CallbackAnswer & Answer> => {
		const done = await settle(checkTask(callback, settings, isRepeated));
		if (!done.ok) return askToSendAgain(ctx, done.error);
		return done.value.items ? { ...done.value, started: hasStarted(ctx) } : done.value;
	};
	// It is stored, and read by other processes.
	const memory = toDeliveryMemory(ctx.getWorkflowStaticData('node'), systemTime);
	const trigger = `${ctx.getMode()} ${ctx.getWorkflow().id ?? ''} ${ctx.getNode().id}`;
	const deliveries = deliveriesByTrigger.open(trigger, memory.nowMs);
	return await deliveries.once({ id: deliveryId, taskId }, work, memory);
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
	const { choice, flag, options } = readTriggerParameters(ctx);
	// Deliveries are remembered for a day, so an older one could be played back.
	const range = { min: 1, max: 24 * 60 * 60 };
	return {
		event: choice('event', 'Trigger On', EVENTS),
		simplify: flag('simplify'),
		downloadTo: readDownloadField(options),
		toleranceSeconds:
			options.number('toleranceSeconds', 'Signature Tolerance (Seconds)', range) ??
			DEFAULT_TOLERANCE_SECONDS,
	};
}

/** The service doesn't wait for ever, and sends again after a 503. */
const ANSWER_WITHIN_MS = 20_000;
const MAX_ATTEMPTS = 3;

/** Whether the task has ended, and how, is the API's word; the callback's is not read. */
async function checkTask(
	callback: Callback,
	settings: TriggerSettings,
	isRepeated: (status: string) => boolean,
): Promise<CallbackAnswer> {
	const { ctx, taskId } = callback;
	const cancellation = new Cancellation();
	const deadline = systemTime.now() + ANSWER_WITHIN_MS;
	// Only this: the requests of one account wait for each other, and not for those of an account whose API hangs.
	const connection = await LOOK_UPS.run(cancellation, async () =>
		systemTime.now() < deadline ? await readConnection(ctx) : undefined,
	);
	if (!connection) return { status: 503, message: 'Too many callbacks at once; send again' };
	const api = openApi(ctx, connection, cancellation);
	const task = await getTask(api, taskId, { deadline, maxAttempts: MAX_ATTEMPTS });
	const phase = phaseOf(task);
	if (phase === 'running') {
		const message = `Task ${task.id} has not ended yet (${task.status}); send again`;
		return { status: 503, message };
	}
	if (isRepeated(task.status)) return REPEATED;
	if (settings.event !== 'finished' && settings.event !== phase) {
		return { status: 200, message: 'The workflow does not start on this event' };
	}
	const { hideKey } = connection;
	const { clock, random } = api;
	const item = await toTriggerItem(callback, settings, task, {
		...{ ctx, cancellation, hideKey, clock, random, hosts: accounts.outages },
	});
	return { status: 200, message: 'The workflow starts', items: [item] };
}

/**
 * A video that can't be fetched doesn't keep the workflow from starting, since it is paid for and at its URL: the
 * service stops sending after some attempts, and the task would be lost to the workflow.
 */
async function toTriggerItem(
	{ input }: Callback,
	settings: TriggerSettings,
	task: Task,
	context: DownloadContext,
): Promise<INodeExecutionData> {
	const { downloadTo } = settings;
	const echoed = settings.simplify
		? { ...toEchoedFields(task.input), ...toEchoedFields(input) }
		: {};
	const json = { ...toTaskJson(task, settings), ...echoed };
	if (downloadTo === undefined || phaseOf(task) !== 'completed' || task.videoUrls.length === 0) {
		return { json };
	}
	const downloaded = await settle(downloadVideo(context, task, toDetails(task)));
	if (!downloaded.ok) return { json: { ...json, downloadError: describeError(downloaded.error) } };
	const binary: Record<string, IBinaryData> = { [downloadTo]: downloaded.value };
	return { json, binary };
}
