import { fetchMedia } from './media.mts';
import { priceOfFile } from './price.mts';
import { measureAudio } from './probe.mts';
import type { Task, World } from './state.mts';

/** WaveSpeedAI skills, InfiniteTalk (the sibling model): 10 to 30 s per second of video. */
const SECONDS_PER_AUDIO_SECOND = 12;
/** How long a task says `created`, and how soon one with unusable media fails. */
export const START_MS = 1000;

/** Fetches picture and voice; then the task knows its price and when and how it ends. Never rejects. */
export async function fetchInputs(world: World, task: Task): Promise<void> {
	try {
		await fetchBoth(world, task);
	} catch (error) {
		failSoon(world, task, `Failed to download audio: ${String(error)}`);
	}
}

async function fetchBoth(world: World, task: Task): Promise<void> {
	const [image, audio] = await Promise.all([
		fetchMedia(world, task.input.image, 'image'),
		fetchMedia(world, task.input.audio, 'audio'),
	]);
	if (!image.file || !audio.file) {
		return failSoon(world, task, image.failure ?? audio.failure);
	}
	task.image = image.file;
	task.audio = audio.file;
	task.priceUsd = await priceOfFile(world, audio.file, task.input.resolution);
	const { taskSeconds } = world.options;
	const seconds = typeof taskSeconds === 'function' ? taskSeconds(task.input) : taskSeconds;
	const usual = SECONDS_PER_AUDIO_SECOND * (await measureAudio(world, audio.file));
	task.durationMs = ((seconds ?? usual) * 1000) / world.speed;
}

function failSoon(world: World, task: Task, failure: string | undefined): void {
	task.mediaFailure = failure;
	task.durationMs = START_MS / world.speed;
}
