import type { FaultKind, Step } from '../emulator/types.mts';
import type { Variant } from './faultVariants.mts';

/** Combinations that make no sense, with the reason. Whatever isn't here is run. */
export interface Exclusion {
	steps: Step[];
	kinds: FaultKind[];
	/** Only where the request took effect in spite of its bad answer. */
	onlyTookEffect?: boolean;
	reason: string;
}

const API_READS: Step[] = ['ticket', 'price', 'result', 'list', 'secret'];

export const EXCLUSIONS: Exclusion[] = [
	{
		steps: [...API_READS, 'download'],
		kinds: [
			'status',
			'html',
			'truncatedJson',
			'emptyBody',
			'wrongShape',
			'envelopeError',
			'missingId',
		],
		onlyTookEffect: true,
		reason: 'Reading changes nothing, so there is nothing that could have taken effect.',
	},
	{
		steps: API_READS,
		kinds: ['resetAfter', 'hangAfter'],
		reason: 'Of a read without an answer nobody can say whether it arrived.',
	},
	{
		steps: ['ticket', 'put', 'multipart', 'price', 'list', 'secret'],
		kinds: ['missingId'],
		reason: 'Their answers have no ID.',
	},
	{
		steps: ['put'],
		kinds: ['truncatedJson', 'wrongShape', 'envelopeError'],
		reason: 'The file store sends no JSON; with HTTP 200 any body is as good as an empty one.',
	},
	{
		steps: ['download'],
		kinds: ['truncatedJson', 'envelopeError', 'missingId'],
		reason: 'A video is no JSON; "JSON of another shape" stands for all.',
	},
	{
		steps: ['webhook'],
		kinds: ['status', 'html', 'tooManyRequests', 'redirect', 'envelopeError'],
		reason: 'A callback is a request of the service: it has no status.',
	},
	{
		steps: ['webhook'],
		kinds: ['slowBody'],
		reason: "n8n's server reads the body before the node sees it.",
	},
	{
		steps: ['webhook'],
		kinds: ['truncatedJson', 'emptyBody', 'wrongShape', 'missingId'],
		onlyTookEffect: true,
		reason: 'A callback with a bad body says nothing, and there is only one way of that.',
	},
];

const TAKE_EFFECT: FaultKind[] = ['resetAfter', 'hangAfter'];

const tookEffect = ({ kind, settings }: Variant): boolean =>
	settings.afterAccept === true || TAKE_EFFECT.includes(kind);

/** The exclusion that a combination falls under; undefined if it is run. */
export const findExclusion = (step: Step, variant: Variant): Exclusion | undefined =>
	EXCLUSIONS.find(
		({ steps, kinds, onlyTookEffect }) =>
			steps.includes(step) &&
			kinds.includes(variant.kind) &&
			(!onlyTookEffect || tookEffect(variant)),
	);
