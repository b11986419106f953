import { WEEK_MS, type Task, type World } from './state.mts';

export const MODEL_ID = 'wavespeed-ai/wan-2.2/speech-to-video';
export const API_PATH = '/api/v3';

/** The API's view of a task (WaveSpeedAI docs, Get Result): same shape in submits, results, lists and callbacks. */
export function toPrediction(world: World, task: Task, withInput: boolean) {
	const { createdAtFormat, nullNsfw } = world.options;
	const isCompleted = task.status === 'completed';
	const created = new Date(task.createdAt).toISOString();
	const tookMs = task.endedAt === undefined ? undefined : Math.round(task.endedAt - task.createdAt);
	return {
		id: task.id,
		model: MODEL_ID,
		...(withInput && { input: task.input }),
		// "Empty when status is not completed"
		outputs: isCompleted ? task.outputs : [],
		urls: { get: `${world.url}${API_PATH}/predictions/${task.id}/result` },
		has_nsfw_contents: nullNsfw ? null : isCompleted ? task.outputs.map(() => false) : [],
		status: task.status,
		created_at: createdAtFormat === 'ns' ? created.replace('Z', '456789Z') : created,
		error: task.error,
		...(task.code !== undefined && { code: task.code }),
		...(tookMs !== undefined && { executionTime: tookMs }),
		timings: { inference: tookMs ?? 0 },
	};
}

/** Predictions are kept for 7 days (WaveSpeedAI docs, Predictions). */
export function isKept(world: World, task: Task): boolean {
	return world.clock.now() < task.createdAt + WEEK_MS;
}
