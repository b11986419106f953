/** How an emulator is started. */

/** Time as the emulator sees it. Tests give a virtual one, so that nothing has to be waited for. */
export interface Clock {
	/** Milliseconds since the epoch. */
	now(): number;
	sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export type AccountLevel = 'bronze' | 'silver' | 'gold' | 'ultra';

export interface TaskInput {
	image: string;
	audio: string;
	prompt?: string;
	resolution?: '480p' | '720p';
	seed?: number;
}

/** How a service may repeat a task's inputs; all of it was seen somewhere or is at least thinkable. */
export interface Echo {
	/** Where they stand. Default: `inputs` in a list that was asked for them, else `input`. */
	name?: 'input' | 'inputs';
	/** Only these; an empty list gives an empty object. */
	keys?: (keyof TaskInput)[];
	/** Without white space around it. */
	trimPrompt?: boolean;
	seedAsText?: boolean;
	/** Picture and voice under other addresses, as if the service kept copies. */
	rehostFiles?: boolean;
}

export interface EmulatorOptions {
	/** API origin; 0 takes any free port. */
	port?: number;
	/** Second origin: signed upload targets and the "CDN". 0 takes any free port. */
	mediaPort?: number;
	apiKey?: string;
	/** Further keys of the same account. */
	moreApiKeys?: string[];
	accountLevel?: AccountLevel;
	/** Above the concurrency limit: refuse with 429, or accept and let the task wait as `created`. */
	overLimit?: 'reject' | 'queue';
	clock?: Clock;
	/** How many times faster than real time tasks run; only with the built-in clock. */
	speed?: number;
	/** Seconds a task takes; default 12 per second of audio. */
	taskSeconds?: number | ((input: TaskInput) => number);
	/**
	 * How far the service's clock is ahead of `clock` (negative: behind): `Date` headers, `created_at`, signatures,
	 * expiry. A function, if it changes. What tests read (`requests()`, `webhookDeliveries()`) keeps to `clock`.
	 */
	clockSkewMs?: number | (() => number);
	/** false: answers carry no `Date`, as behind some proxies. */
	dateHeader?: boolean;
	/** By how much that header is ahead of the times of the tasks: it may be a proxy's. Default 0. */
	dateHeaderAheadMs?: number;
	/** Echo a task's inputs in submits, results and lists. Callback bodies always carry them. */
	echoInput?: boolean;
	/** How inputs are spelled wherever they come back. */
	echo?: Echo;
	/**
	 * `include_inputs: true` in a list request: its tasks carry their inputs, it is overlooked, or it is an error 400.
	 */
	includeInputs?: 'honoured' | 'ignored' | 'refused';
	/** The largest page of a list, whatever is asked for. */
	maxPageSize?: number;
	/** `real` renders picture and voice with ffmpeg; `placeholder` serves one fixed small MP4. */
	video?: 'real' | 'placeholder';
	/** Assumed length of audio that isn't measured. */
	audioSeconds?: number;
	/** false or 404/405: the ticket endpoint answers so. */
	ticketUploads?: boolean | 404 | 405;
	/** Body keys that the model doesn't have are an error 400 instead of being overlooked. */
	strictBody?: boolean;
	/** What a ticket says that the PUT has to carry, instead of what the file store asks for. */
	ticketHeaders?: Record<string, string>;
	/** USD on the account. */
	balance?: number;
	webhookRetryDelaysSeconds?: number[];
	/** `noZone` leaves out the Z, `offset` is the time in UTC+8. */
	createdAtFormat?: 'ms' | 'ns' | 'noZone' | 'offset';
	/** `has_nsfw_contents` is null instead of a list. */
	nullNsfw?: boolean;
	/** Largest upload in bytes; default 200 MiB by ticket, 300 MiB by multipart. */
	maxUploadBytes?: number;
}
