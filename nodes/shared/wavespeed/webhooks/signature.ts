import { createHmac, timingSafeEqual } from 'node:crypto';

/** What a callback says of itself, as far as it can be looked at without the secret. */
export interface SignedDelivery {
	/** `webhook-id`: the same each time that the service sends this callback. */
	id: string;
	/** `webhook-timestamp`, as it was sent. */
	timestamp: string;
	/** The digests of the signatures that this version knows; one that fits is enough. */
	digests: Buffer[];
}

export type SignatureProblem =
	/** One of the three headers is not there. */
	| 'missing'
	/** They can't come from the service. */
	| 'malformed'
	/** No signature of a version that is known here. */
	| 'unknownVersion'
	| 'tooOld'
	/** Signed in the future: one of the two clocks is wrong. */
	| 'tooNew';

export type SignatureReading =
	| { ok: true; delivery: SignedDelivery }
	| { ok: false; problem: SignatureProblem };

/** The service's IDs have about 36 characters; they are kept, so a longer one is refused. */
const MAX_ID_CHARS = 200;

/** Of the two signatures of a secret that is being replaced; texts of some MB have overflowed the stack. */
const MAX_SIGNATURES_CHARS = 16_384;

/**
 * Reads `webhook-id`, `webhook-timestamp` (seconds since the epoch) and `webhook-signature` (one or more
 * `<version>,<hex>`, separated by spaces) without trusting them. Header names are in lower case, as Node.js gives them.
 * Never throws. Docs: Verify Webhooks.
 */
export function readSignature(
	headers: Readonly<Record<string, unknown>>,
	nowMs: number,
	toleranceSeconds: number,
): SignatureReading {
	const id = headers['webhook-id'];
	const timestamp = headers['webhook-timestamp'];
	const signatures = headers['webhook-signature'];
	if (!isText(id) || !isText(timestamp) || !isText(signatures)) return refuse('missing');
	if (signatures.length > MAX_SIGNATURES_CHARS) return refuse('malformed');
	if (id.length > MAX_ID_CHARS || !/^\d{1,11}$/.test(timestamp)) return refuse('malformed');

	// Both ways: a signature from the future could be kept and played back for as long as its sender likes.
	const ageSeconds = nowMs / 1000 - Number(timestamp);
	if (ageSeconds > toleranceSeconds) return refuse('tooOld');
	if (-ageSeconds > toleranceSeconds) return refuse('tooNew');

	const known = signatures.split(/\s+/).filter((signature) => signature.startsWith(VERSION));
	if (known.length === 0) return refuse('unknownVersion');
	const digests = known
		.map((signature) => signature.slice(VERSION.length))
		// Buffer.from() would drop what isn't hexadecimal, and compare the rest.
		.filter((digest) => /^[0-9a-f]{64}$/i.test(digest))
		.map((digest) => Buffer.from(digest, 'hex'));
	if (digests.length === 0) return refuse('malformed');
	return { ok: true, delivery: { id, timestamp, digests } };
}

const VERSION = 'v3,';

const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';

const refuse = (problem: SignatureProblem): SignatureReading => ({ ok: false, problem });

/**
 * Whether the service has signed exactly these bytes with `secret`. The key is the text after `whsec_` as it is: other
 * services that sign in this way decode it from base64 first. Docs: Verify Webhooks.
 */
export function isSignedWith(secret: string, delivery: SignedDelivery, rawBody: Buffer): boolean {
	const key = secret.replace(/^whsec_/, '');
	// Anyone could sign with an empty key.
	if (key === '') return false;
	const expected = createHmac('sha256', key)
		.update(`${delivery.id}.${delivery.timestamp}.`)
		.update(rawBody)
		.digest();
	// In constant time, or the digest could be guessed byte by byte.
	return delivery.digests.some((digest) => timingSafeEqual(digest, expected));
}
