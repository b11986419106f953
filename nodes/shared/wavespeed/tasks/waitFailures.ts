import { type Failure, FailureError, failureOf, makeFailure } from '../failures';

/** What keeps us from the end of a task that was accepted. */

/** These end the wait from our side, and say nothing of the task. */
const ENDED_BY_US: readonly Failure['kind'][] = ['stopped', 'abandoned', 'parked'];

/** The task runs on whatever keeps us from it, and that is what its owner has to know. */
export function toOutOfSight(error: unknown, taskId: string, status: string): unknown {
	const cause = failureOf(error);
	if (!cause) return error;
	const { kind, httpStatus } = cause;
	const details = { taskId, status, ...cause.details };
	if (ENDED_BY_US.includes(kind)) return new FailureError({ ...cause, details });
	return new FailureError(
		makeFailure(kind, 'taskOutOfSight', { cause }, { details, httpStatus, paid: 'told' }),
	);
}

/** A check of a task that may have ended long ago: what kept us from it says nothing about the task. */
export function toNotRead(error: unknown, taskId: string): unknown {
	const cause = failureOf(error);
	if (!cause) return error;
	const { kind, httpStatus } = cause;
	const details = { taskId, ...cause.details };
	return new FailureError(
		makeFailure(kind, 'taskNotRead', { cause }, { details, httpStatus, paid: 'told' }),
	);
}

/** What is known of the task by then. */
interface Unfinished {
	taskId: string;
	status: string;
	videoUrls?: string[];
}

/** The wait has reached its limit. A video that the task names is not lost, whatever its status means. */
export function toTimeOut(
	{ taskId, status, videoUrls = [] }: Unfinished,
	waitedMs: number,
): FailureError {
	const [videoUrl] = videoUrls;
	const video = videoUrl === undefined ? {} : { videoUrl };
	const details = { taskId, status, ...video, ...(videoUrl === undefined ? {} : { videoUrls }) };
	return new FailureError(
		makeFailure('waitTimedOut', 'waitTimedOut', { status, waitedMs, ...video }, { details }),
	);
}
