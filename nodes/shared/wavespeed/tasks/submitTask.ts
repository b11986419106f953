import { type ApiContext, sendAndRead, toRefusal } from '../http/request';
import type { Failure } from '../failures';
import { PATHS } from '../endpoints';
import { GATEWAY_TIMEOUTS } from '../http/outages';
import type { HttpRequest } from '../http/types';
import type { Permit } from '../../async/backoffGate';
import { type Task, parseTask } from './task';

/** What the model takes; its schema allows nothing else (model page: Parameters). */
export interface SubmitInput {
	image: string;
	audio: string;
	prompt: string;
	resolution: string;
	seed: number;
}

export type SubmitOutcome =
	| { kind: 'accepted'; task: Task }
	/** The service has refused it: nothing was accepted, nothing is paid. */
	| { kind: 'refused'; failure: Failure }
	| { kind: 'rateLimited'; text: string }
	/** Nothing reached the service. */
	| { kind: 'notSent'; text: string }
	/** A task may exist and be paid for. `isSilent`: nobody has said anything, as far as that can be told. */
	| { kind: 'unknown'; text: string; isSilent?: boolean };

/** The answer to a submit comes within seconds; waiting longer is cheaper than not knowing. */
const SUBMIT_TIMEOUT_MS = 120_000;

/**
 * Refusals that a server, or a proxy before it, may send for a request that it has worked on: a redirect to what came of
 * it (RFC 9110, 15.4.3 and 15.4.4), a conflict with one that is the same, "too early", and a client that hung up.
 */
const SAY_NOTHING: ReadonlySet<number> = new Set([302, 303, 409, 425, 499]);

/**
 * The one function that spends money. It sends exactly one POST and never repeats it: the service has no
 * idempotency key, so a second POST is a second task that is paid for.
 */
export async function submitTask(
	api: ApiContext,
	permit: Permit,
	input: SubmitInput,
	webhookUrl: string | undefined,
): Promise<SubmitOutcome> {
	const request: HttpRequest = {
		method: 'POST',
		target: { path: PATHS.submit },
		query: webhookUrl ? { webhook: webhookUrl } : {},
		json: { ...input },
		timeoutMs: SUBMIT_TIMEOUT_MS,
		finishOnStop: true,
	};
	// What is wrong with a row may be told before anybody has looked at the limits.
	const result = await sendAndRead(api, permit, request, ({ kind }) => kind !== 'refused');
	// An ID in spite of all is better than a search, whatever the status: only what was accepted has one.
	const task = 'data' in result ? parseTask(result.data) : undefined;
	if (task) return { kind: 'accepted', task };
	switch (result.kind) {
		case 'data':
			return { kind: 'unknown', text: 'the service took the request but named no task' };
		case 'rateLimited':
			return { kind: 'rateLimited', text: result.text };
		case 'noAnswer':
			if (result.reason === 'notSent') return { kind: 'notSent', text: result.text };
			return { kind: 'unknown', text: result.text, isSilent: true };
		case 'unclear': {
			const isSilent = GATEWAY_TIMEOUTS.has(result.status);
			return { kind: 'unknown', text: result.text || `HTTP status ${result.status}`, isSilent };
		}
		case 'refused': {
			if (SAY_NOTHING.has(result.status)) {
				return { kind: 'unknown', text: result.text || `HTTP status ${result.status}` };
			}
			const failure = toRefusal({ action: 'submit' }, result.status, result.text);
			return { kind: 'refused', failure };
		}
	}
}
