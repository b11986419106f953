import type { Answer } from './answers.mts';
import { isRecord, storeFailure } from './answers.mts';
import type { Fault, RecordedRequest, EveryStep } from './types.mts';

/** Steps without a lasting effect: their real answer can be spoiled without `afterAccept`. */
const READS: EveryStep[] = [
	'ticket',
	'price',
	'result',
	'list',
	'balance',
	'secret',
	'download',
	'models',
];

/** Not of the API's origin. */
const OUTSIDE: EveryStep[] = ['put', 'download', 'webhook'];

export type Spoiled =
	| { way: 'answer'; answer: Answer }
	/** Half the body, then silence for `seconds`, then the rest. */
	| { way: 'slow'; answer: Answer; seconds: number }
	/** The connection ends, or stays silent; with an answer, after half of its body. */
	| { way: 'reset' | 'hang'; answer?: Answer };

/**
 * The fault that this request meets, if any. Faults of a step form a queue: one that still lets requests pass
 * (`skip`) holds back those behind it; one whose `when` says no doesn't.
 */
export function takeFault(
	faults: Fault[],
	step: EveryStep,
	request: RecordedRequest,
): Fault | undefined {
	for (const fault of faults) {
		if (!isFor(fault, step) || (fault.when && !fault.when(request))) continue;
		const left = fault.times ?? 1;
		if (left <= 0) continue;
		if ((fault.skip ?? 0) > 0) {
			fault.skip = (fault.skip ?? 0) - 1;
			return undefined;
		}
		fault.times = left - 1;
		return fault;
	}
	return undefined;
}

function isFor(fault: Fault, step: EveryStep): boolean {
	if (fault.step === 'any') return step !== 'webhook';
	if (fault.step === 'api') return !OUTSIDE.includes(step);
	return fault.step === step;
}

/** Whether the request does its work (a submit is paid, an upload is stored) in spite of the fault. */
export function takesEffect(fault: Fault, step: EveryStep): boolean {
	switch (fault.kind) {
		case 'resetBefore':
		case 'hang':
		case 'tooManyRequests':
			return false;
		case 'resetAfter':
		case 'hangAfter':
		case 'slowBody':
			return true;
		case 'truncatedJson':
		case 'missingId':
			return fault.afterAccept ?? READS.includes(step);
		default:
			return fault.afterAccept ?? false;
	}
}

/** Turns the real answer (undefined if the request took no effect) into the bad one. Pure. */
export function spoil(fault: Fault, real: Answer | undefined, step: EveryStep): Spoiled {
	const halfway = step === 'download' ? real : undefined;
	switch (fault.kind) {
		case 'resetBefore':
			return { way: 'reset' };
		case 'hang':
			return { way: 'hang' };
		case 'resetAfter':
			return { way: 'reset', answer: halfway };
		case 'hangAfter':
			return { way: 'hang', answer: halfway };
		case 'slowBody':
			return { way: 'slow', answer: real ?? { status: 200 }, seconds: fault.seconds ?? 10 };
		default:
			return { way: 'answer', answer: badAnswer(fault, real, step) };
	}
}

/** The body of a callback that meets the fault; it is signed as it is sent. Pure. */
export function spoilCallback(fault: Fault, body: string): string {
	if (typeof fault.body === 'string') return fault.body;
	if (fault.body !== undefined) return JSON.stringify(fault.body);
	switch (fault.kind) {
		case 'truncatedJson':
			return body.slice(0, Math.ceil(body.length / 2));
		case 'emptyBody':
			return '';
		case 'wrongShape':
			return '[]';
		case 'missingId':
			return body.replace(/"id":"[^"]*",?/, '');
		default:
			return body;
	}
}

function badAnswer(fault: Fault, real: Answer | undefined, step: EveryStep): Answer {
	const status = fault.status ?? 503;
	const answer = (value: Answer): Answer => withBody(value, fault.body);
	switch (fault.kind) {
		case 'html': {
			const text = `<html><head><title>${status}</title></head><body><h1>${status} Bad gateway</h1></body></html>`;
			return answer({ status, text, contentType: 'text/html' });
		}
		case 'tooManyRequests': {
			const headers: Record<string, string> = {};
			if (fault.retryAfter !== undefined) headers['retry-after'] = fault.retryAfter;
			const json = { code: 429, message: 'You have reached your rate limit' };
			return answer({ status: 429, headers, json });
		}
		case 'truncatedJson': {
			const whole = JSON.stringify(
				real?.json ?? { code: 200, message: 'success', data: { id: '' } },
			);
			const text = whole.slice(0, Math.ceil(whole.length / 2));
			return answer({ status: fault.status ?? 200, text, contentType: 'application/json' });
		}
		case 'emptyBody':
			return answer({ status: fault.status ?? 200, text: '' });
		case 'wrongShape':
			return answer({ status: 200, json: { code: 200, message: 'success', data: [] } });
		case 'envelopeError': {
			const code = fault.status ?? 500;
			return answer({ status: 200, json: { code, message: 'internal server error' } });
		}
		case 'missingId':
			return answer({ status: 200, json: withoutId(real?.json) });
		case 'redirect': {
			const headers = { location: fault.location ?? '/' };
			return answer({ status: fault.status ?? 307, headers, text: '' });
		}
		default:
			return answer(
				step === 'put' || step === 'download'
					? storeFailure(status, 'ServiceUnavailable', 'Please try again.')
					: { status, json: { code: status, message: 'service unavailable' } },
			);
	}
}

function withBody(answer: Answer, body: unknown): Answer {
	if (body === undefined) return answer;
	const { status, headers } = answer;
	if (typeof body !== 'string') return { status, headers, json: body };
	return { status, headers, text: body, contentType: answer.contentType ?? 'text/plain' };
}

function withoutId(json: unknown): unknown {
	const data = isRecord(json) && isRecord(json.data) ? { ...json.data } : { status: 'created' };
	return { code: 200, message: 'success', data: { ...data, id: undefined } };
}
