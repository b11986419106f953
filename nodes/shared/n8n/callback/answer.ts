import type { INodeExecutionData, IWebhookFunctions, IWebhookResponseData } from 'n8n-workflow';

import type { Task } from '../../wavespeed/tasks/task';
import { failureOf } from '../../wavespeed/failures';
import { checkCallback, readCallback, type Refusal } from './check';
import { systemTime } from '../session/clock';
import { settle } from '../../async/settle';
import { describeFailure, describeWithoutMoney } from '../errors/messages';

/** What the trigger and a parked execution do alike with a callback. */

/** What the service is told. */
export interface CallbackAnswer {
	status: number;
	message: string;
	/** With items the workflow starts or goes on, and n8n answers. */
	items?: INodeExecutionData[];
}

/** A callback that WaveSpeed has sent. */
export interface Callback {
	ctx: IWebhookFunctions;
	deliveryId: string;
	/** Which task to get. */
	taskId: string;
	/** What the task was made from. Nothing else in the body is believed. */
	input: Task['input'];
}

/**
 * Checks who has sent the request and hands it to `work`. Never throws: n8n would resume a parked execution with
 * one empty item, and make a failed execution of every forged request.
 */
export async function answerCallback(
	ctx: IWebhookFunctions,
	toleranceSeconds: () => number,
	work: (callback: Callback) => Promise<CallbackAnswer>,
): Promise<IWebhookResponseData> {
	const received = await settle(receive(ctx, toleranceSeconds, work));
	const answer = received.ok ? received.value : askToSendAgain(ctx, received.error);
	if (answer.items) return { workflowData: [answer.items] };
	ctx.getResponseObject().status(answer.status).json({ message: answer.message });
	return { noWebhookResponse: true };
}

async function receive(
	ctx: IWebhookFunctions,
	toleranceSeconds: () => number,
	work: (callback: Callback) => Promise<CallbackAnswer>,
): Promise<CallbackAnswer> {
	const read = await readCallback(ctx, systemTime.wallTime(), toleranceSeconds());
	if (!read.ok) return refuse(ctx, read);
	const check = await checkCallback(ctx, read.callback);
	if (!check.ok) return refuse(ctx, check);
	const { deliveryId, taskId, input } = check;
	return await work({ ctx, deliveryId, taskId, input });
}

function refuse(ctx: IWebhookFunctions, refusal: Refusal): CallbackAnswer {
	warn(ctx, `refused a callback: ${refusal.message}`);
	return refusal;
}

/** Nothing was started: the API can't be reached, the credential doesn't work, a parameter is wrong … */
export function askToSendAgain(ctx: IWebhookFunctions, error: unknown): CallbackAnswer {
	const failure = failureOf(error);
	// No word of money: the task behind the callback is paid for, whatever the request that failed has cost.
	const problem = failure ? describeWithoutMoney(failure) : describeError(error);
	warn(ctx, `could not use a callback, WaveSpeed may send it again: ${problem}`);
	return { status: 503, message: 'The task could not be looked at; send again' };
}

export function describeError(error: unknown): string {
	const failure = failureOf(error);
	if (failure) return describeFailure(failure);
	return error instanceof Error ? error.message : String(error);
}

const warn = (ctx: IWebhookFunctions, message: string): void =>
	ctx.logger.warn(`${ctx.getNode().name}: ${message}`);
