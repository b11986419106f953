import type { Clock, Random } from './clock';
import { readEnvelope, type Reading } from './envelope';
import type { HttpRequest, NoAnswer, Send } from './exchange';
import { fail, type Failure, FailureError, NOTHING_PAID, settle } from './failures';
import { parseRetryAfter, pauseBeforeRetry } from './retry';
import type { Pass, SharedPause } from './sharedPause';

/** What every call to the API needs; one per run, so that its rows share the pause. */
export interface ApiContext {
	send: Send;
	clock: Clock;
	random: Random;
	/** For requests that cost nothing; submits have their own. */
	readPause: SharedPause;
}

/** How long a request that costs nothing is tried. */
export interface Patience {
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
const PREPARATION_PATIENCE_MS = 10 * 60_000;

export const preparationPatience = (clock: Clock): Patience => ({
	deadline: clock.now() + PREPARATION_PATIENCE_MS,
	maxAttempts: MAX_ATTEMPTS,
});

export type ReadRequest = Omit<HttpRequest, 'timeoutMs' | 'finishOnStop' | 'file'>;

/**
 * Sends a request that costs nothing, again and again while the reason for its failure can pass:
 * no answer, 429, 5xx, an unreadable body. `parse` returns undefined for data of the wrong shape.
 * `purpose` completes "Could not …". Throws a FailureError (credential, refused, rateLimited, unavailable).
 */
export async function readFromApi<T>(
	api: ApiContext,
	request: ReadRequest,
	parse: (data: unknown) => T | undefined,
	purpose: string,
	patience: Patience,
): Promise<T> {
	const { clock } = api;
	let problem = 'WaveSpeed answers "too many requests"';
	let httpStatus: number | undefined;
	for (let attempt = 1; ; ) {
		const pass = await api.readPause.enterBefore(patience.deadline);
		if (!pass) break;
		const remaining = patience.deadline - clock.now();
		// An answer can't come in so short a time, and "no answer" would hide what the last one said.
		if (httpStatus !== undefined && remaining < SHORTEST_TRY_MS) {
			pass.left();
			break;
		}
		const timeoutMs = Math.max(1, Math.min(REQUEST_TIMEOUT_MS, remaining));
		const reading = await sendAndRead(api, pass, { ...request, timeoutMs });
		httpStatus = 'status' in reading ? reading.status : undefined;

		if (reading.kind === 'data') {
			const value = parse(reading.data);
			if (value !== undefined) return value;
			problem = 'the answer was not what the API promises';
		} else {
			problem = reading.text || `HTTP status ${httpStatus}`;
		}
		if (reading.kind === 'refused') {
			const mayAppear = reading.status === 404 && clock.now() < (patience.notFoundUntil ?? 0);
			if (!mayAppear)
				throw new FailureError(describeRefusal(purpose, reading.status, reading.text));
		}
		// A 429 doesn't use up an attempt: everyone waits for it together, and the deadline bounds it.
		if (reading.kind === 'rateLimited') continue;
		const asked =
			'retryAfter' in reading ? parseRetryAfter(reading.retryAfter, clock.now()) : undefined;
		const pauseMs = Math.max(asked ?? 0, pauseBeforeRetry(attempt, api.random));
		if (attempt >= (patience.maxAttempts ?? Infinity)) break;
		if (clock.now() + pauseMs >= patience.deadline) break;
		await clock.sleep(pauseMs);
		attempt += 1;
	}
	return fail(
		httpStatus === 429 ? 'rateLimited' : 'unavailable',
		`Could not ${purpose}: ${problem}`,
		`WaveSpeed may have a passing problem: try again later. ${NOTHING_PAID}`,
		{ httpStatus },
	);
}

/** What came back, or that nothing did. */
export type ApiReading = Reading | { kind: 'noAnswer'; reason: NoAnswer['reason']; text: string };

/** Sends one request once, and lets the other rows know if it was one too many. */
export async function sendAndRead(
	api: Pick<ApiContext, 'send'>,
	pass: Pass,
	request: HttpRequest,
): Promise<ApiReading> {
	const sent = await settle(api.send(request));
	if (!sent.ok) {
		pass.left();
		throw sent.error;
	}
	const outcome = sent.value;
	if (!outcome.answered) {
		pass.left();
		return { kind: 'noAnswer', reason: outcome.reason, text: outcome.text };
	}
	const reading = readEnvelope(outcome);
	if (reading.kind === 'rateLimited') pass.refused(reading.retryAfter);
	else pass.accepted();
	return reading;
}

/** A refusal in words; `purpose` completes "Could not …". */
export function describeRefusal(purpose: string, status: number, text: string): Failure {
	const said = text === '' ? `HTTP status ${status}` : text;
	const refusal = { details: {}, httpStatus: status };
	if (status === 401) {
		return {
			...refusal,
			kind: 'credential',
			message: `WaveSpeed doesn't accept the API key (${said})`,
			advice: `Check the key in the WaveSpeed API credential. A key works only after a first top-up of the account. ${NOTHING_PAID}`,
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
	/insufficient[ _-]?(credit|balance|fund)|not enough (credit|balance)|top.?up/i;

function adviceForRefusal(status: number, said: string): string {
	if (EMPTY_BALANCE.test(said)) {
		return `The balance of the WaveSpeed account is too low. Top it up at wavespeed.ai, then run again. ${NOTHING_PAID}`;
	}
	if (status === 403) {
		return `Check the role of the key and the state of the account at WaveSpeed. ${NOTHING_PAID}`;
	}
	if (status === 404) {
		return `There is no such address at the service: check the base URL in the credential. ${NOTHING_PAID}`;
	}
	if (status >= 300 && status < 400) {
		return `The service answered with a redirect, which is not followed so that the key goes nowhere else. Check the base URL in the credential. ${NOTHING_PAID}`;
	}
	return `WaveSpeed refused the request; the text above says why. ${NOTHING_PAID}`;
}
