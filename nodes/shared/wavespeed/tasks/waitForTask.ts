import type { ApiContext } from '../http/request';
import { fail, FailureError, failureOf } from '../failures';
import { phaseOf, type Task } from './task';
import { getTask } from './getTask';
import { settle } from '../../async/settle';

export interface WaitOptions {
	/** The longest wait, from the call on. */
	timeoutMs: number;
	/** The shortest gap between two checks. */
	minGapMs: number;
	/** Since when the task has been running (ms since the epoch); if unknown, what the service says counts. */
	startedAt?: number;
	/** Before the first check: a task that was just submitted can't have ended. */
	firstGapMs: number;
	/** What is known already, so that a time-out before the first answer can name a status. */
	lastStatus?: string;
}

/** The docs advise a growing interval; a gap of a tenth of the wait keeps the delay at the end below 10 %. */
const GAP_SHARE_OF_WAIT = 0.1;
const LONGEST_GAP_MS = 30_000;

/** A new task may not be found everywhere at once; failing then would lose a paid video. */
export const NOT_FOUND_GRACE_MS = 60_000;

/** The gap in ms until the next check of a task that has been waited for `waitedMs`. */
export const nextGapMs = (waitedMs: number, minGapMs: number): number =>
	Math.max(minGapMs, Math.min(waitedMs * GAP_SHARE_OF_WAIT, LONGEST_GAP_MS));

/**
 * The one function that waits. Resolves with the ended task, also a failed one; the deadline bounds everything,
 * retries and requests in flight included. Throws a FailureError `waitTimedOut` that names task and status.
 */
export async function waitForTask(
	api: ApiContext,
	taskId: string,
	options: WaitOptions,
): Promise<Task> {
	const { clock } = api;
	const calledAt = clock.now();
	let startedAt = options.startedAt;
	const deadline = calledAt + options.timeoutMs;
	let lastStatus = options.lastStatus ?? 'unknown';
	let gapMs = options.firstGapMs;

	for (;;) {
		const untilDeadline = deadline - clock.now();
		if (gapMs > 0 && untilDeadline > 0) {
			const slept = await settle(clock.sleep(Math.min(gapMs, untilDeadline)));
			if (!slept.ok) throw describeLostSight(slept.error, taskId, lastStatus);
		}
		const isLastCheck = clock.now() >= deadline;
		const checked = await settle(
			getTask(api, taskId, {
				// The last check may take a moment beyond the limit, or a result would be missed by a hair.
				deadline: isLastCheck ? clock.now() + LAST_CHECK_MS : deadline,
				maxAttempts: isLastCheck ? 1 : undefined,
				notFoundUntil: (startedAt ?? 0) + NOT_FOUND_GRACE_MS,
			}),
		);
		if (checked.ok) {
			if (phaseOf(checked.value) !== 'running') return checked.value;
			lastStatus = checked.value.status || lastStatus;
			startedAt ??= readCreationTime(checked.value, clock.now());
		} else {
			const kind = failureOf(checked.error)?.kind;
			// The deadline ends these two only, so what they say is: no answer until the time limit.
			const isOutOfTime = kind === 'unavailable' || kind === 'rateLimited';
			if (!isOutOfTime) throw describeLostSight(checked.error, taskId, lastStatus);
		}
		if (isLastCheck || !checked.ok) failTimedOut(taskId, lastStatus, clock.now() - calledAt);
		gapMs = nextGapMs(clock.now() - (startedAt ?? calledAt), options.minGapMs);
	}
}

const LAST_CHECK_MS = 10_000;

/** Never later than now: the service's clock may be ahead of ours. */
function readCreationTime(task: Task, nowMs: number): number | undefined {
	return task.createdAt === null ? undefined : Math.min(Date.parse(task.createdAt), nowMs);
}

/** The task runs on whatever keeps us from looking at it, and that is what its owner has to know. */
export function describeLostSight(error: unknown, taskId: string, status: string): unknown {
	const failure = failureOf(error);
	if (!failure) return error;
	const details = { taskId, status, ...failure.details };
	if (['stopped', 'abandoned', 'parked'].includes(failure.kind)) {
		return new FailureError({ ...failure, details });
	}
	// Whether there is such a task is just what isn't known after "not found".
	if (failure.httpStatus === 404) {
		const advice = `${failure.advice} A task that WaveSpeed has accepted is paid for.`;
		return new FailureError({ ...failure, advice, details, paid: 'told' });
	}
	const advice = `The task goes on at WaveSpeed and is paid for. ${failure.advice} Then fetch its video with "Wait for Task" or "Get Task" and this ID.`;
	return new FailureError({ ...failure, advice, details, paid: 'told' });
}

/** A look at a task that may have ended long ago: what kept us from it says nothing about the task. */
export function describeFailedLook(error: unknown, taskId: string): unknown {
	const failure = failureOf(error);
	if (!failure) return error;
	const advice = `${failure.advice} Looking costs nothing. A task that WaveSpeed has accepted goes on and is paid for, so look again before you submit another.`;
	return new FailureError({
		...failure,
		advice,
		details: { taskId, ...failure.details },
		paid: 'told',
	});
}

function failTimedOut(taskId: string, status: string, waitedMs: number): never {
	fail(
		'waitTimedOut',
		`Task ${taskId} has not ended after ${describeDuration(waitedMs)} (last status: ${status})`,
		'The task goes on at WaveSpeed and is paid for. Fetch its video later with "Wait for Task" or "Get Task" and this ID, or raise "Timeout (Minutes)".',
		{ details: { taskId, status } },
	);
}

function describeDuration(ms: number): string {
	const seconds = Math.round(ms / 1000);
	if (seconds < 120) return `${seconds} seconds`;
	return `${Math.round(seconds / 60)} minutes`;
}
