import { randomBytes } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { realClock } from './clock.mts';
import type { RateWindow } from './limits.mts';
import type {
	Clock,
	EmulatorOptions,
	EmulatorTask,
	Fault,
	RecordedRequest,
	EveryStep,
	UploadRecord,
	WebhookDelivery,
} from './types.mts';

/** A file on the emulator's disk: an upload, or a copy of what a task's URL gave. */
export interface StoredFile {
	path: string;
	contentType: string;
	bytes: number;
	sha256: string;
}

export interface Upload extends StoredFile {
	/** Path on the media origin. */
	urlPath: string;
	createdAt: number;
}

/** Permission for one PUT. */
export interface Ticket {
	id: string;
	signature: string;
	filename: string;
	size: number;
	/** What the file is served as. */
	contentType: string;
	/** What the PUT must carry, no more and no less: names in lower case. */
	headers: Record<string, string>;
	urlPath: string;
	expiresAt: number;
	stored: boolean;
}

export interface Task extends EmulatorTask {
	/** Undefined: waits for a free place. */
	startedAt?: number;
	/** Known once its media are fetched. */
	durationMs?: number;
	/** Why the task will fail. */
	mediaFailure?: string;
	image?: StoredFile;
	audio?: StoredFile;
	/** Resolves when its media are fetched or given up; never rejects. */
	media: Promise<void>;
	/** The status was set by hand: time no longer moves the task. */
	held: boolean;
	/** Ends the sleep of whoever waits to send the callback. */
	wake: AbortController;
	refunded: boolean;
}

export interface RequestHook {
	step: EveryStep;
	call: (request: RecordedRequest) => void | Promise<void>;
}

/** Everything the emulator knows; handed to every part, owned by none. */
export interface World {
	options: EmulatorOptions;
	/** The service's own time: `localClock` and the skew. */
	clock: Clock;
	/** The time of whoever watches. */
	localClock: Clock;
	/** A clock from outside is virtual: answers then wait for real work (downloads) instead of showing it as pending. */
	virtual: boolean;
	speed: number;
	apiKey: string;
	/** All keys of the account. */
	apiKeys: string[];
	url: string;
	mediaUrl: string;
	folder: string;
	webhookSecret: string;
	tasks: Task[];
	uploads: Map<string, Upload>;
	uploadRecords: UploadRecord[];
	tickets: Map<string, Ticket>;
	requests: RecordedRequest[];
	inFlightRequests: number;
	maxInFlight: number;
	rate: RateWindow;
	faults: Fault[];
	hooks: Set<RequestHook>;
	deliveries: WebhookDelivery[];
	/** Watchers that are neither asleep nor done. */
	awake: number;
	/** Audio seconds by hash, videos by picture, voice and resolution: each is worked out once. */
	durations: Map<string, Promise<number>>;
	videos: Map<string, Promise<string>>;
	closing: AbortController;
}

export const WEEK_MS = 7 * 24 * 3_600_000;

export function newSecret(): string {
	return `whsec_${randomBytes(24).toString('base64')}`;
}

export function newId(): string {
	return randomBytes(16).toString('hex');
}

export async function createWorld(options: EmulatorOptions): Promise<World> {
	const localClock = options.clock ?? realClock;
	const { clockSkewMs = 0 } = options;
	const skewMs = () => (typeof clockSkewMs === 'function' ? clockSkewMs() : clockSkewMs);
	const { apiKey = 'test-key', moreApiKeys = [] } = options;
	return {
		options,
		localClock,
		clock: {
			now: () => localClock.now() + skewMs(),
			sleep: (ms, signal) => localClock.sleep(ms, signal),
		},
		virtual: options.clock !== undefined,
		speed: options.clock ? 1 : (options.speed ?? 1),
		apiKey,
		apiKeys: [apiKey, ...moreApiKeys],
		url: '',
		mediaUrl: '',
		folder: await mkdtemp(join(tmpdir(), 'wavespeed-emulator-')),
		webhookSecret: newSecret(),
		closing: createClosing(),
		...emptyState(),
	};
}

/** Everything that sleeps listens to it, and hundreds of tasks may. */
function createClosing(): AbortController {
	const closing = new AbortController();
	setMaxListeners(0, closing.signal);
	return closing;
}

/** What a reset brings back; the origins, the key and the secret stay. */
export function emptyState() {
	return {
		tasks: [],
		uploads: new Map<string, Upload>(),
		uploadRecords: [],
		tickets: new Map<string, Ticket>(),
		requests: [],
		inFlightRequests: 0,
		maxInFlight: 0,
		rate: { minute: 0, accepted: 0 },
		faults: [],
		hooks: new Set<RequestHook>(),
		deliveries: [],
		awake: 0,
		durations: new Map<string, Promise<number>>(),
		videos: new Map<string, Promise<string>>(),
	};
}
