import {
	type IDataObject,
	type IExecuteFunctions,
	type INodeExecutionData,
	NodeOperationError,
} from 'n8n-workflow';

import { UNREADABLE_WAIT } from '../errors/messages/run';
import { systemTime, toWallTime } from '../session/clock';
import { runCheck } from './check';
import { findWakeUrl } from './conditions';
import type { StepName } from './childWorkflow';
import { makeResults } from './result';
import { decodeState, salvageRows, updateState, type WaitState } from './state';
import { dueAt } from '../../wavespeed/tasks/waitStep';

/**
 * The steps of the child that waits for a parked run. None of them submits anything, so whatever becomes of the child or
 * of its parent, nothing is paid for. What a step throws makes the parent fail, so only the results throw.
 */
export async function runParkedStep(
	ctx: IExecuteFunctions,
	step: StepName,
): Promise<INodeExecutionData[]> {
	const json = ctx.getInputData()[0]?.json ?? {};
	const state = decodeState(json);
	if (!state) return giveUp(ctx, step, json);
	if (systemTime.now() > state.limitAt - LATE_MS) return await outlast(ctx, step, json);
	if (step === 'pause') return await pause(ctx, json, state);
	if (step === 'result') return await makeResults(ctx, state);
	if (hasJustStarted()) return [{ json }];
	const { newEnds, isOver } = await runCheck(ctx, state, readCalled(json));
	return [{ json: { ...updateState(json, state, newEnds), ended: isOver } }];
}

/**
 * The parent has gone on without us, as after a time in which n8n was down. Ending now could hand old results to whatever
 * waits there by then, such as the next round of a loop: so the child first outlasts any wait that there can be.
 */
async function outlast(
	ctx: IExecuteFunctions,
	step: StepName,
	json: IDataObject,
): Promise<INodeExecutionData[]> {
	if (step === 'pause') return [{ json }];
	const over = { ...json, ended: true, outlasted: true };
	if (json.outlasted !== true) {
		await ctx.putExecutionToWait(new Date(systemTime.wallTime() + OUTLAST_MS));
		// After the pause n8n goes on with what the step got in.
		const [item] = ctx.getInputData();
		if (item) item.json = over;
	}
	return [{ json: over }];
}

/** The results have to arrive before the parent's limit. */
const LATE_MS = 30_000;

/** When n8n loaded this node; in an object so that tests can change it. */
export const processStart = { at: systemTime.now() };

/**
 * While n8n 2.40.7 starts, it wakes immediately what is due, and somewhat later declares crashed whatever runs just then. So
 * nothing is checked yet, and nobody goes on: the child pauses again after some milliseconds, until n8n looks again.
 */
function hasJustStarted(): boolean {
	const sinceStartMs = systemTime.now() - processStart.at;
	return sinceStartMs >= 0 && sinceStartMs < START_MS;
}

/** Less than the minute after which n8n looks for the second time. */
const START_MS = 40_000;

/** A day more than the longest wait for a task. */
const OUTLAST_MS = 8 * 24 * 60 * 60_000;

/** The parent is stored right after the child, and must be when the child ends. */
const SHORTEST_PAUSE_MS = 5_000;

/**
 * n8n 2.40 looks once a minute and wakes concurrently all that is overdue by then, with some 10 MB for each; what is due after
 * its look gets a timer of its own. So where many executions are parked, their pauses are longer than a minute, and differ:
 * with 100 of them n8n then stayed as it was, where it had grown by 720 MB at each look.
 */
const FEW_PAUSES_A_MINUTE = 20;
const SPREAD_PAUSE_MS = { min: 60_000, max: 70_000 };

/** Of this process; in an object so that tests can change it. */
export const pauses = { since: 0, count: 0, before: 0 };

function isCrowded(now: number): boolean {
	const elapsed = now - pauses.since;
	if (elapsed >= 60_000 || elapsed < 0) {
		Object.assign(pauses, { since: now, count: 0, before: elapsed < 120_000 ? pauses.count : 0 });
	}
	pauses.count += 1;
	return Math.max(pauses.count, pauses.before) > FEW_PAUSES_A_MINUTE;
}

function spreadPause(): number {
	const { min, max } = SPREAD_PAUSE_MS;
	return min + Math.random() * (max - min);
}

/** Stores the child until something is due. n8n's own grain makes it up to a minute more. */
async function pause(
	ctx: IExecuteFunctions,
	json: IDataObject,
	state: WaitState,
): Promise<INodeExecutionData[]> {
	const now = systemTime.now();
	const due = Math.min(...[...state.open.values()].map(dueAt));
	const shortest = isCrowded(now) ? spreadPause() : SHORTEST_PAUSE_MS;
	const until = Number.isFinite(due) ? Math.max(due, now + shortest) : now;
	await ctx.putExecutionToWait(new Date(toWallTime(until)));
	// For the parent alone: what goes on from here is the input.
	return [{ json: { ...json, wakeUrl: findWakeUrl(ctx) } }];
}

/** A package that was updated in the middle of a wait: nothing of it can be checked, but every task is handed out. */
function giveUp(ctx: IExecuteFunctions, step: StepName, json: IDataObject): INodeExecutionData[] {
	if (step !== 'result') return [{ json: { ...json, ended: true } }];
	const items = salvageRows(json);
	if (items.length > 0) return items;
	const { message, description } = UNREADABLE_WAIT;
	throw new NodeOperationError(ctx.getNode(), message, { description });
}

/** The tasks that the service has called back about. */
function readCalled({ called }: IDataObject): Set<string> {
	try {
		const ids: unknown = typeof called === 'string' ? JSON.parse(called) : [];
		return new Set(Array.isArray(ids) ? ids.filter((id) => typeof id === 'string') : []);
	} catch {
		return new Set();
	}
}
