import { createHash } from 'node:crypto';

import { uploadFile } from '../wavespeed/media/upload';
import type { Batch } from './context';
import type { SubmitInput } from '../wavespeed/tasks/submitTask';
import type { VideoRequest, InspectedFile, Media } from './request';

/** A row whose files have been read, but not sent. */
export interface PreparedRequest {
	ask: VideoRequest;
	image: PreparedMedia;
	audio: PreparedMedia;
	/** Of what is asked for: the same files, prompt, resolution and seed give the same hash. */
	hash: string;
}

type PreparedMedia = { url: string } | { field: string; file: InspectedFile };

/** Half a SHA-256: 10,000 rows don't collide, and the ledger stays small. */
const HASH_CHARS = 16;

const contentKey = (media: PreparedMedia): string =>
	'url' in media ? `url ${media.url}` : `sha256 ${media.file.sha256}`;

export async function inspectRequest(ask: VideoRequest): Promise<PreparedRequest> {
	const [image, audio] = [await inspectMedia(ask.image), await inspectMedia(ask.audio)];
	const asked = [contentKey(image), contentKey(audio), ask.prompt, ask.resolution, ask.seed];
	const hash = createHash('sha256')
		.update(JSON.stringify(asked))
		.digest('hex')
		.slice(0, HASH_CHARS);
	return { ask, image, audio, hash };
}

const inspectMedia = async (media: Media): Promise<PreparedMedia> =>
	media.kind === 'url' ? { url: media.url } : { field: media.field, file: await media.inspect() };

const LARGEST_SEED = 2_147_483_647;

/** Uploads what has to be uploaded and draws the seed: everything that the submit sends. */
export async function completeInput(batch: Batch, ready: PreparedRequest): Promise<SubmitInput> {
	const { ask } = ready;
	const [image, audio] = await Promise.all([
		uploadMedia(batch, ready.image),
		uploadMedia(batch, ready.audio),
	]);
	// The service would draw one too, but never tells it: a good video could not be made again.
	const seed = ask.seed === -1 ? Math.floor(batch.api.random() * (LARGEST_SEED + 1)) : ask.seed;
	return { image, audio, prompt: ask.prompt, resolution: ask.resolution, seed };
}

async function uploadMedia(batch: Batch, media: PreparedMedia): Promise<string> {
	if ('url' in media) return media.url;
	const { file, field } = media;
	return await batch.uploads.urlOf(`${file.sha256} ${file.contentType}`, async () => {
		const giveBack = await batch.uploadSlots.take();
		return await uploadFile(batch.api, field, file).finally(giveBack);
	});
}
