import type { IExecuteFunctions } from 'n8n-workflow';

import { Cancellation } from '../../async/cancellation';
import { mapConcurrently } from '../../async/runConcurrently';
import { settle, type Settled } from '../../async/settle';
import { shorten } from '../../text';
import type { ApiContext } from '../../wavespeed/http/request';
import { FailureError, failureOf, makeFailure } from '../../wavespeed/failures';
import { getTask } from '../../wavespeed/tasks/getTask';
import type { Task } from '../../wavespeed/tasks/task';
import { checkBudget, dueAt, noteCheck, type TaskWait } from '../../wavespeed/tasks/waitStep';
import { refuseFailedTask, type ResultSettings } from '../output/taskItem';
import { FAILS_WHEN_RESUMED } from '../session/abilities';
import { systemTime } from '../session/clock';
import { readConnection } from '../session/credential';
import { openApi } from '../session/openApi';
import { isTaskRow, type RowEnd, type WaitState } from './state';

/** A kill in the middle of a check leaves the parent to its limit, so a check is short whatever comes. */
const CHECK_MS = 40_000;
const ATTEMPTS_PER_TASK = 2;
const MOST_CONCURRENT_READS = 32;
/** More than the gap of a task that was answered, and less than n8n's minute. */
const UNREAD_GAP_MS = 31_000;

/** So many failures with nothing but failures before them: the service is down, and the next check will tell. */
const FAILURES_OF_A_SERVICE_THAT_IS_DOWN = 8;

/** Whether a failed row ends the run, as it does in stop mode where n8n can fail a run that was parked. */
export const endsWithFailure = ({ node: { onError } }: WaitState): boolean =>
	FAILS_WHEN_RESUMED && onError !== 'continueErrorOutput' && onError !== 'continueRegularOutput';

/** Checks the tasks that are due or were called back, and notes in `state` what came of it. Never throws. */
export async function runCheck(
	ctx: IExecuteFunctions,
	state: WaitState,
	called: ReadonlySet<string>,
): Promise<{ newEnds: number[]; isOver: boolean }> {
	const now = systemTime.now();
	const access = await openForCheck(ctx);
	noteAccess(state, access, now);
	const due = [...state.open]
		.filter(([, wait]) => dueAt(wait) <= now || called.has(wait.taskId) || isShutOut(state, now))
		// Those that were called back have ended; of the others, first what the last check did not get to, also beyond the
		// time limit, where all are due.
		.map(([row, wait]) => ({ row, wait, order: called.has(wait.taskId) ? 0 : wait.nextCheckAt }))
		.sort((a, b) => a.order - b.order);
	const newEnds: number[] = [];
	const isReachable = createReachability();
	await mapConcurrently(due, MOST_CONCURRENT_READS, async ({ row, wait }) => {
		// What isn't read now is due first at the next check.
		if (systemTime.now() >= now + CHECK_MS) return;
		const checked = access.ok
			? await checkTask(access.value, wait, now, isReachable)
			: isShutOut(state, now) || hasNoTimeLeft(wait, now)
				? access
				: undefined;
		const isLast = isLastCheck(wait, checked, now);
		// What is told is the limit that the user has set.
		const step = noteCheck(wait, checked, isLast ? wait.deadline : now, isLast);
		if (step.kind === 'waits') {
			// Without an answer it is due at the next check as well, but behind those that were not asked for, and those that
			// were answered: else some tasks that can't be read would keep all others from being checked.
			if (checked) {
				const behind = { ...wait, nextCheckAt: now + UNREAD_GAP_MS };
				state.open.set(row, checked.ok ? step.wait : behind);
			}
			return;
		}
		state.open.delete(row);
		state.ends.set(row, step.kind === 'ended' ? { task: step.task } : toEnd(step.error));
		newEnds.push(row);
	});
	const isOver = state.open.size === 0 || (endsWithFailure(state) && hasFailed(state, newEnds));
	return { newEnds, isOver };
}

/** The parent's own limit is later than that. */
const LONGEST_AFTER_LIMIT_MS = 3 * 60_000;

/**
 * At the time limit, and there with an answer: one check a minute is all that there is, and a gap of the service just then,
 * or rows that can't be read, must not turn finished videos into errors.
 */
function isLastCheck(wait: TaskWait, checked: Settled<Task> | undefined, now: number): boolean {
	if (now < wait.deadline) return false;
	return checked?.ok === true || hasNoTimeLeft(wait, now);
}

const hasNoTimeLeft = ({ deadline }: TaskWait, now: number): boolean =>
	now >= deadline + LONGEST_AFTER_LIMIT_MS;

/**
 * A store of secrets may have a gap. An expression of the workflow stays unreadable, as the child has none of its data: who
 * waits would be told of a time-out.
 */
const LONGEST_WITHOUT_KEY_MS = 10 * 60_000;
/** While n8n is down nobody looks: what counts is the time in which somebody did, about once a minute. */
const FEWEST_CHECKS_WITHOUT_KEY = 8;

function noteAccess(state: WaitState, { ok }: Settled<ApiContext>, now: number): void {
	const { since = now, checks = 0 } = state.withoutKey ?? {};
	state.withoutKey = ok ? undefined : { since, checks: checks + 1 };
}

const isShutOut = ({ withoutKey }: WaitState, now: number): boolean =>
	withoutKey !== undefined &&
	withoutKey.checks >= FEWEST_CHECKS_WITHOUT_KEY &&
	now >= withoutKey.since + LONGEST_WITHOUT_KEY_MS;

/** Fails if the credential can't be read now: then nothing is asked in this round. */
async function openForCheck(ctx: IExecuteFunctions): Promise<Settled<ApiContext>> {
	const opened = await settle(readConnection(ctx));
	if (!opened.ok) return { ok: false, error: toShutOut(opened.error) };
	const cancellation = new Cancellation();
	const signal = ctx.getExecutionCancelSignal();
	signal?.addEventListener('abort', () => cancellation.cancel(new Error('stopped')), {
		once: true,
	});
	return { ok: true, value: openApi(ctx, opened.value, cancellation) };
}

function toShutOut(error: unknown): FailureError {
	const said = shorten(error instanceof Error ? error.message : String(error));
	const cause = failureOf(error);
	const facts = { said, ...(cause ? { cause } : {}) };
	return new FailureError(
		makeFailure('credential', 'credentialOutOfReach', facts, { paid: 'told' }),
	);
}

interface Reachability {
	isDown(): boolean;
	note(answered: boolean): void;
}

function createReachability(): Reachability {
	let hasAnswered = false;
	let failures = 0;
	return {
		isDown: () => !hasAnswered && failures >= FAILURES_OF_A_SERVICE_THAT_IS_DOWN,
		note(answered) {
			if (answered) hasAnswered = true;
			else failures += 1;
		},
	};
}

async function checkTask(
	api: ApiContext,
	wait: TaskWait,
	startedAt: number,
	reachability: Reachability,
): Promise<Settled<Task> | undefined> {
	if (reachability.isDown()) return undefined;
	// Its own beginning counts: of a thousand rows the last one begins long after the first.
	const budget = checkBudget(wait, systemTime.now());
	const checked = await settle(
		getTask(api, wait.taskId, {
			...budget,
			deadline: Math.min(budget.deadline, startedAt + CHECK_MS),
			maxAttempts: budget.maxAttempts ?? ATTEMPTS_PER_TASK,
		}),
	);
	const kind = checked.ok ? undefined : failureOf(checked.error)?.kind;
	reachability.note(kind !== 'unavailable' && kind !== 'rateLimited');
	// A mistake in the program says nothing about the task either.
	return checked.ok || kind !== undefined ? checked : undefined;
}

function toEnd(error: unknown): RowEnd {
	const failure = failureOf(error);
	if (failure) return { failure };
	return { error: error instanceof Error ? error.message : String(error) };
}

/** Whether one of these rows is an error. */
function hasFailed(state: WaitState, newEnds: number[]): boolean {
	const rows = new Set(newEnds);
	return state.rows.filter(isTaskRow).some(({ row, settings }) => {
		const end = rows.has(row) ? state.ends.get(row) : undefined;
		if (!end) return false;
		return !('task' in end) || isRefused(end.task, settings);
	});
}

function isRefused(task: Task, settings: ResultSettings): boolean {
	try {
		refuseFailedTask(task, settings, 'thisAttempt');
		return false;
	} catch {
		return true;
	}
}
