import { readFingerprint } from '../../shared/n8n/input/fingerprint';
import type { ParameterReader } from '../../shared/n8n/input/parameters';
import type { Run } from '../../shared/n8n/run/run';
import { fail } from '../../shared/wavespeed/failures';
import type { VideoRequest } from '../../shared/batch/request';

/** What a row asks for, from the fields that Generate, Get Price and Submit share. */
export async function readRequest(
	run: Run,
	parameters: ParameterReader,
	row: number,
): Promise<VideoRequest> {
	const { options } = parameters;
	return {
		image: await run.readMedia(parameters, row, 'image'),
		audio: await run.readMedia(parameters, row, 'audio'),
		prompt: parameters.text('prompt', 'Prompt'),
		resolution: readResolution(parameters),
		...readFingerprint(run.ctx, row, run.batch.isTool),
		seed: readSeed(parameters),
		maxCostPerVideo: options.costLimit('maxCostPerVideo', 'Max Cost per Video'),
		maxCostPerRun: options.costLimit('maxCostPerRun', 'Max Cost per Run'),
	};
}

/** Sheets and models write 720, 720P or the number, and mean the same. */
function readResolution({ raw, choice }: ParameterReader): string {
	const given = raw('resolution');
	const text = typeof given === 'number' ? String(given) : given;
	const [, height] = (typeof text === 'string' && /^\s*(480|720)\s*p?\s*$/i.exec(text)) || [];
	return height ? `${height}p` : choice('resolution', 'Resolution', ['480p', '720p'] as const);
}

/** An empty cell of a sheet asks for no seed in particular, as −1 does. */
function readSeed({ raw, integer }: ParameterReader): number {
	const given = raw('seed');
	const isEmpty =
		given === undefined || given === null || (typeof given === 'string' && given.trim() === '');
	return isEmpty ? -1 : integer('seed', 'Seed', { min: -1, max: 2_147_483_647 });
}

/** The address for the service's callback. */
export function checkWebhookUrl(url: string | undefined): string | undefined {
	if (url === undefined) return undefined;
	const parsed = URL.canParse(url) ? new URL(url) : undefined;
	if (parsed?.protocol === 'https:' || parsed?.protocol === 'http:') return url;
	return fail('invalidInput', 'webhookUrlWrong', { given: url });
}
