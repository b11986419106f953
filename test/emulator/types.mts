import type { Fault, EveryStep } from './faultTypes.mts';
import type { TaskInput } from './options.mts';

/** The emulator's public types: what tests, scripts and the command line build on. */
export * from './faultTypes.mts';
export * from './options.mts';

export interface RecordedRequest {
	/** Clock milliseconds. */
	at: number;
	origin: 'api' | 'media';
	method: string;
	path: string;
	query: Record<string, string | string[]>;
	headers: Record<string, string | string[] | undefined>;
	/** Parsed JSON; for uploads the size and hash of what arrived. */
	body: unknown;
	step?: EveryStep;
	/** The answer that was sent; undefined while it is being made. */
	status?: number | 'reset' | 'hang';
}

export interface EmulatorTask {
	id: string;
	/** The API's word: created, processing, completed, failed … */
	status: string;
	input: TaskInput;
	webhookUrl?: string;
	createdAt: number;
	endedAt?: number;
	priceUsd: number;
	outputs: unknown[];
	error: string;
	code?: number;
	deleted: boolean;
}

export interface UploadRecord {
	url: string;
	filename: string;
	contentType: string;
	bytes: number;
	sha256: string;
	via: 'ticket' | 'multipart';
}

export interface WebhookDelivery {
	taskId: string;
	webhookId: string;
	url: string;
	/** 1 for the first delivery. */
	attempt: number;
	at: number;
	/** The receiver's HTTP status; 0 if there was no answer. */
	status: number;
}

/** What a callback sent by hand replaces, for forged, old and replayed deliveries. */
export interface WebhookOverrides {
	/** `webhook-id` */
	id?: string;
	/** `webhook-timestamp`; the signature covers it unless it is overridden too. */
	timestamp?: number | string;
	/** `webhook-signature`; null leaves the header out. */
	signature?: string | null;
	/** Sent and signed instead of the task's prediction; a string is sent as it is. */
	body?: unknown;
	url?: string;
	/** Signs with another secret (`whsec_…`). */
	secret?: string;
}

export interface Emulator {
	/** API origin without trailing slash. */
	url: string;
	mediaUrl: string;
	apiKey: string;
	/** `whsec_…` */
	readonly webhookSecret: string;
	/** All accepted (paid) tasks in the order of acceptance. */
	tasks(): EmulatorTask[];
	/** Number of accepted submits. */
	paidTasks(): number;
	/** Charges minus refunds. */
	spentUsd(): number;
	/** The highest number of tasks that were accepted and not ended at once. */
	maxInFlight(): number;
	requests(): RecordedRequest[];
	uploads(): UploadRecord[];
	/** A file as if a client had uploaded it; returns its URL. */
	addUpload(filename: string, contentType: string, bytes: Buffer): Promise<string>;
	/** Requests being answered right now, hanging ones included. */
	inFlightRequests(): number;
	addFault(fault: Fault): void;
	clearFaults(): void;
	/**
	 * Calls `hook` for each request of the step, before it meets a fault or has any effect; a promise holds the
	 * request (and tells nobody that it is under way on a virtual clock). Returns what ends it.
	 */
	onRequest(step: EveryStep, hook: (request: RecordedRequest) => void | Promise<void>): () => void;
	/**
	 * false: nothing listens on either port, so that no connection comes about; open ones are cut. The state stays.
	 */
	setReachable(reachable: boolean): Promise<void>;
	setTask(
		id: string,
		patch: { status?: string; error?: string; code?: number; outputs?: unknown[] },
	): void;
	finishTask(id: string): void;
	failTask(id: string, failure: { code: number; error: string }): void;
	rotateWebhookSecret(): string;
	deliverWebhook(id: string, overrides?: WebhookOverrides): Promise<{ status: number }[]>;
	webhookDeliveries(): WebhookDelivery[];
	/** Resolves when no delivery is under way. */
	idle(): Promise<void>;
	close(): Promise<void>;
}
