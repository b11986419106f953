import type { Fault, FaultKind } from '../emulator/types.mts';

/** A fault of the emulator with its settings, as people would name it. */
export interface Variant {
	kind: FaultKind;
	/** How docs/faults.md calls it. */
	label: string;
	settings: Partial<Fault>;
}

type Described = [label: string, settings?: Partial<Fault>];

const DONE = ' (took effect)';

/** Every kind of fault must be here, or the type check fails. */
const DESCRIBED: Record<FaultKind, Described[]> = {
	status: [
		['HTTP 503'],
		[`HTTP 503${DONE}`, { afterAccept: true }],
		['HTTP 400', { status: 400, body: { code: 400, message: 'bad parameter' } }],
		['HTTP 401', { status: 401, body: { code: 401, message: 'invalid api key' } }],
		['HTTP 403', { status: 403, body: { code: 403, message: 'forbidden' } }],
		['HTTP 404', { status: 404, body: { code: 404, message: 'not found' } }],
	],
	html: [
		['HTML page with HTTP 502', { status: 502 }],
		[`HTML page with HTTP 502${DONE}`, { status: 502, afterAccept: true }],
		['HTML page with HTTP 200', { status: 200 }],
	],
	truncatedJson: [['cut-off JSON'], [`cut-off JSON${DONE}`, { afterAccept: true }]],
	resetBefore: [['connection dropped']],
	resetAfter: [[`connection dropped${DONE}`]],
	hang: [['no answer']],
	hangAfter: [[`no answer${DONE}`]],
	tooManyRequests: [['HTTP 429'], ['HTTP 429 with Retry-After: 20', { retryAfter: '20' }]],
	slowBody: [
		['answer stalls for 10 seconds', { seconds: 10 }],
		['answer stalls for an hour', { seconds: 3600 }],
	],
	emptyBody: [['empty answer'], [`empty answer${DONE}`, { afterAccept: true }]],
	wrongShape: [['JSON of another shape'], [`JSON of another shape${DONE}`, { afterAccept: true }]],
	envelopeError: [
		['HTTP 200 with code 500'],
		[`HTTP 200 with code 500${DONE}`, { afterAccept: true }],
		['HTTP 200 with code 400', { status: 400, body: { code: 400, message: 'bad parameter' } }],
	],
	missingId: [['answer without an ID'], [`answer without an ID${DONE}`, { afterAccept: true }]],
	redirect: [['redirect to another host']],
};

export const VARIANTS: Variant[] = (Object.keys(DESCRIBED) as FaultKind[]).flatMap((kind) =>
	DESCRIBED[kind].map(([label, settings = {}]) => ({ kind, label, settings })),
);

export const FREQUENCIES = { once: 1, always: Infinity } as const;

export type Frequency = keyof typeof FREQUENCIES;
