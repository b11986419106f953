import { isWebUrl, RETENTION_MS } from '../endpoints';
import { readTaskError } from '../http/errorText';
import { isRecord } from '../../json';
import { cutOff, shorten } from '../../text';

/** A task as the API reports it ("prediction" in its docs), in our words and units. */
export interface Task {
	id: string;
	/** The API's own word. */
	status: string;
	videoUrls: string[];
	hasNsfwContent: boolean;
	/** ISO 8601 with milliseconds; null if the service sent none that can be read. */
	createdAt: string | null;
	inferenceTimeMs: number | null;
	/** The service's text for a failure, or ''. */
	errorText: string;
	errorCode: number | null;
	/** The inputs, where the service repeats them (callbacks do, lists and results may). */
	input: Record<string, unknown> | null;
	/** The API's own object, for `simplify: false`. */
	raw: Record<string, unknown>;
}

/** Returns undefined if the value is no task: without an ID there is nothing to wait for. */
export function parseTask(data: unknown): Task | undefined {
	if (!isRecord(data)) return undefined;
	const id = readTaskId(data.id);
	if (id === undefined) return undefined;
	const timings = isRecord(data.timings) ? data.timings : {};
	return {
		id,
		status: typeof data.status === 'string' ? shorten(data.status, MAX_STATUS_CHARS) : '',
		videoUrls: listOutputUrls(data.outputs),
		// One flag per output; `[]` and null were seen, and mean that nothing was flagged.
		hasNsfwContent:
			Array.isArray(data.has_nsfw_contents) && data.has_nsfw_contents.some((flag) => flag === true),
		createdAt: toIsoTime(data.created_at),
		inferenceTimeMs:
			positiveNumber(timings.inference) ?? positiveNumber(data.executionTime) ?? null,
		errorText: readTaskError(data.error),
		errorCode: readErrorCode(data.code) ?? readErrorCode(inner(data.error, 'code')) ?? null,
		input: readEcho(data.input) ?? readEcho(data.inputs) ?? null,
		raw: data,
	};
}

/**
 * The echo of a task's inputs: `input` in callbacks, `inputs` in lists, and clients of the vendor's read both.
 * An empty one says nothing, and must not count as another row's.
 */
function readEcho(value: unknown): Record<string, unknown> | undefined {
	if (!isRecord(value) || Object.keys(value).length === 0) return undefined;
	const { seed } = value;
	const isNumber = typeof seed === 'string' && /^-?\d{1,10}$/.test(seed.trim());
	return isNumber ? { ...value, seed: Number(seed) } : value;
}

/** Some hundred bytes, from which `parseTask` makes the same task again; the whole answer could have up to 1 MB. */
export const toStoredTask = (task: Task): Record<string, unknown> => ({
	id: task.id,
	status: task.status,
	outputs: task.videoUrls,
	has_nsfw_contents: [task.hasNsfwContent],
	created_at: task.createdAt,
	timings: { inference: task.inferenceTimeMs },
	error: task.errorText,
	code: task.errorCode,
	...(task.input ? toStoredInput(task.input) : {}),
});

/** What the output shows of it; a file that stands there as data would take more room than all else, and is not shown. */
function toStoredInput({ resolution, seed, prompt, image, audio }: Record<string, unknown>): {
	input?: Record<string, unknown>;
} {
	const kept = {
		...{ resolution, seed },
		...(typeof prompt === 'string' ? { prompt: cutOff(prompt, MAX_PROMPT_CHARS) } : {}),
		...(isWebUrl(image) ? { image } : {}),
		...(isWebUrl(audio) ? { audio } : {}),
	};
	return JSON.stringify(kept).length <= MAX_INPUT_CHARS ? { input: kept } : {};
}

/** The model takes much shorter ones; what the service repeats goes into every item. */
export const MAX_PROMPT_CHARS = 10_000;

/** Two addresses and a long prompt. */
const MAX_INPUT_CHARS = 20_000;

/** The service's IDs have 32 characters; they are kept and logged, and no URL takes much longer ones. */
const MAX_ID_CHARS = 200;
const MAX_STATUS_CHARS = 50;

/**
 * The ID of a task, from the service or from a user; undefined if it can't be one. "." and ".." would change the path
 * of the request that they are put into, and half a character can't be put into a URL at all.
 */
export function readTaskId(value: unknown): string | undefined {
	const id = Number.isSafeInteger(value) && Number(value) > 0 ? String(value) : value;
	if (typeof id !== 'string' || id.length > 2 * MAX_ID_CHARS) return undefined;
	const trimmed = id.trim();
	const isFine =
		trimmed !== '' &&
		trimmed.length <= MAX_ID_CHARS &&
		!/^\.\.?$/.test(trimmed) &&
		!/[\p{C}\p{Zl}\p{Zp}]/u.test(trimmed);
	return isFine ? trimmed : undefined;
}

/** A task of which only the ID is known. */
export const toUnreadTask = (id: string): Task => ({
	id,
	status: '',
	videoUrls: [],
	hasNsfwContent: false,
	createdAt: null,
	inferenceTimeMs: null,
	errorText: '',
	errorCode: null,
	input: null,
	raw: { id },
});

const inner = (value: unknown, name: string): unknown =>
	isRecord(value) ? value[name] : undefined;

/** A number, or the text of one; 0 is no error. */
function readErrorCode(value: unknown): number | undefined {
	const code = typeof value === 'string' && /^\d{1,9}$/.test(value.trim()) ? Number(value) : value;
	return typeof code === 'number' && Number.isSafeInteger(code) && code !== 0 ? code : undefined;
}

/** Strings for this model; other models return objects, so a change would not lose the video. */
const listOutputUrls = (outputs: unknown): string[] =>
	(Array.isArray(outputs) ? outputs : [outputs])
		.map((output) => findUrl(output, DEEPEST_OUTPUT))
		.filter(isWebUrl);

/** `"…"`, `{url}`, `{video_url}`, `{video: {url}}` or `["…"]`. */
const DEEPEST_OUTPUT = 2;
const OUTPUT_FIELDS = ['url', 'video', 'video_url'];

function findUrl(output: unknown, depth: number): unknown {
	if (isWebUrl(output) || depth === 0) return output;
	const parts = Array.isArray(output) ? output : OUTPUT_FIELDS.map((name) => inner(output, name));
	return parts.map((part) => findUrl(part, depth - 1)).find(isWebUrl);
}

/** Timestamps come with milliseconds or nanoseconds. Without a zone they are UTC, not the time of this machine. */
function toIsoTime(value: unknown): string | null {
	if (typeof value !== 'string') return null;
	const isBare = /^\d{4}-\d\d-\d\d[T ][\d:.]+$/.test(value);
	const ms = Date.parse(isBare ? `${value.replace(' ', 'T')}Z` : value);
	return ms >= 0 && ms < LATEST_TIME_MS ? new Date(ms).toISOString() : null;
}

/** Years with more than four digits are written in another way, and what is counted from the last one has no date. */
const LATEST_TIME_MS = Date.UTC(9999, 0);

const positiveNumber = (value: unknown): number | undefined =>
	typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : undefined;

export function expiresAt(task: Task): string | null {
	return task.createdAt === null
		? null
		: new Date(Date.parse(task.createdAt) + RETENTION_MS).toISOString();
}

/** What ended without a video, with our words where the service sends none. */
const FAILED_ENDS: ReadonlyMap<string, string> = new Map([
	['failed', 'The service gave no reason'],
	['cancelled', 'The task was cancelled at WaveSpeed'],
	['canceled', 'The task was cancelled at WaveSpeed'],
	['timeout', 'The task took too long and was ended by WaveSpeed'],
	['deleted', 'The task was deleted at WaveSpeed'],
]);

export type TaskPhase = 'running' | 'completed' | 'failed';

/** Statuses that nobody has documented mean "still running": ending early would lose a paid video. */
export function phaseOf(task: Task): TaskPhase {
	const status = task.status.toLowerCase();
	if (status === 'completed') return 'completed';
	return FAILED_ENDS.has(status) ? 'failed' : 'running';
}

export function failureReasonOf(task: Task): string {
	if (task.errorText !== '') return task.errorText;
	return FAILED_ENDS.get(task.status.toLowerCase()) ?? 'The task ended without a video';
}

/**
 * Refusals that depend on the input: moderation (1200), missing or invalid parameter (1400, 1401),
 * media not reachable (1402). The same task would end the same way. Docs: Error codes.
 */
const PERMANENT_CODES: ReadonlySet<number> = new Set([1200, 1400, 1401, 1402]);

/** The same without a code: what moderation and the loader of files are known to say. */
const PERMANENT_WORDS =
	/content (moderation|policy|filter)|moderation|nsfw|sensitive content|failed to (download|fetch|load) (the )?(image|audio|media|file)/i;

/** Somebody has ended it or deleted its record, perhaps of a video that was made and paid for. */
const ENDED_BY_SOMEBODY: ReadonlySet<string> = new Set(['deleted', 'cancelled', 'canceled']);

/** Whether another task with the same inputs is pointless, unwanted, or could be paid for twice. */
export const isPermanentFailure = (task: Task): boolean =>
	(task.errorCode !== null
		? PERMANENT_CODES.has(task.errorCode)
		: PERMANENT_WORDS.test(task.errorText)) || ENDED_BY_SOMEBODY.has(task.status.toLowerCase());
