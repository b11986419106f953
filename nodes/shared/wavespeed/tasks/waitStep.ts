import type { Settled } from '../../async/settle';
import { failureOf } from '../failures';
import type { RetryBudget } from '../http/request';
import { findOtherModel } from './otherModel';
import { phaseOf, type Task } from './task';
import { toOutOfSight, toTimeOut } from './waitFailures';

/**
 * The wait for one task as a small state machine: state in, a check, state out. A run that waits in its process and one
 * that is stored by n8n between the checks both drive it, so that they mean the same.
 */

/** Plain data. Times are ms on the steady clock. */
export interface TaskWait {
	taskId: string;
	/** The API's last word; `unknown` before the first answer. */
	status: string;
	/** When the wait began, and when it ends in a time-out. */
	since: number;
	deadline: number;
	/** The shortest gap between two checks. */
	minGapMs: number;
	/** Since when the task has been running; if unknown, what the service says counts. */
	startedAt?: number;
	nextCheckAt: number;
	/** Somebody has named the task, so that it may be of any model. */
	isGiven?: boolean;
	/** What a task names that has not ended, by a status that we don't know. */
	videoUrls?: string[];
}

export interface WaitOptions {
	/** The longest wait, from the call on. */
	timeoutMs: number;
	/** The shortest gap between two checks. */
	minGapMs: number;
	/** Since when the task has been running (on the steady clock, ms); if unknown, what the service says counts. */
	startedAt?: number;
	/** Before the first check: a task that was just submitted can't have ended. */
	firstGapMs: number;
	/** What is known already, so that a time-out before the first answer can name a status. */
	lastStatus?: string;
	/** Somebody has named the task, so that it may be of any model. */
	isGiven?: boolean;
}

/** What a check has changed. */
export type WaitStep =
	| { kind: 'waits'; wait: TaskWait }
	/** The task has ended, well or badly. */
	| { kind: 'ended'; task: Task }
	/** The wait is over, and the task goes on or can't be seen. */
	| { kind: 'lost'; error: unknown };

export function startWait(taskId: string, options: WaitOptions, now: number): TaskWait {
	const { startedAt } = options;
	return {
		taskId,
		status: options.lastStatus || 'unknown',
		since: now,
		deadline: now + options.timeoutMs,
		minGapMs: options.minGapMs,
		...(startedAt === undefined ? {} : { startedAt }),
		nextCheckAt: now + options.firstGapMs,
		...(options.isGiven ? { isGiven: true } : {}),
	};
}

/** When there is something to do next: a check, or the last one at the time limit. */
export const dueAt = ({ nextCheckAt, deadline }: TaskWait): number =>
	Math.min(nextCheckAt, deadline);

/** The docs advise a growing interval; a gap of a tenth of the wait keeps the delay at the end below 10 %. */
const GAP_SHARE_OF_WAIT = 0.1;
const LONGEST_GAP_MS = 30_000;

/** The gap in ms until the next check of a task that has been waited for `waitedMs`. */
export const nextGapMs = (waitedMs: number, minGapMs: number): number =>
	Math.max(minGapMs, Math.min(waitedMs * GAP_SHARE_OF_WAIT, LONGEST_GAP_MS));

/** A new task may not be found everywhere immediately; failing then would lose a paid video. */
export const NOT_FOUND_GRACE_MS = 60_000;

const LAST_CHECK_MS = 10_000;

/** For the check of `wait` that begins at `now`. */
export function checkBudget(wait: TaskWait, now: number): RetryBudget {
	const isLast = now >= wait.deadline;
	return {
		// The last check may take a moment beyond the limit, or a result would be missed by a hair.
		deadline: isLast ? now + LAST_CHECK_MS : wait.deadline,
		maxAttempts: isLast ? 1 : undefined,
		notFoundUntil: (wait.startedAt ?? 0) + NOT_FOUND_GRACE_MS,
	};
}

/**
 * What `checked` means for the wait; undefined: nothing could be asked. `isLast`: there is no time left for another
 * check.
 */
export function noteCheck(
	wait: TaskWait,
	checked: Settled<Task> | undefined,
	now: number,
	isLast: boolean,
): WaitStep {
	const other = checked?.ok && wait.isGiven ? findOtherModel(checked.value) : undefined;
	if (other) return { kind: 'lost', error: other };
	if (checked?.ok && phaseOf(checked.value) !== 'running') {
		return { kind: 'ended', task: checked.value };
	}
	const seen = checked?.ok ? noteRunning(wait, checked.value, now) : wait;
	if (checked && !checked.ok) {
		const kind = failureOf(checked.error)?.kind;
		// These two pass: only the time limit makes them final, and then they mean "no answer until then".
		const isTransient = kind === 'unavailable' || kind === 'rateLimited';
		if (!isTransient) {
			return { kind: 'lost', error: toOutOfSight(checked.error, wait.taskId, wait.status) };
		}
	}
	if (isLast) {
		return { kind: 'lost', error: toTimeOut(seen, now - seen.since) };
	}
	const gapMs = nextGapMs(now - (seen.startedAt ?? seen.since), seen.minGapMs);
	return { kind: 'waits', wait: { ...seen, nextCheckAt: now + gapMs } };
}

function noteRunning(wait: TaskWait, task: Task, now: number): TaskWait {
	const startedAt = wait.startedAt ?? readCreationTime(task, now);
	return {
		...wait,
		status: task.status || wait.status,
		...(task.videoUrls.length > 0 ? { videoUrls: task.videoUrls } : {}),
		...(startedAt === undefined ? {} : { startedAt }),
	};
}

/** Never later than now: the service's clock may be ahead of ours. */
function readCreationTime(task: Task, nowMs: number): number | undefined {
	return task.createdAt === null ? undefined : Math.min(Date.parse(task.createdAt), nowMs);
}
