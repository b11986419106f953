import {
	type IDataObject,
	type IExecuteFunctions,
	type INodeExecutionData,
	NodeOperationError,
	WAIT_INDEFINITELY,
} from 'n8n-workflow';

import { settle } from '../../async/settle';
import { toDataObject } from '../dataObject';
import { TOO_LATE, UNREADABLE_WAIT } from '../errors/messages/run';
import { systemTime, toSteadyTime, toWallTime } from '../session/clock';
import { runCheck } from './check';
import { findWakeUrl } from './conditions';
import type { StepName } from './childWorkflow';
import { makeResults } from './result';
import {
	decodeState,
	readCalled,
	readLimit,
	salvageRows,
	updateState,
	type WaitState,
} from './state';
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
	if (isLate(json)) return await sleepForGood(ctx);
	const state = decodeState(json);
	if (!state) return giveUp(ctx, step, json);
	if (step === 'pause') return await pause(ctx, json, state);
	if (step === 'result') return await handOver(ctx, json, state);
	const { called, pausedUntil, ...known } = json;
	// A callback ends a pause early: the next one must not end later for that.
	const interrupted = called === undefined ? {} : toDataObject({ called, pausedUntil });
	if (hasJustStarted()) return [{ json: { ...known, ...interrupted } }];
	const { newEnds, isOver } = await runCheck(ctx, state, readCalled(json));
	const next = { ...updateState(json, state, newEnds), ended: isOver };
	return [{ json: called === undefined ? next : toDataObject({ ...next, pausedUntil }) }];
}

/** The results, or the error that ends the run: but only to a parent that still waits here. */
async function handOver(
	ctx: IExecuteFunctions,
	json: IDataObject,
	state: WaitState,
): Promise<INodeExecutionData[]> {
	const made = await settle(makeResults(ctx, state));
	// Videos were fetched meanwhile, and the process may have stood still.
	if (isLate(json)) return await sleepForGood(ctx);
	if (made.ok) return made.value;
	throw made.error;
}

/** The results have to arrive before the parent's limit. */
const LATE_MS = 30_000;

/** Whether the parent has gone on without us, as after a time in which n8n was down, or is about to. */
function isLate(json: IDataObject): boolean {
	const limitAt = readLimit(json);
	return json.tooLate !== undefined || systemTime.now() > (limitAt ?? Infinity) - LATE_MS;
}

/**
 * However a child ends, n8n goes on with its parent wherever that waits by then, and with the child's output as items: in
 * the next round of a loop, or before an approval that nobody has given. So a child that is late never ends; its
 * execution can be deleted.
 */
async function sleepForGood(ctx: IExecuteFunctions): Promise<INodeExecutionData[]> {
	const json = { tooLate: TOO_LATE };
	await ctx.putExecutionToWait(WAIT_INDEFINITELY);
	// Whoever wakes it: n8n goes on with what the step got in.
	const [item] = ctx.getInputData();
	if (item) item.json = json;
	return [{ json }];
}

/** When n8n loaded this node; in an object so that tests can change it. */
export const processStart = { at: systemTime.now() };

/**
 * While n8n 2.40.7 starts, it wakes immediately what is due, and somewhat later declares crashed whatever runs just then. So
 * nothing is checked yet, and nobody goes on: the child pauses again after some milliseconds, until n8n looks again.
 */
const hasJustStarted = (): boolean => startsForMs() > 0;

function startsForMs(): number {
	const sinceStartMs = systemTime.now() - processStart.at;
	return sinceStartMs >= 0 ? START_MS - sinceStartMs : 0;
}

/** Less than the minute after which n8n looks for the second time. */
const START_MS = 40_000;

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
	// Named by a callback, and not looked at, since n8n was starting.
	const isUnread = readCalled(json).size > 0;
	const unreadAt = isUnread ? now + startsForMs() : Infinity;
	const due = Math.min(unreadAt, ...[...state.open.values()].map(dueAt));
	const interrupted = typeof json.pausedUntil === 'number' ? json.pausedUntil : undefined;
	// Those that callbacks have ended early are none of n8n's timer.
	const shortest = interrupted === undefined && isCrowded(now) ? spreadPause() : SHORTEST_PAUSE_MS;
	const planned = Math.min(
		Math.max(due, now + shortest),
		interrupted === undefined ? Infinity : toSteadyTime(interrupted),
	);
	const until = Number.isFinite(due) ? Math.max(planned, now + SHORTEST_PAUSE_MS) : now;
	await ctx.putExecutionToWait(new Date(toWallTime(until)));
	// n8n goes on with what the step got in.
	const [item] = ctx.getInputData();
	if (item) item.json = { ...json, pausedUntil: toWallTime(until) };
	// For the parent alone.
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
