/**
 * What went wrong, as a value: facts, and no words. `n8n/errors` makes an n8n error or an error row of it, with the
 * sentences of `n8n/errors/messages`.
 */

/** What follows from a failure; for the code that has to decide. */
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

/** What a request was for. */
export type Purpose =
	| {
			action:
				| 'submit'
				| 'quote'
				| 'listTasks'
				| 'readTask'
				| 'deleteTask'
				| 'readBalance'
				| 'fetchSecret';
	  }
	| { action: 'upload'; field: string };

/**
 * What is known of a failure, by its reason. The rooms above add theirs in files of the same name. `said`: the service's
 * own words, or what came back in the place of an answer.
 */
export interface FailureFacts {
	keyRefused: { said: string };
	keyNotAllowed: { said: string; status: number };
	requestRefused: { purpose: Purpose; said: string; status: number };
	noUsableAnswer: { purpose: Purpose; said: string };
	uploadFailed: { field: string; said: string };
	/** The address that came back is that of another file. */
	uploadNotUnique: object;
	uploadMethodUnknown: { field: string; method: string };
	secretRefused: { said: string };
	listHasNoEnd: object;
	/** A record of the list has no ID or status. */
	listUnreadable: object;
	taskNotFound: { said: string };
	/** Its ID was given. */
	taskOfOtherModel: { model: string };
	/** What keeps us from a task that was accepted and may run on. */
	taskOutOfSight: { cause: Failure };
	/** The same of a task that may have ended long ago. */
	taskNotRead: { cause: Failure };
	/** `videoUrl`: what the task names although its status does not say that it has ended. */
	waitTimedOut: { status: string; waitedMs: number; videoUrl?: string };
	/** No task of the account could be read for so long, so no new one was submitted. */
	tasksUnreadable: { forMs: number; said: string };
}

export type FailureReason = keyof FailureFacts;

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
 * What a failure cost. The first three are said to the user, so they must be known and not guessed. `told`: the words for
 * the reason say what happens to the money, because there is more to say than one sentence.
 */
export type Paid = 'nothing' | 'nothingByThisAttempt' | 'nothingForThisRow' | 'told';

/** What earlier tries have left of the row's tasks. */
export interface RowHistory {
	earlierTaskIds: string[];
	/** A submit without a clear answer. */
	isSubmitOpen: boolean;
}

interface FailureBase {
	kind: FailureKind;
	details: FailureDetails;
	paid: Paid;
	/** HTTP status of the answer that caused it. */
	httpStatus?: number;
	history?: RowHistory;
}

/** A failure of one of the given reasons. */
export type FailureOf<R extends FailureReason> = {
	[Reason in R]: FailureBase & { reason: Reason; facts: FailureFacts[Reason] };
}[R];

export type Failure = FailureOf<FailureReason>;

/** Before these nothing was accepted. All other kinds have a task, or may have one, and their words say so. */
const COSTS_NOTHING: ReadonlySet<FailureKind> = new Set([
	'invalidInput',
	'credential',
	'refused',
	'rateLimited',
	'unavailable',
	'costLimit',
]);

export class FailureError extends Error {
	/** The text is for developers: users see the words of `n8n/errors/messages`. */
	constructor(readonly failure: Failure) {
		super(`${failure.kind}: ${failure.reason}`);
		this.name = 'FailureError';
	}
}

type More = Partial<Omit<FailureBase, 'kind'>>;

export const makeFailure = <R extends FailureReason>(
	kind: FailureKind,
	reason: R,
	facts: FailureFacts[R],
	more: More = {},
): Failure => {
	const failure: FailureOf<R> = {
		...{ kind, reason, facts, details: {} },
		paid: COSTS_NOTHING.has(kind) ? 'nothing' : 'told',
		...more,
	};
	// Reason and facts belong together, which TypeScript doesn't see for a reason that is a parameter.
	return failure as Failure;
};

export function fail<R extends FailureReason>(
	kind: FailureKind,
	reason: R,
	facts: FailureFacts[R],
	more?: More,
): never {
	throw new FailureError(makeFailure(kind, reason, facts, more));
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
