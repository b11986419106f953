import type { IDataObject, IWebhookFunctions, IWebhookResponseData } from 'n8n-workflow';

import { settle } from '../../async/settle';
import { isRecord } from '../../json';
import { readTaskId } from '../../wavespeed/tasks/task';
import { toDataObject } from '../dataObject';
import { answerCallback } from '../callback/answer';
import { hasStarted } from '../callback/hasStarted';
import { systemTime } from '../session/clock';
import { forgetChild, readChildAddress } from './childAddress';
import { ChildCalls } from './childCalls';
import { readStepName, STEP_PARAMETER } from './childWorkflow';
import { decodeState, readCalled, readStoredLimit } from './state';

/** Callbacks of the service to a parked run. They only make it sooner: whatever goes wrong here, n8n's timer does it. */

/** By the child's address: several workflows of this process may be called at once. */
const childCalls = new ChildCalls({ sleep: async (ms) => await systemTime.sleep(ms) });

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
			const child = readChildAddress(ctx);
			if (!child) return { status: 404, message: 'No task is waited for here' };
			const { helpers } = ctx;
			childCalls.note(child, taskId, async (url, taskIds) => {
				const heard = await post(helpers, url, taskIds);
				// It may be that of a round of a loop that is over.
				if (heard !== 'yes') forgetChild(url);
				return heard !== 'no';
			});
			return { status: 200, message: 'The tasks will be checked' };
		},
	);
}

/** n8n goes on with a call that was given up, so that the next one only comes on top. */
const CALL_TIMEOUT_MS = 60_000;
const MOST_TASKS_PER_CALL = 10_000;

async function post(
	helpers: IWebhookFunctions['helpers'],
	url: string,
	taskIds: string[],
): Promise<'yes' | 'no' | 'isOver'> {
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
	if (!isRecord(answer)) return 'no';
	if (answer.statusCode === 200) return 'yes';
	return JSON.stringify(answer.body ?? '').includes(FINISHED) ? 'isOver' : 'no';
}

/** n8n's words for an execution that has ended, which nothing can wake any more. */
const FINISHED = 'has finished already';

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
	const taken = wakes.take(String(readStoredLimit(json)), listOpen(json, called));
	if (!taken) {
		ctx.getResponseObject().status(200).json({ message: 'These tasks have been checked' });
		return { noWebhookResponse: true };
	}
	// Another one may have woken it just now, by a callback that came to another process or by n8n's timer.
	void hasStarted(ctx).then((isAwake) => isAwake || wakes.giveBack(taken));
	// It may not have come to the tasks that an earlier callback has named.
	const all = [...new Set([...readCalled(json), ...called])].slice(0, MOST_TASKS_PER_CALL);
	return { workflowData: [[{ json: { ...json, called: JSON.stringify(all) } }]] };
}

/** Those of the tasks that are waited for; all, if that can't be told: then the check says so. */
function listOpen(json: IDataObject, taskIds: string[]): string[] {
	const state = decodeState(json);
	if (!state) return json.tooLate === undefined ? [...taskIds, ''] : [];
	const open = new Set([...state.open.values()].map(({ taskId }) => taskId));
	return taskIds.filter((id) => open.has(id));
}

const WAKE_GAP_MS = 60_000;
const MOST_WAKES = 10_000;

/**
 * When a task has last woken its child. A callback tells of an end, of which one check learns; whoever has the child's
 * address could let its record grow by a check with each request. A child is told by its parent's limit: its address can be
 * written in many ways.
 */
const wakes = {
	at: new Map<string, number>(),

	/** Those of the tasks that have not woken the child for a minute; undefined if there is none. */
	take(child: string, taskIds: string[]): string[] | undefined {
		const now = systemTime.now();
		for (const [key, at] of this.at) {
			// In the order of time.
			if (now - at < WAKE_GAP_MS) break;
			this.at.delete(key);
		}
		const fresh = taskIds.map((id) => `${child} ${id}`).filter((key) => !this.at.has(key));
		if (fresh.length === 0 || this.at.size >= MOST_WAKES) return undefined;
		for (const key of fresh) this.at.set(key, now);
		return fresh;
	},

	giveBack(taken: string[]): void {
		for (const key of taken) this.at.delete(key);
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
