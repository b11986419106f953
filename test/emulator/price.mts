import { isRecord, refusal } from './answers.mts';
import { fetchMedia } from './media.mts';
import { measureAudio } from './probe.mts';
import type { StoredFile, World } from './state.mts';

const USD_PER_SECOND = 0.03;
/** WaveSpeedAI docs, Wan 2.2 Speech To Video: seconds are rounded up, at least 3 are billed. */
const LEAST_SECONDS = 3;
/** The documented formula of the sibling model InfiniteTalk bills no more than 10 minutes. */
const MOST_SECONDS = 600;
/** The catalogue's `base_price`: what a quote falls back to when it is asked without the inputs that set the price. */
export const BASE_PRICE_USD = 0.15;

export function priceOf(audioSeconds: number, resolution: unknown): number {
	// A recording of 4.0000001 s isn't 5 s: durations are read from files as rounded decimals.
	const whole = Math.ceil(Math.round(audioSeconds * 1000) / 1000);
	const seconds = Math.min(Math.max(whole, LEAST_SECONDS), MOST_SECONDS);
	const usd = seconds * USD_PER_SECOND * (resolution === '720p' ? 2 : 1);
	return Math.round(usd * 100) / 100;
}

export async function priceOfFile(
	world: World,
	audio: StoredFile,
	resolution: unknown,
): Promise<number> {
	return priceOf(await measureAudio(world, audio), resolution);
}

/** The quote for a request's inputs; the audio is fetched and measured, as the service's formula does. */
export async function quote(world: World, inputs: unknown): Promise<number> {
	if (inputs !== undefined && !isRecord(inputs)) throw refusal(400, 'inputs must be an object');
	const { audio, resolution } = inputs ?? {};
	if (resolution !== undefined && resolution !== '480p' && resolution !== '720p') {
		throw refusal(400, 'inputs.resolution must be one of 480p, 720p');
	}
	if (audio === undefined || audio === '') return BASE_PRICE_USD;
	if (typeof audio !== 'string') throw refusal(400, 'inputs.audio must be a string');
	const { file, failure } = await fetchMedia(world, audio, 'audio');
	if (!file) throw refusal(400, failure ?? 'audio not available');
	return priceOfFile(world, file, resolution);
}
