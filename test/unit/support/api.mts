import type { ApiContext } from '../../../nodes/shared/wavespeed/http/request';
import type { HttpOutcome, HttpRequest, Send } from '../../../nodes/shared/wavespeed/http/types';
import { FailureError, makeFailure } from '../../../nodes/shared/wavespeed/failures';
import { Cancellation } from '../../../nodes/shared/async/cancellation';
import { BackoffGate, type Permit } from '../../../nodes/shared/async/backoffGate';
import { Outages } from '../../../nodes/shared/wavespeed/http/outages';
import { TaskReads } from '../../../nodes/shared/wavespeed/tasks/taskReads';
import { ServiceClock } from '../../../nodes/shared/wavespeed/http/serviceClock';
import { createVirtualTime, type VirtualTime } from './virtualTime.mts';
import { settle } from '../../../nodes/shared/async/settle';
import { failureInWords, type FailureInWords } from './words.mts';

/** An answer with any text. */
export const answer = (
	status: number,
	text: string,
	headers: Record<string, string> = {},
): HttpOutcome => ({ answered: true, status, headers, text });

/** A good answer in the API's envelope. */
export const ok = (data: unknown): HttpOutcome =>
	answer(200, JSON.stringify({ code: 200, message: 'success', data }));

export const refusal = (
	status: number,
	message = '',
	headers: Record<string, string> = {},
): HttpOutcome => answer(status, JSON.stringify({ code: status, message }), headers);

export const noReply: HttpOutcome = {
	answered: false,
	reason: 'noReply',
	text: 'the connection was reset',
};
export const notSent: HttpOutcome = {
	answered: false,
	reason: 'notSent',
	text: 'the host was not found',
};

/** What comes back for a request; a function may look at the request first, or take its time. */
export type Step = HttpOutcome | ((request: HttpRequest) => HttpOutcome | Promise<HttpOutcome>);

export interface Script {
	send: Send;
	requests: HttpRequest[];
}

/** Every answer takes this long, as it does in a network; and no loop is for free. */
export const LATENCY_MS = 10;

/** Answers with one step after the other and goes on with the last; without steps a request is a mistake. */
export function createScript(time: VirtualTime, steps: Step[]): Script {
	const requests: HttpRequest[] = [];
	return {
		requests,
		async send(request) {
			const step = steps[Math.min(requests.length, steps.length - 1)];
			requests.push(request);
			if (step === undefined) throw new Error('no request was expected');
			await time.delay(LATENCY_MS);
			return typeof step === 'function' ? await step(request) : step;
		},
	};
}

/** Takes as long as the request allows and ends without an answer. */
export const hang =
	(time: VirtualTime) =>
	async (request: HttpRequest): Promise<HttpOutcome> => {
		await time.delay(request.timeoutMs);
		return { answered: false, reason: 'noReply', text: 'there was no answer in time' };
	};

export interface Rig {
	time: VirtualTime;
	cancellation: Cancellation;
	api: ApiContext;
	requests: HttpRequest[];
}

/** Everything that the client needs, with scripted answers and without chance. */
export function createRig(steps: Step[] | ((time: VirtualTime) => Step[]), random = 0.5): Rig {
	const time = createVirtualTime();
	const cancellation = new Cancellation();
	const clock = time.clockFor(cancellation);
	const { send, requests } = createScript(time, typeof steps === 'function' ? steps(time) : steps);
	return {
		time,
		cancellation,
		requests,
		api: {
			send,
			clock,
			cancellation,
			random: () => random,
			readGate: new BackoffGate(() => random),
			serviceClock: new ServiceClock(),
			outages: new Outages(),
			taskReads: new TaskReads(() => true),
		},
	};
}

/** A permit that notes how it was used. */
export function createPermit(): Permit & { uses: string[] } {
	const uses: string[] = [];
	return {
		uses,
		refused: (retryAfter) => void uses.push(`refused ${retryAfter ?? ''}`.trim()),
		accepted: () => void uses.push('accepted'),
		letOthersPass: () => {},
		release: () => void uses.push('left'),
	};
}

/** The failure that some work ends with; throws if it ends well or with a mistake in the program. */
export async function failureFrom(work: Promise<unknown>): Promise<FailureInWords> {
	const outcome = await settle(work);
	if (outcome.ok) throw new Error(`it did not fail: ${JSON.stringify(outcome.value)}`);
	return failureInWords(outcome.error);
}

export const stopped = (): FailureError => new FailureError(makeFailure('stopped', 'stopped', {}));

/** A task as the API describes it. */
export const rawTask = (
	id: string,
	status = 'created',
	more: Record<string, unknown> = {},
): Record<string, unknown> => ({
	id,
	model: 'wavespeed-ai/wan-2.2/speech-to-video',
	status,
	outputs: [],
	urls: { get: `https://elsewhere.example/${id}` },
	has_nsfw_contents: [],
	created_at: '2026-11-22T08:00:00.000Z',
	error: '',
	timings: { inference: 0 },
	...more,
});
