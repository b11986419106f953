import { FailureError, failureOf } from '../failures';

/** What keeps us from the end of a task that was accepted. */

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
	const advice = `The task goes on at WaveSpeed and is paid for. ${failure.advice} Then fetch its video with "Wait" or "Get" and this ID.`;
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

/** The wait has reached its limit. */
export const describeTimeOut = (taskId: string, status: string, waitedMs: number): FailureError =>
	new FailureError({
		kind: 'waitTimedOut',
		message: `The task has not ended after ${describeDuration(waitedMs)} (last status: ${status})`,
		advice:
			'The task goes on at WaveSpeed and is paid for. Fetch its video later with "Wait" or "Get" and this ID, or raise "Timeout (Minutes)".',
		paid: 'told',
		details: { taskId, status },
	});

function describeDuration(ms: number): string {
	const seconds = Math.round(ms / 1000);
	if (seconds < 120) return `${seconds} seconds`;
	return `${Math.round(seconds / 60)} minutes`;
}
