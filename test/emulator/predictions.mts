import { WEEK_MS, type Task, type World } from './state.mts';
import type { Echo, EmulatorOptions } from './types.mts';

export const MODEL_ID = 'wavespeed-ai/wan-2.2/speech-to-video';
export const API_PATH = '/api/v3';
/** Of 2025; the vendor's older clients still use it. */
export const OLD_API_PATH = '/api/v2';

/** The API's view of a task (WaveSpeedAI docs, Get Result): same shape in submits, results, lists and callbacks. */
export function toPrediction(world: World, task: Task, echoAs?: Echo['name']) {
	const { createdAtFormat, nullNsfw, echo } = world.options;
	const isCompleted = task.status === 'completed';
	const tookMs = task.endedAt === undefined ? undefined : Math.round(task.endedAt - task.createdAt);
	return {
		id: task.id,
		model: MODEL_ID,
		...(echoAs && { [echo?.name ?? echoAs]: echoOf(world, task) }),
		// "Empty when status is not completed"
		outputs: isCompleted ? task.outputs : [],
		urls: { get: `${world.url}${API_PATH}/predictions/${task.id}/result` },
		has_nsfw_contents: nullNsfw ? null : isCompleted ? task.outputs.map(() => false) : [],
		status: task.status,
		created_at: formatTime(task.createdAt, createdAtFormat),
		error: task.error,
		...(task.code !== undefined && { code: task.code }),
		...(tookMs !== undefined && { executionTime: tookMs }),
		timings: { inference: tookMs ?? 0 },
	};
}

/** The name under which submits and results repeat the inputs, if they do. */
export function usualEcho(world: World): Echo['name'] {
	return world.options.echoInput ? 'input' : undefined;
}

function echoOf(world: World, task: Task): object {
	const { keys, trimPrompt, seedAsText, rehostFiles } = world.options.echo ?? {};
	const { prompt, seed, image, audio } = task.input;
	const rehost = (url: string) =>
		`${world.mediaUrl}/copies/${task.id}/${url.split('/').at(-1) ?? ''}`;
	const echo = {
		...task.input,
		...(trimPrompt && prompt !== undefined && { prompt: prompt.trim() }),
		...(seedAsText && seed !== undefined && { seed: String(seed) }),
		...(rehostFiles && { image: rehost(image), audio: rehost(audio) }),
	};
	const kept = Object.entries(echo).filter(([key]) => !keys || keys.some((one) => one === key));
	return Object.fromEntries(kept);
}

const EIGHT_HOURS_MS = 8 * 3_600_000;

function formatTime(ms: number, format: EmulatorOptions['createdAtFormat']): string {
	const utc = new Date(ms).toISOString();
	if (format === 'ns') return utc.replace('Z', '456789Z');
	if (format === 'noZone') return utc.replace('Z', '');
	if (format !== 'offset') return utc;
	return new Date(ms + EIGHT_HOURS_MS).toISOString().replace('Z', '+08:00');
}

/** Predictions are kept for 7 days (WaveSpeedAI docs, Predictions). */
export function isKept(world: World, task: Task): boolean {
	return world.clock.now() < task.createdAt + WEEK_MS;
}
