import type { Clock, Random } from '../../async/clock';
import type { Waiter } from '../../async/waiter';
import type { TaskReads } from '../tasks/taskReads';
import type { Outages, OutageWatch } from './outages';
import type { ServiceClock } from './serviceClock';
import { readEnvelope, type ApiResult } from './envelope';
import type { HttpRequest, NoAnswer, Send } from './types';
import { type Failure, FailureError, failureOf, makeFailure, type Purpose } from '../failures';
import { parseRetryAfter } from '../../async/backoff';
import { type Attempt, retry } from '../../async/retry';
import type { Permit, BackoffGate } from '../../async/backoffGate';
import { momentOf } from '../../async/moment';
import { settle } from '../../async/settle';

/** What every call to the API needs: the run's own clock and cancellation, and what the account's runs share. */
export interface ApiContext extends Waiter {
	send: Send;
	random: Random;
	/** For requests that cost nothing; submits have their own. */
	readGate: BackoffGate;
	serviceClock: ServiceClock;
	outages: Outages;
	taskReads: TaskReads;
}

/** How long a request that costs nothing is tried. Times are on the steady clock, ms. */
export interface RetryBudget {
	/** Give up at this time. */
	deadline: number;
	/** Give up after so many passing failures; without it only the deadline counts. */
	maxAttempts?: number;
	/** Without a connection only the deadline counts. */
	waitsForConnection?: boolean;
	/** One request, whatever the answer: also "too many requests" ends it. */
	onlyOnce?: boolean;
	/** Until this time "not found" may only mean "not yet there". */
	notFoundUntil?: number;
	/** Nothing is lost if it fails: it fails immediately where others have just found that the service doesn't answer. */
	failsFast?: boolean;
}

export const REQUEST_TIMEOUT_MS = 30_000;
const SHORTEST_TRY_MS = 1_000;

/** For requests before anything is paid: a service that is down should fail the row soon. */
const MAX_ATTEMPTS = 5;
const PREPARATION_BUDGET_MS = 10 * 60_000;

export const preparationBudget = (clock: Clock): RetryBudget => ({
	deadline: clock.now() + PREPARATION_BUDGET_MS,
	maxAttempts: MAX_ATTEMPTS,
	failsFast: true,
});

/** For what a row of a batch needs before its submit: a router that starts anew must not cost the rows of that minute. */
export const inputBudget = (clock: Clock): RetryBudget => ({
	...preparationBudget(clock),
	waitsForConnection: true,
});

export type ReadRequest = Omit<HttpRequest, 'timeoutMs' | 'deadline' | 'finishOnStop' | 'file'>;

/** A request that costs nothing, and what its answer has to be. */
export interface ReadCall<T> {
	purpose: Purpose;
	request: ReadRequest;
	/** Undefined for data of the wrong shape. */
	parse: (data: unknown) => T | undefined;
	/** Hears of each attempt what came in the place of the data; undefined: the data. */
	noteAttempt?: (problem: Problem | undefined) => void;
}

/**
 * Sends a request that costs nothing, again and again while the reason for its failure can pass: no answer, 429, 5xx, an
 * unreadable body. Throws a FailureError (credential, refused, rateLimited, unavailable).
 */
export async function requestWithRetry<T>(
	api: ApiContext,
	call: ReadCall<T>,
	retryBudget: RetryBudget,
): Promise<T> {
	const outage = retryBudget.failsFast ? watchOutage(api, call.request) : undefined;
	const watched = { ...call, request: { ...call.request, whyGiveUp: outage?.whyDown } };
	const outcome = await settle(tryOften(api, watched, retryBudget, outage));
	if (outcome.ok) return outcome.value;
	const { error } = outcome;
	const kind = failureOf(error)?.kind;
	const isGivenUp = kind === 'unavailable' || kind === 'rateLimited';
	if (isGivenUp && error instanceof FailureError) outage?.noteDown(error);
	throw error;
}

function watchOutage({ outages, clock }: ApiContext, request: ReadRequest): OutageWatch {
	const path = 'path' in request.target ? request.target.path : '';
	const asked = `${path} ${JSON.stringify(request.json ?? null).slice(0, MOST_TARGET_CHARS)}`;
	return outages.watch(endpointOf(request), asked, clock);
}

/** Addresses and the beginning of a prompt: enough to tell rows apart. */
const MOST_TARGET_CHARS = 2_000;

/** The results of all tasks are one endpoint. */
const ANY_TASK = /\/[^/]+\/(?=result$)/;

const endpointOf = ({ target }: ReadRequest): string =>
	'path' in target ? target.path.replace(ANY_TASK, '/*/') : '';

async function tryOften<T>(
	api: ApiContext,
	call: ReadCall<T>,
	retryBudget: RetryBudget,
	outage: OutageWatch | undefined,
): Promise<T> {
	const { purpose, request, parse, noteAttempt } = call;
	const { deadline, maxAttempts } = retryBudget;
	let last: Problem | undefined;
	const attemptOnce = async (): Promise<Attempt<T>> => {
		outage?.throwIfDown();
		const result = await sendBefore(api, request, deadline, last?.httpStatus !== undefined);
		if (!result || hadNoTurn(result)) {
			// Says nothing about the service, unlike what came before.
			last ??= result && toProblem(result);
			if (!result) outage?.noteHeldBack();
			return { kind: 'failed' };
		}
		const value = result.kind === 'data' ? parse(result.data) : undefined;
		noteAttempt?.(value === undefined ? toProblem(result) : undefined);
		if (value !== undefined || result.kind === 'refused') outage?.noteAnswer();
		if (value !== undefined) return { kind: 'done', value };
		last = toProblem(result);
		if (result.kind === 'rateLimited') outage?.noteTurnedAway(toGivenUp(purpose, last));
		return readProblem(api, call, retryBudget, result);
	};
	const limits = { maxAttempts, deadline, goesOn: () => !outage?.noteNoAnswer(last?.httpStatus) };
	const value = await retry(api, limits, attemptOnce);
	if (value !== undefined) return value;
	throw toGivenUp(purpose, last);
}

/** Whether an attempt without usable data is made again; throws for a refusal. */
function readProblem(
	{ clock }: ApiContext,
	{ purpose }: Pick<ReadCall<unknown>, 'purpose'>,
	{ onlyOnce, notFoundUntil = 0, waitsForConnection }: RetryBudget,
	result: RequestResult,
): Exclude<Attempt<never>, { kind: 'done' }> {
	if (result.kind === 'refused') {
		const mayAppear = result.status === 404 && clock.now() < notFoundUntil;
		if (!mayAppear) throw new FailureError(toRefusal(purpose, result.status, result.text));
	}
	if (onlyOnce) return { kind: 'failed' };
	// Everyone waits for it together, and the deadline bounds it.
	if (result.kind === 'rateLimited') return { kind: 'turnedAway' };
	const retryAfter = 'retryAfter' in result ? result.retryAfter : undefined;
	const isNotSent = result.kind === 'noAnswer' && result.reason === 'notSent';
	const isFree = waitsForConnection && isNotSent;
	return { kind: 'transient', askedMs: parseRetryAfter(retryAfter, clock.wallTime()), isFree };
}

function toGivenUp(
	purpose: Purpose,
	{ said, httpStatus }: Problem = { said: TOO_MANY_REQUESTS },
): FailureError {
	const kind = httpStatus === 429 ? 'rateLimited' : 'unavailable';
	return new FailureError(makeFailure(kind, 'noUsableAnswer', { purpose, said }, { httpStatus }));
}

const hadNoTurn = (result: RequestResult): boolean =>
	result.kind === 'noAnswer' && result.reason === 'noTurn';

const TOO_MANY_REQUESTS = 'WaveSpeed answers "too many requests"';

/** Why there is no usable answer yet. */
interface Problem {
	said: string;
	httpStatus?: number;
}

function toProblem(result: RequestResult): Problem {
	const httpStatus = 'status' in result ? result.status : undefined;
	const said =
		result.kind === 'data'
			? 'the answer was not what the API promises'
			: result.text || `HTTP status ${httpStatus}`;
	return { said, httpStatus };
}

/**
 * One attempt in its turn; undefined if there was none before the deadline, or one that is too late: an answer can't come
 * in so short a time, and "no answer" would hide what is known (`hasAnswer`: the service has said something before) or
 * what it waited for here, "too many requests".
 */
async function sendBefore(
	api: ApiContext,
	request: ReadRequest,
	deadline: number,
	hasAnswer: boolean,
): Promise<RequestResult | undefined> {
	const askedAt = api.clock.now();
	const permit = await api.readGate.enterBefore(api, deadline, endpointOf(request));
	const now = api.clock.now();
	const remaining = deadline - now;
	const hasWaited = now - askedAt >= SHORTEST_TRY_MS;
	const isTooLate = remaining < SHORTEST_TRY_MS && (hasAnswer || hasWaited);
	if (!permit || isTooLate) {
		permit?.release();
		return undefined;
	}
	const timeoutMs = Math.max(1, Math.min(REQUEST_TIMEOUT_MS, remaining));
	return await sendAndRead(api, permit, { ...request, timeoutMs, deadline });
}

/** What came back, or that nothing did. */
export type RequestResult =
	| ApiResult
	| { kind: 'noAnswer'; reason: NoAnswer['reason']; text: string };

/**
 * Sends one request once, and lets the other rows know if it was one too many. `isWithinLimit`: whether an answer shows that
 * it was not; without it any does.
 */
export async function sendAndRead(
	api: Pick<ApiContext, 'send' | 'clock' | 'serviceClock'>,
	permit: Permit,
	request: HttpRequest,
	isWithinLimit?: (result: ApiResult) => boolean,
): Promise<RequestResult> {
	const askedAt = momentOf(api.clock);
	const sent = await settle(api.send(request));
	if (!sent.ok) {
		permit.release();
		throw sent.error;
	}
	const outcome = sent.value;
	if (!outcome.answered) {
		permit.release();
		return { kind: 'noAnswer', reason: outcome.reason, text: outcome.text };
	}
	api.serviceClock.note(outcome.headers, api.clock, askedAt);
	const result = readEnvelope(outcome);
	if (result.kind === 'rateLimited') permit.refused(result.retryAfter);
	else if (isWithinLimit?.(result) === false) permit.release();
	else permit.accepted();
	return result;
}

/** The service has understood the request, and refused it. */
export function toRefusal(purpose: Purpose, status: number, text: string): Failure {
	const said = text === '' ? `HTTP status ${status}` : text;
	const more = { httpStatus: status };
	if (status === 401) return makeFailure('credential', 'keyRefused', { said }, more);
	if (status === 403) return makeFailure('credential', 'keyNotAllowed', { said, status }, more);
	return makeFailure('refused', 'requestRefused', { purpose, said, status }, more);
}
