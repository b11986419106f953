import { uploadFile, withField } from '../wavespeed/media/upload';
import { settle } from '../async/settle';
import { noteAsked } from './asked';
import type { Batch } from './context';
import type { SubmitInput } from '../wavespeed/tasks/submitTask';
import type { VideoRequest, InspectedFile, Media } from './request';

/** A row whose files have been read, but not sent. */
export interface PreparedRequest {
	request: VideoRequest;
	image: PreparedMedia;
	audio: PreparedMedia;
}

type PreparedMedia = { url: string } | { field: string; file: InspectedFile };

export async function inspectRequest(request: VideoRequest): Promise<PreparedRequest> {
	const [image, audio] = [await inspectMedia(request.image), await inspectMedia(request.audio)];
	return { request, image, audio };
}

/** What the row asks for this time, by its fields: files by their content, wherever they are. */
export function describeAsked({ request, image, audio }: PreparedRequest): string {
	const { prompt, resolution, seed, sources } = request;
	const files = { image: toContent(image), audio: toContent(audio) };
	return noteAsked({ ...files, prompt, resolution, seed }, sources);
}

const toContent = (media: PreparedMedia): string =>
	'url' in media ? `url ${media.url}` : `sha256 ${media.file.sha256}`;

const inspectMedia = async (media: Media): Promise<PreparedMedia> =>
	media.kind === 'url' ? { url: media.url } : { field: media.field, file: await media.inspect() };

const LARGEST_SEED = 2_147_483_647;

/** Uploads what has to be uploaded and draws the seed: everything that the submit sends. */
export async function completeInput(batch: Batch, ready: PreparedRequest): Promise<SubmitInput> {
	const { request } = ready;
	const [image, audio] = await Promise.all([
		uploadMedia(batch, ready.image),
		uploadMedia(batch, ready.audio),
	]);
	// The service would draw one too, but never tells it: a good video could not be made again.
	const seed =
		request.seed === -1 ? Math.floor(batch.api.random() * (LARGEST_SEED + 1)) : request.seed;
	return { image, audio, prompt: request.prompt, resolution: request.resolution, seed };
}

async function uploadMedia(batch: Batch, media: PreparedMedia): Promise<string> {
	if ('url' in media) return media.url;
	const { api, account } = batch;
	const { file, field } = media;
	const inTurn = async <T>(attempt: () => Promise<T>): Promise<T> =>
		await account.uploadSlots.run(api.cancellation, attempt);
	const upload = async (): Promise<string> => await uploadFile(api, field, file, inTurn);
	const key = `${file.sha256} ${file.contentType}`;
	const uploaded = await settle(account.uploads.urlOf(key, api, upload));
	if (uploaded.ok) return uploaded.value;
	throw withField(uploaded.error, field);
}
