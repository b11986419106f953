import {
	type ApiContext,
	type RequestResult,
	inputBudget,
	preparationBudget,
	requestWithRetry,
	sendAndRead,
	toRefusal,
} from '../http/request';
import { isWebUrl, PATHS } from '../endpoints';
import type { OutageWatch } from '../http/outages';
import type { HttpOutcome } from '../http/types';
import {
	fail,
	type Failure,
	FailureError,
	failureOf,
	makeFailure,
	type Purpose,
} from '../failures';
import { wrapAsMultipart } from './multipart';
import { type Attempt, retry } from '../../async/retry';
import { closeStream, hearFailure } from './streams';
import { isRecord } from '../../json';
import { shorten } from '../../text';
import { settle } from '../../async/settle';

export interface UploadFile {
	fileName: string;
	/** Tells files apart. */
	sha256: string;
	contentType: string;
	byteCount: number;
	/** A new stream from the first byte on: each attempt needs its own. */
	open(): Promise<NodeJS.ReadableStream | Buffer>;
}

interface Ticket {
	method: string;
	uploadUrl: string;
	headers: Record<string, string>;
	downloadUrl: string;
}

const MAX_ATTEMPTS = 4;

/** The slowest connection that we wait for: 64 kB/s, 200 MB in under an hour. */
const SLOWEST_BYTES_PER_MS = 64;
const UPLOAD_BASE_TIMEOUT_MS = 60_000;

const uploadTimeoutMs = (byteCount: number): number =>
	UPLOAD_BASE_TIMEOUT_MS + byteCount / SLOWEST_BYTES_PER_MS;

/**
 * What the system holds at most of a file for the slowest connection (4 MB, Linux) may still be on its way when all has been
 * taken: a large file gets no more time than that once nothing moves.
 */
const MOST_BUFFERED_BYTES = 4 * 1024 ** 2;

const limitsOf = ({ byteCount }: UploadFile): { timeoutMs: number; longestSilenceMs: number } => ({
	timeoutMs: uploadTimeoutMs(byteCount),
	longestSilenceMs: uploadTimeoutMs(Math.min(byteCount, MOST_BUFFERED_BYTES)),
});

/** Statuses of the file store after which a new ticket may help: expired (403), name taken (412), passing ones. */
const needsNewTicket = (status: number): boolean =>
	status === 403 || status === 408 || status === 412 || status === 429 || status >= 500;

/**
 * Puts a file where the service can read it and returns its URL (public, kept for 7 days).
 * Uploads cost nothing, so they are repeated with a new ticket. Docs: Upload files.
 * `inTurn`: only so many attempts are under way; who pauses makes room for others. Throws a FailureError that names
 * `field`, or that of others who have just met the same.
 */
export async function uploadFile(
	api: ApiContext,
	field: string,
	file: UploadFile,
	inTurn: InTurn = async (attempt) => await attempt(),
): Promise<string> {
	const store = new StoreWatch(api, field, file);
	const limits = { maxAttempts: MAX_ATTEMPTS };
	const attemptOnce = async (): Promise<Attempt<string> | 'notOffered'> => {
		const ticket = await requestTicket(api, field, file);
		if (ticket === 'notOffered') return ticket;
		if (ticket.method !== 'PUT') failByMethod(field, ticket.method);
		store.begin(new URL(ticket.uploadUrl).host);
		const outcome = await sendWithTicket(api, ticket, file);
		if (outcome.answered && outcome.status >= 200 && outcome.status < 300) {
			store.noteAnswer();
			return { kind: 'done', value: ticket.downloadUrl };
		}
		const status = outcome.answered ? outcome.status : undefined;
		const isTransient = status === undefined || needsNewTicket(status);
		return store.noteProblem({ said: describeStoreAnswer(outcome), status, isTransient });
	};
	const url = await retry(api, limits, async () => {
		const attempt = await inTurn(attemptOnce);
		if (attempt !== 'notOffered') return attempt;
		return { kind: 'done', value: await uploadAsMultipart(api, field, file, inTurn) };
	});
	return url ?? store.fail();
}

/** Does an attempt when it has its turn. */
type InTurn = <T>(attempt: () => Promise<T>) => Promise<T>;

/** Why a file is not in the store; `status`: its answer. */
interface StoreProblem {
	said: string;
	status: number | undefined;
	isTransient: boolean;
}

/**
 * What all uploads to a host know of it. Each has only a few places, so that one after the other would wait for a silent
 * file store with all its attempts.
 */
class StoreWatch {
	readonly #api: ApiContext;
	readonly #field: string;
	readonly #file: UploadFile;
	#watch: OutageWatch | undefined;
	#failure: FailureError;
	/** Others know of it, or it says nothing about the host. */
	#isTold = false;

	constructor(api: ApiContext, field: string, file: UploadFile) {
		this.#api = api;
		this.#field = field;
		this.#file = file;
		this.#failure = toUploadFailure(field, '');
	}

	/** Throws if others have just found out that the host doesn't answer. */
	begin(host: string): void {
		const { outages, clock } = this.#api;
		this.#watch = outages.watch(`upload to ${host}`, this.#file.sha256, clock);
		const known = this.#watch.whyDown();
		if (known) throw known;
	}

	noteAnswer(): void {
		this.#watch?.noteAnswer();
	}

	noteProblem({ said, status, isTransient }: StoreProblem): { kind: 'transient' | 'failed' } {
		this.#failure = toUploadFailure(this.#field, said);
		this.#isTold = !isTransient;
		if (!isTransient) this.noteAnswer();
		if (isTransient && !this.#watch?.noteNoAnswer(status)) return { kind: 'transient' };
		// While it still has its turn: who comes next must hear of it before it tries as well.
		this.#tell();
		return { kind: 'failed' };
	}

	fail(): never {
		this.#tell();
		throw this.#failure;
	}

	#tell(): void {
		if (!this.#isTold) this.#watch?.noteDown(this.#failure);
		this.#isTold = true;
	}
}

async function sendWithTicket(
	api: ApiContext,
	ticket: Ticket,
	file: UploadFile,
): Promise<HttpOutcome> {
	const body = await file.open();
	const failureIn = hearFailure(body);
	const sending = api.send({
		method: 'PUT',
		// Another origin: the ticket is the permission, and the key must not go there.
		target: { url: ticket.uploadUrl },
		headers: ticket.headers,
		file: { body, byteCount: file.byteCount },
		...limitsOf(file),
	});
	return await untilSent(sending, body, failureIn);
}

async function untilSent<T>(
	sending: Promise<T>,
	content: NodeJS.ReadableStream | Buffer,
	failureIn: () => unknown,
): Promise<T> {
	const sent = await settle(sending);
	closeStream(content);
	if (failureIn()) throw failureIn();
	if (!sent.ok) throw sent.error;
	return sent.value;
}

const describeStoreAnswer = (outcome: HttpOutcome): string =>
	outcome.answered ? `the file store answered with HTTP status ${outcome.status}` : outcome.text;

async function requestTicket(
	api: ApiContext,
	field: string,
	file: UploadFile,
): Promise<Ticket | 'notOffered'> {
	const json = { filename: file.fileName, size: file.byteCount, content_type: file.contentType };
	const request = { method: 'POST', target: { path: PATHS.ticket }, json } as const;
	// Its own budget for each ticket: the upload before may have taken an hour.
	const retryBudget = inputBudget(api.clock);
	const call = { purpose: uploadOf(field), request, parse: parseTicket };
	const answer = await settle(requestWithRetry(api, call, retryBudget));
	if (answer.ok) return answer.value;
	const status = failureOf(answer.error)?.httpStatus;
	// An older deployment or a proxy that knows only the multipart endpoint.
	if (status === 404 || status === 405) return 'notOffered';
	throw answer.error;
}

function parseTicket(data: unknown): Ticket | undefined {
	if (!isRecord(data) || !isRecord(data.upload)) return undefined;
	const { upload } = data;
	const headers = Object.entries(isRecord(upload.headers) ? upload.headers : {});
	if (!isWebUrl(upload.url) || !isWebUrl(data.download_url)) return undefined;
	return {
		method: typeof upload.method === 'string' ? upload.method.toUpperCase() : 'PUT',
		uploadUrl: upload.url,
		downloadUrl: data.download_url,
		headers: Object.fromEntries(
			headers
				.filter(([name, value]) => isScalar(value) && !OWN_HEADERS.has(name.toLowerCase()))
				.map(([name, value]) => [name, String(value)]),
		),
	};
}

const isScalar = (value: unknown): boolean =>
	typeof value === 'string' || typeof value === 'number';

/** They follow from the file; another length would leave the request waiting for the rest. */
const OWN_HEADERS: ReadonlySet<string> = new Set(['content-length', 'transfer-encoding']);

async function uploadAsMultipart(
	api: ApiContext,
	field: string,
	file: UploadFile,
	inTurn: InTurn,
): Promise<string> {
	const store = new StoreWatch(api, field, file);
	const limits = { maxAttempts: MAX_ATTEMPTS };
	const attemptOnce = async (): Promise<Attempt<string>> => {
		store.begin(PATHS.multipart);
		const content = await file.open();
		const failureIn = hearFailure(content);
		const result = await untilSent(sendForm(api, file, content), content, failureIn);
		if (result.kind === 'refused') {
			store.noteAnswer();
			throw new FailureError(toRefusal(uploadOf(field), result.status, result.text));
		}
		const data = result.kind === 'data' ? result.data : undefined;
		if (isRecord(data) && isWebUrl(data.download_url)) {
			store.noteAnswer();
			return { kind: 'done', value: data.download_url };
		}
		const said = 'text' in result && result.text ? result.text : 'no usable answer';
		const status = 'status' in result ? result.status : undefined;
		return store.noteProblem({ said, status, isTransient: result.kind !== 'outOfTime' });
	};
	const url = await retry(api, limits, async () => await inTurn(attemptOnce));
	return url ?? store.fail();
}

async function sendForm(
	api: ApiContext,
	file: UploadFile,
	content: NodeJS.ReadableStream | Buffer,
): Promise<RequestResult | { kind: 'outOfTime'; text: string }> {
	const boundary = `n8n-${[0, 1, 2, 3].map(() => api.random().toString(36).slice(2)).join('')}`;
	const part = { body: content, byteCount: file.byteCount };
	const body = await wrapAsMultipart(part, file.fileName, file.contentType, boundary);
	const permit = await api.readGate.enterBefore(api, preparationBudget(api.clock).deadline);
	if (!permit) return { kind: 'outOfTime', text: 'WaveSpeed answers "too many requests"' };
	// It may take an hour, and after a "too many requests" the others would all wait behind it.
	permit.letOthersPass();
	return await sendAndRead(api, permit, {
		method: 'POST',
		target: { path: PATHS.multipart },
		headers: { 'Content-Type': body.contentType },
		file: body,
		...limitsOf(file),
	});
}

const uploadOf = (field: string): Purpose => ({ action: 'upload', field });

/** The vendor's SDKs refuse it likewise: what else such an upload would need isn't known. */
function failByMethod(field: string, method: string): never {
	fail('refused', 'uploadMethodUnknown', { field, method: shorten(method, 20) });
}

const toUploadFailure = (field: string, said: string): FailureError =>
	new FailureError(makeFailure('unavailable', 'uploadFailed', { field, said }));

/** A failure that others have met, such as an outage, or with the same file: with the row's own field in it. */
export function withField(error: unknown, field: string): unknown {
	const failure = failureOf(error);
	if (!failure) return error;
	const facts = {
		...failure.facts,
		...('field' in failure.facts ? { field } : {}),
		...('purpose' in failure.facts ? { purpose: uploadOf(field) } : {}),
	};
	// Facts and reason still belong together, which TypeScript doesn't see for a reason that may be any.
	return new FailureError({ ...failure, facts } as Failure);
}
