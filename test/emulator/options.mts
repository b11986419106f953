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

export interface EmulatorOptions {
	/** API origin; 0 takes any free port. */
	port?: number;
	/** Second origin: signed upload targets and the "CDN". 0 takes any free port. */
	mediaPort?: number;
	apiKey?: string;
	accountLevel?: AccountLevel;
	/** Above the concurrency limit: refuse with 429, or accept and let the task wait as `created`. */
	overLimit?: 'reject' | 'queue';
	clock?: Clock;
	/** How many times faster than real time tasks run; only with the built-in clock. */
	speed?: number;
	/** Seconds a task takes; default 12 per second of audio. */
	taskSeconds?: number | ((input: TaskInput) => number);
	/** Echo `input` in results and lists. Callback bodies always carry it. */
	echoInput?: boolean;
	/** `real` renders picture and voice with ffmpeg; `placeholder` serves one fixed small MP4. */
	video?: 'real' | 'placeholder';
	/** Assumed length of audio that isn't measured. */
	audioSeconds?: number;
	/** false or 404/405: the ticket endpoint answers so. */
	ticketUploads?: boolean | 404 | 405;
	/** USD on the account. */
	balance?: number;
	webhookRetryDelaysSeconds?: number[];
	createdAtFormat?: 'ms' | 'ns';
	/** `has_nsfw_contents` is null instead of a list. */
	nullNsfw?: boolean;
	/** Largest upload in bytes; default 200 MiB by ticket, 300 MiB by multipart. */
	maxUploadBytes?: number;
}
