import type { RecordedRequest } from './types.mts';

/** What a request is about; faults are added per step. */
export const STEPS = [
	'ticket',
	'put',
	'multipart',
	'price',
	'submit',
	'result',
	'list',
	'delete',
	'balance',
	'secret',
	'download',
	'webhook',
] as const;

export type Step = (typeof STEPS)[number];

/** Asked by the vendor's clients, never by the node. */
export const OTHER_STEPS = ['models'] as const;

export type EveryStep = Step | (typeof OTHER_STEPS)[number];

/** `api`: every step of the API's origin; `any`: of the file store's too. Callbacks are sent all the same. */
export const OUTAGES = ['api', 'any'] as const;

export type Outage = (typeof OUTAGES)[number];

export const FAULT_KINDS = [
	'status',
	'html',
	'truncatedJson',
	'resetBefore',
	'resetAfter',
	'hang',
	'hangAfter',
	'tooManyRequests',
	'slowBody',
	'emptyBody',
	'wrongShape',
	'envelopeError',
	'missingId',
	'redirect',
] as const;

export type FaultKind = (typeof FAULT_KINDS)[number];

export interface Fault {
	step: EveryStep | Outage;
	kind: FaultKind;
	/** HTTP status for `status` and `html` (default 503) and `redirect` (307); `code` of `envelopeError` (500). */
	status?: number;
	/** Header value for `tooManyRequests`; absent: no header. */
	retryAfter?: string;
	/** How many requests it spoils; default 1, Infinity allowed. */
	times?: number;
	/** How many requests of the step pass first. */
	skip?: number;
	/** Overrides the answer's body. */
	body?: unknown;
	when?: (request: RecordedRequest) => boolean;
	/** Target of `redirect`. */
	location?: string;
	/** The request took effect (a submit was paid) though its answer is bad. */
	afterAccept?: boolean;
	/** Pause in the middle of a `slowBody`, in clock seconds; default 10. */
	seconds?: number;
}
