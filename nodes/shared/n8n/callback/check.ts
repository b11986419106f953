import type { IWebhookFunctions } from 'n8n-workflow';

import { Cancellation } from '../../async/cancellation';
import { parseTask, type Task } from '../../wavespeed/tasks/task';
import {
	isSignedWith,
	readSignature,
	type SignatureProblem,
	type SignedDelivery,
} from '../../wavespeed/webhooks/signature';
import { systemTime } from '../session/clock';
import { CREDENTIAL_TYPE, readConnection } from '../session/credential';
import { accounts, openApi } from '../session/openApi';
import { isRecord } from '../../json';
import { settle } from '../../async/settle';
import { withTimeout } from '../http/withTimeout';

export type CallbackCheck =
	| {
			ok: true;
			/** The same each time that the service sends this callback. */
			deliveryId: string;
			/** Which task to get. */
			taskId: string;
			/** What the task was made from; the API's own answers may leave it out. Nothing else in the body is believed. */
			input: Task['input'];
	  }
	| { ok: false; status: 400 | 401; message: string };

const PROBLEMS: Record<SignatureProblem, string> = {
	missing: 'The callback is not signed',
	malformed: 'The signature can not be read',
	unknownVersion: 'The signature has a version that is not known here',
	tooOld: 'The signature is too old',
	tooNew: 'The signature is from the future: compare the clocks',
};

/** A request that looks like a callback; anybody can have sent it. */
export interface UncheckedCallback {
	delivery: SignedDelivery;
	rawBody: Buffer;
}

export type Refusal = Extract<CallbackCheck, { ok: false }>;

/** Callbacks have some kB. n8n takes 16 MB, and anybody could make us compute the digest of as much. */
const MAX_BODY_BYTES = 1024 ** 2;
const TOO_LARGE = 'The callback is too large';

/** Whoever sends a body byte by byte would hold what n8n has made for the request. */
const READ_BODY_MS = 10_000;

/** What can be told without the credential, the secret or the API, so that forged requests stay cheap for us. */
export async function readCallback(
	ctx: IWebhookFunctions,
	nowMs: number,
	toleranceSeconds: number,
): Promise<{ ok: true; callback: UncheckedCallback } | Refusal> {
	const refuse = (message: string): Refusal => ({ ok: false, status: 401, message });
	const result = readSignature(ctx.getHeaderData(), nowMs, toleranceSeconds);
	if (!result.ok) return refuse(PROBLEMS[result.problem]);
	if (Number(ctx.getHeaderData()['content-length']) > MAX_BODY_BYTES) return refuse(TOO_LARGE);
	const rawBody = await readRawBody(ctx);
	if (!rawBody) return refuse('The callback has no body');
	if (rawBody.length > MAX_BODY_BYTES) return refuse(TOO_LARGE);
	return { ok: true, callback: { delivery: result.delivery, rawBody } };
}

/**
 * Whether WaveSpeed has sent this request: by the signature of its raw bytes, and the account's secret. Throws a
 * FailureError if the secret can't be fetched, which says nothing about the callback.
 */
export async function checkCallback(
	ctx: IWebhookFunctions,
	{ delivery, rawBody }: UncheckedCallback,
): Promise<CallbackCheck> {
	const fits = (secret: string): boolean => isSignedWith(secret, delivery, rawBody);
	if (!(await isGenuine(ctx, fits))) {
		return { ok: false, status: 401, message: 'The signature does not fit' };
	}
	const told = readBody(rawBody);
	if (!told) return { ok: false, status: 400, message: 'The callback names no task' };
	return { ok: true, deliveryId: delivery.id, taskId: told.id, input: told.input };
}

/**
 * Anybody can send thousands of requests, and n8n holds some 10 MB for each until it is answered. Reading the credential
 * takes n8n a look into the database, a decryption and expressions: so most are judged without it, by what was read
 * within the last minute. Nothing is sent with what is remembered: the credential may have changed since.
 */
async function isGenuine(
	ctx: IWebhookFunctions,
	fits: (secret: string) => boolean,
): Promise<boolean> {
	const { credentials, id } = ctx.getNode();
	// Expressions in a credential can give each workflow an account of its own.
	const user = [ctx.getWorkflow().id, id, credentials?.[CREDENTIAL_TYPE]?.id].join(' ');
	const now = systemTime.now();
	const judged = accounts.recall(user, now)?.signingSecret.judge(systemTime, fits);
	if (judged !== undefined) return judged;
	const connection = await readConnection(ctx);
	const api = openApi(ctx, connection, new Cancellation());
	accounts.remember(user, connection.accountId, now);
	return await api.account.signingSecret.verify(api, fits);
}

/** The bytes as they came: n8n's parsed body, written out again, would not be what was signed. */
async function readRawBody(ctx: IWebhookFunctions): Promise<Buffer | undefined> {
	const request: unknown = ctx.getRequestObject();
	if (!isRecord(request)) return undefined;
	const read: unknown = request.readRawBody;
	// For nodes of a version above 1, n8n itself reads JSON and a few other types only. A form has been read by then.
	if (request.rawBody === undefined && typeof read === 'function') {
		await settle(
			withTimeout(READ_BODY_MS, undefined, (async () => void (await read.call(request)))()),
		);
	}
	const { rawBody } = request;
	return Buffer.isBuffer(rawBody) && rawBody.length > 0 ? rawBody : undefined;
}

function readBody(rawBody: Buffer): Pick<Task, 'id' | 'input'> | undefined {
	try {
		const body: unknown = JSON.parse(rawBody.toString('utf8'));
		return isRecord(body) && typeof body.id === 'string' ? parseTask(body) : undefined;
	} catch {
		return undefined;
	}
}
