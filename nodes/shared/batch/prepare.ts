import { createHash } from 'node:crypto';

import { quotePrice, type SubmitInput } from '../wavespeed/client';
import { fail, NOTHING_PAID } from '../wavespeed/failures';
import { uploadFile } from '../wavespeed/upload';
import type { Ask, Batch, InspectedFile, Media } from './batch';

/** A row whose files have been read, but not sent. */
export interface ReadyAsk {
	ask: Ask;
	image: ReadyMedia;
	audio: ReadyMedia;
	/** Of what is asked for: the same files, prompt, resolution and seed give the same hash. */
	hash: string;
}

type ReadyMedia = { url: string } | { field: string; file: InspectedFile };

/** Half a SHA-256: 10,000 rows don't collide, and the ledger stays small. */
const HASH_CHARS = 16;

const contentKey = (media: ReadyMedia): string =>
	'url' in media ? `url ${media.url}` : `sha256 ${media.file.sha256}`;

export async function inspectAsk(ask: Ask): Promise<ReadyAsk> {
	const [image, audio] = [await inspectMedia(ask.image), await inspectMedia(ask.audio)];
	const asked = [contentKey(image), contentKey(audio), ask.prompt, ask.resolution, ask.seed];
	const hash = createHash('sha256')
		.update(JSON.stringify(asked))
		.digest('hex')
		.slice(0, HASH_CHARS);
	return { ask, image, audio, hash };
}

const inspectMedia = async (media: Media): Promise<ReadyMedia> =>
	media.kind === 'url' ? { url: media.url } : { field: media.field, file: await media.inspect() };

const LARGEST_SEED = 2_147_483_647;

/** Uploads what has to be uploaded and draws the seed: everything that the submit sends. */
export async function completeInput(batch: Batch, ready: ReadyAsk): Promise<SubmitInput> {
	const { ask } = ready;
	const [image, audio] = await Promise.all([
		uploadMedia(batch, ready.image),
		uploadMedia(batch, ready.audio),
	]);
	// The service would draw one too, but never tells it: a good video could not be made again.
	const seed = ask.seed === -1 ? Math.floor(batch.api.random() * (LARGEST_SEED + 1)) : ask.seed;
	return { image, audio, prompt: ask.prompt, resolution: ask.resolution, seed };
}

async function uploadMedia(batch: Batch, media: ReadyMedia): Promise<string> {
	if ('url' in media) return media.url;
	const { file, field } = media;
	return await batch.uploads.urlOf(`${file.sha256} ${file.contentType}`, async () => {
		const giveBack = await batch.uploadSlots.take();
		return await uploadFile(batch.api, field, file).finally(giveBack);
	});
}

/** The price of the row, checked against its limits; undefined if nobody wants to know it. Reserves the money. */
export async function quoteWithinLimits(
	batch: Batch,
	row: number,
	ask: Ask,
	input: SubmitInput,
): Promise<number | undefined> {
	const { maxCostPerVideo, maxCostPerRun } = ask;
	if (maxCostPerVideo === undefined && maxCostPerRun === undefined) return undefined;
	const costUsd = await quotePrice(batch.api, input);
	if (maxCostPerVideo !== undefined && costUsd > maxCostPerVideo) {
		fail(
			'costLimit',
			`The video would cost ${dollars(costUsd)}, more than "Max Cost per Video" allows (${dollars(maxCostPerVideo)})`,
			`Raise the limit, shorten the audio or choose 480p. ${NOTHING_PAID}`,
			{ details: { costUsd } },
		);
	}
	const spentUsd = await batch.budget.decide(row, costUsd, maxCostPerRun);
	if (spentUsd !== undefined && maxCostPerRun !== undefined) {
		fail(
			'costLimit',
			`The video would cost ${dollars(costUsd)} and take the run above "Max Cost per Run" (${dollars(maxCostPerRun)}): ${dollars(spentUsd)} are spent or promised to earlier rows`,
			'Raise the limit or run this row another time. For this row nothing was paid.',
			{ details: { costUsd } },
		);
	}
	return costUsd;
}

/** At least cents, and more digits only where the price has them. */
const dollars = (usd: number): string =>
	`$${usd.toFixed(Math.abs(usd * 100 - Math.round(usd * 100)) < 1e-6 ? 2 : 4)}`;
