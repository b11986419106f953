/** What went wrong, as a value: the adapter turns it into an n8n error or into an error row. */

export type FailureKind =
	/** Refused here, before anything was sent. */
	| 'invalidInput'
	/** The service doesn't accept the key (401, 403). */
	| 'credential'
	/** The service refused the request; nothing was accepted. */
	| 'refused'
	/** Too many requests, for longer than we were ready to wait. */
	| 'rateLimited'
	/** No usable answer to a request that doesn't cost anything. */
	| 'unavailable'
	/** A submit ended without a clear answer: a task may exist. */
	| 'submitUnknown'
	/** The task ended without a video. */
	| 'taskFailed'
	/** The time limit of the wait was reached; the task goes on. */
	| 'waitTimedOut'
	/** The video exists but couldn't be fetched. */
	| 'downloadFailed'
	/** A cost limit that the user has set. */
	| 'costLimit'
	/** The execution was stopped. */
	| 'stopped'
	/** Not sent, because another row's failure ended the run. */
	| 'abandoned'
	/** Parked: the wait goes on in n8n's database. */
	| 'parked';

/** What is known about the row's task when it fails: the `details` of an error row. */
export interface FailureDetails {
	taskId?: string;
	status?: string;
	videoUrl?: string;
	videoUrls?: string[];
	failureReason?: string;
	failureCode?: number | null;
	costUsd?: number;
	/** Tasks of earlier tries, which are paid for unless they failed. */
	earlierTaskIds?: string[];
	/** Tasks that may be this row's, after a submit without a clear answer. */
	candidateTaskIds?: string[];
	/** The name of the parameter that holds a wrong value or expression. */
	parameter?: string;
}

/**
 * What a failure cost. `nothing` is said to the user, so it must be known and not guessed; `told`: the text itself
 * says what happens to the money, because there is more to say than one sentence.
 */
export type Paid = 'nothing' | 'told';

/** Before these nothing was accepted. All other kinds have a task, or may have one, and their texts say so. */
const COSTS_NOTHING: ReadonlySet<FailureKind> = new Set([
	'invalidInput',
	'credential',
	'refused',
	'rateLimited',
	'unavailable',
	'costLimit',
]);

export interface Failure {
	kind: FailureKind;
	/** What happened. */
	message: string;
	/** What to do, and whether money is at stake. */
	advice: string;
	details: FailureDetails;
	paid: Paid;
	/** HTTP status of the answer that caused it. */
	httpStatus?: number;
	/** The wait that the service asked for, in ms. */
	retryAfterMs?: number;
}

export class FailureError extends Error {
	constructor(readonly failure: Failure) {
		super(failure.message);
		this.name = 'FailureError';
	}
}

export function fail(
	kind: FailureKind,
	message: string,
	advice: string,
	more: Partial<Omit<Failure, 'kind' | 'message' | 'advice'>> = {},
): never {
	const paid = COSTS_NOTHING.has(kind) ? 'nothing' : 'told';
	throw new FailureError({ kind, message, advice, details: {}, paid, ...more });
}

/** The failure inside an error; undefined for anything that is a mistake in the program. */
export const failureOf = (error: unknown): Failure | undefined =>
	error instanceof FailureError ? error.failure : undefined;

/** Passes a failure on with what the caller knows about the task; details that are set already win. */
export function withDetails(error: unknown, details: FailureDetails): unknown {
	if (!(error instanceof FailureError)) return error;
	return new FailureError({
		...error.failure,
		details: { ...details, ...error.failure.details },
	});
}
