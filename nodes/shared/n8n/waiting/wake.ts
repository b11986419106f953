import type {
	IDataObject,
	IExecuteFunctions,
	IWebhookFunctions,
	IWebhookResponseData,
} from 'n8n-workflow';

import { settle } from '../../async/settle';
import { isRecord } from '../../json';
import { readTaskId } from '../../wavespeed/tasks/task';
import { toDataObject } from '../dataObject';
import { answerCallback } from '../callback/answer';
import { systemTime } from '../session/clock';
import { readStepName, STEP_PARAMETER } from './childWorkflow';
import { decodeState } from './state';

/** Callbacks of the service to a parked run. They only make it sooner: whatever goes wrong here, n8n's timer does it. */

const WAKE_URL_KEY = 'wan22WakeUrl';

/** Where the parent's webhook finds its child: one small value, stored with the execution. */
export function keepWakeUrl(ctx: IExecuteFunctions, url: unknown): void {
	if (typeof url === 'string') ctx.getContext('node')[WAKE_URL_KEY] = url;
}

/** Docs: Verify webhooks. */
const TOLERANCE_SECONDS = 300;

/** A request to an execution that waits here. Never throws: n8n would go on with one empty item, without the state. */
export async function receiveAtWaiting(ctx: IWebhookFunctions): Promise<IWebhookResponseData> {
	const received = await settle(receive(ctx));
	if (received.ok) return received.value;
	ctx.getResponseObject().status(503).json({ message: 'The request could not be used' });
	return { noWebhookResponse: true };
}

/** From the service to the parent, or from the parent to its child. */
async function receive(ctx: IWebhookFunctions): Promise<IWebhookResponseData> {
	if (readStepName(ctx.getNodeParameter(STEP_PARAMETER, '')) === 'pause') return wakeChild(ctx);
	return await answerCallback(
		ctx,
		() => TOLERANCE_SECONDS,
		async ({ taskId }) => {
			const url = readWakeUrl(ctx);
			if (url === undefined) return { status: 404, message: 'No task is waited for here' };
			callChild(ctx, url, taskId);
			return { status: 200, message: 'The tasks will be checked' };
		},
	);
}

/** An expression is the only way from a webhook to what the node has stored; that one value alone is read. */
function readWakeUrl(ctx: IWebhookFunctions): string | undefined {
	// Braces in the node's name would end the expression.
	const name = JSON.stringify(ctx.getNode().name).replace(
		/[{}]/g,
		(brace) => `\\u00${brace.charCodeAt(0).toString(16)}`,
	);
	try {
		const url = ctx.evaluateExpression(
			`{{ $node[${name}].context[${JSON.stringify(WAKE_URL_KEY)}] }}`,
		);
		return typeof url === 'string' && URL.canParse(url) ? url : undefined;
	} catch {
		return undefined;
	}
}

/** Calls under way, by the child's address, with the tasks that the next one has to name. */
const calls = new Map<string, Set<string>>();

/** Beyond this the timers have to do. */
const MOST_CALLS = 500;
const MOST_TASKS_PER_CALL = 10_000;

/** Callbacks come in bursts: those of this time make one call. */
const GATHER_MS = 500;
/** The child checks just now, or is not stored yet: mostly for less than a second, and at most for as long as a check. */
const RETRY_GAPS_MS = [500, 500, 1_000, 1_000, 2_000, 4_000, 8_000, 15_000, 20_000];

/** Returns immediately: n8n holds a copy of the execution until the service has its answer. */
function callChild(ctx: IWebhookFunctions, url: string, taskId: string): void {
	const waiting = calls.get(url);
	if (waiting) {
		if (waiting.size < MOST_TASKS_PER_CALL) waiting.add(taskId);
		return;
	}
	if (calls.size >= MOST_CALLS) return;
	calls.set(url, new Set([taskId]));
	const { helpers } = ctx;
	void settle(callUntilHeard(helpers, url)).then(() => calls.delete(url));
}

async function callUntilHeard(helpers: IWebhookFunctions['helpers'], url: string): Promise<void> {
	for (let failures = 0; failures <= RETRY_GAPS_MS.length; ) {
		await systemTime.sleep(failures === 0 ? GATHER_MS : (RETRY_GAPS_MS[failures - 1] ?? 0));
		const taskIds = [...(calls.get(url) ?? [])];
		if (taskIds.length === 0) return;
		const heard = await settle(post(helpers, url, taskIds));
		if (heard.ok && heard.value) {
			// Some may have come while this call was under way.
			for (const id of taskIds) calls.get(url)?.delete(id);
			failures = 0;
		} else {
			failures += 1;
		}
	}
}

const CALL_TIMEOUT_MS = 10_000;

async function post(
	helpers: IWebhookFunctions['helpers'],
	url: string,
	taskIds: string[],
): Promise<boolean> {
	const answer: unknown = await helpers.httpRequest({
		method: 'POST',
		url,
		body: { taskIds },
		json: true,
		timeout: CALL_TIMEOUT_MS,
		returnFullResponse: true,
		ignoreHttpStatusErrors: true,
		disableFollowRedirect: true,
	});
	return isRecord(answer) && answer.statusCode === 200;
}

/**
 * The child goes on with the state that it was stored with. Which tasks were called back only says what to check first;
 * what came of them is read from the API.
 */
function wakeChild(ctx: IWebhookFunctions): IWebhookResponseData {
	const json = readStoredState(ctx);
	if (!json) {
		ctx.getResponseObject().status(503).json({ message: 'The state could not be read' });
		return { noWebhookResponse: true };
	}
	const body: unknown = ctx.getBodyData();
	const named = isRecord(body) && Array.isArray(body.taskIds) ? body.taskIds : [];
	const called = named
		.slice(0, MOST_TASKS_PER_CALL)
		.map(readTaskId)
		.filter((id) => id !== undefined);
	// Somebody who has seen a callback can send it again as long as its signature is young.
	if (!wakes.take(addressOf(ctx), listOpen(json, called))) {
		ctx.getResponseObject().status(200).json({ message: 'These tasks have been checked' });
		return { noWebhookResponse: true };
	}
	return { workflowData: [[{ json: { ...json, called: JSON.stringify(called) } }]] };
}

/** Those of the tasks that are waited for; all, if that can't be told: then the check says so. */
function listOpen(json: IDataObject, taskIds: string[]): string[] {
	const state = decodeState(json);
	if (!state) return json.tooLate === undefined ? [...taskIds, ''] : [];
	const open = new Set([...state.open.values()].map(({ taskId }) => taskId));
	return taskIds.filter((id) => open.has(id));
}

const addressOf = (ctx: IWebhookFunctions): string =>
	String(ctx.getRequestObject().url).split('?')[0] ?? '';

const WAKE_GAP_MS = 60_000;
const MOST_WAKES = 10_000;

/**
 * When a task has last woken its child. A callback tells of an end, of which one check learns; whoever has the child's
 * address could let its record grow by a check with each request.
 */
const wakes = {
	at: new Map<string, number>(),

	/** Whether one of the tasks has not woken the child for a minute. */
	take(child: string, taskIds: string[]): boolean {
		const now = systemTime.now();
		for (const [key, at] of this.at) {
			// In the order of time.
			if (now - at < WAKE_GAP_MS) break;
			this.at.delete(key);
		}
		const fresh = taskIds.map((id) => `${child} ${id}`).filter((key) => !this.at.has(key));
		if (fresh.length === 0 || this.at.size >= MOST_WAKES) return false;
		for (const key of fresh) this.at.set(key, now);
		return true;
	},
};

function readStoredState(ctx: IWebhookFunctions): IDataObject | undefined {
	try {
		const json: unknown = ctx.evaluateExpression('{{ $input.first().json }}');
		// A plain copy: what an expression gives belongs to its own engine.
		return isRecord(json) ? toDataObject(JSON.parse(JSON.stringify(json))) : undefined;
	} catch {
		return undefined;
	}
}
