import type { Clock, Random } from '../../async/clock';
import { readEnvelope, type ApiResult } from './envelope';
import type { HttpRequest, NoAnswer, Send } from './types';
import { fail, type Failure, FailureError } from '../failures';
import { parseRetryAfter, pauseBeforeRetry } from '../../async/backoff';
import type { Permit, BackoffGate } from '../../async/backoffGate';
import { settle } from '../../async/settle';

/** What every call to the API needs; one per run, so that its rows share the pause. */
export interface ApiContext {
	send: Send;
	clock: Clock;
	random: Random;
	/** For requests that cost nothing; submits have their own. */
	readGate: BackoffGate;
}

/** How long a request that costs nothing is tried. */
export interface RetryBudget {
	/** Give up at this time (ms since the epoch). */
	deadline: number;
	/** Give up after so many passing failures; without it only the deadline counts. */
	maxAttempts?: number;
	/** Until this time (ms since the epoch) "not found" may only mean "not yet there". */
	notFoundUntil?: number;
}

export const REQUEST_TIMEOUT_MS = 30_000;
const SHORTEST_TRY_MS = 1_000;

/** For requests before anything is paid: a service that is down should fail the row soon. */
const MAX_ATTEMPTS = 5;
const PREPARATION_BUDGET_MS = 10 * 60_000;

export const preparationBudget = (clock: Clock): RetryBudget => ({
	deadline: clock.now() + PREPARATION_BUDGET_MS,
	maxAttempts: MAX_ATTEMPTS,
});

export type ReadRequest = Omit<HttpRequest, 'timeoutMs' | 'finishOnStop' | 'file'>;

/**
 * Sends a request that costs nothing, again and again while the reason for its failure can pass:
 * no answer, 429, 5xx, an unreadable body. `parse` returns undefined for data of the wrong shape.
 * `purpose` completes "Could not …". Throws a FailureError (credential, refused, rateLimited, unavailable).
 */
export async function requestWithRetry<T>(
	api: ApiContext,
	request: ReadRequest,
	parse: (data: unknown) => T | undefined,
	purpose: string,
	retryBudget: RetryBudget,
): Promise<T> {
	const { clock } = api;
	let problem = 'WaveSpeed answers "too many requests"';
	let httpStatus: number | undefined;
	for (let attempt = 1; ; ) {
		const permit = await api.readGate.enterBefore(retryBudget.deadline);
		if (!permit) break;
		const remaining = retryBudget.deadline - clock.now();
		// An answer can't come in so short a time, and "no answer" would hide what the last one said.
		if (httpStatus !== undefined && remaining < SHORTEST_TRY_MS) {
			permit.release();
			break;
		}
		const timeoutMs = Math.max(1, Math.min(REQUEST_TIMEOUT_MS, remaining));
		const result = await sendAndRead(api, permit, { ...request, timeoutMs });
		httpStatus = 'status' in result ? result.status : undefined;

		if (result.kind === 'data') {
			const value = parse(result.data);
			if (value !== undefined) return value;
			problem = 'the answer was not what the API promises';
		} else {
			problem = result.text || `HTTP status ${httpStatus}`;
		}
		if (result.kind === 'refused') {
			const mayAppear = result.status === 404 && clock.now() < (retryBudget.notFoundUntil ?? 0);
			if (!mayAppear) throw new FailureError(describeRefusal(purpose, result.status, result.text));
		}
		// A 429 doesn't use up an attempt: everyone waits for it together, and the deadline bounds it.
		if (result.kind === 'rateLimited') continue;
		const asked =
			'retryAfter' in result ? parseRetryAfter(result.retryAfter, clock.now()) : undefined;
		const pauseMs = Math.max(asked ?? 0, pauseBeforeRetry(attempt, api.random));
		if (attempt >= (retryBudget.maxAttempts ?? Infinity)) break;
		if (clock.now() + pauseMs >= retryBudget.deadline) break;
		await clock.sleep(pauseMs);
		attempt += 1;
	}
	return fail(
		httpStatus === 429 ? 'rateLimited' : 'unavailable',
		`Could not ${purpose}: ${problem}`,
		`WaveSpeed may have a passing problem: try again later.`,
		{ httpStatus },
	);
}

/** What came back, or that nothing did. */
export type RequestResult =
	| ApiResult
	| { kind: 'noAnswer'; reason: NoAnswer['reason']; text: string };

/** Sends one request once, and lets the other rows know if it was one too many. */
export async function sendAndRead(
	api: Pick<ApiContext, 'send'>,
	permit: Permit,
	request: HttpRequest,
): Promise<RequestResult> {
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
	const result = readEnvelope(outcome);
	if (result.kind === 'rateLimited') permit.refused(result.retryAfter);
	else permit.accepted();
	return result;
}

/** A refusal in words; `purpose` completes "Could not …". */
export function describeRefusal(purpose: string, status: number, text: string): Failure {
	const said = text === '' ? `HTTP status ${status}` : text;
	const refusal = { details: {}, httpStatus: status, paid: 'nothing' } as const;
	if (status === 401) {
		return {
			...refusal,
			kind: 'credential',
			message: `WaveSpeed doesn't accept the API key (${said})`,
			advice: `Check the key in the WaveSpeed API credential. A key works only after a first top-up of the account.`,
		};
	}
	if (status === 403) {
		return {
			...refusal,
			kind: 'credential',
			message: `WaveSpeed doesn't allow this with the API key of the credential: ${said}`,
			advice: adviceForRefusal(status, said),
		};
	}
	const message = `Could not ${purpose}: ${said}`;
	return { ...refusal, kind: 'refused', message, advice: adviceForRefusal(status, said) };
}

/** The status for an empty balance is not documented, so its words have to tell. */
const EMPTY_BALANCE =
	/insufficient[ _-]?(credit|balance|fund)|not enough (credit|balance)|top.?up|code 1407/i;

function adviceForRefusal(status: number, said: string): string {
	if (EMPTY_BALANCE.test(said)) {
		return `The balance of the WaveSpeed account is too low. Top it up at wavespeed.ai, then run again.`;
	}
	if (status === 403) {
		return `Check the role of the key and the state of the account at WaveSpeed.`;
	}
	if (status === 429) {
		return `A quota of the WaveSpeed account is used up, and waiting a minute doesn't bring it back. Look at wavespeed.ai what is left.`;
	}
	if (status === 404) {
		return `There is no such address at the service: check the base URL in the credential.`;
	}
	if (status >= 300 && status < 400) {
		return `The service answered with a redirect, which is not followed so that the key goes nowhere else. Check the base URL in the credential.`;
	}
	return `WaveSpeed refused the request; the text above says why.`;
}
