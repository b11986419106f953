/**
 * Where the API lives and what it is called there. Paths are those that the official clients use;
 * see docs/wavespeed-api.md.
 */

export const DEFAULT_BASE_URL = 'https://api.wavespeed.ai';

export const MODEL_ID = 'wavespeed-ai/wan-2.2/speech-to-video';

const API = '/api/v3';

export const PATHS = {
	submit: `${API}/${MODEL_ID}`,
	list: `${API}/predictions`,
	delete: `${API}/predictions/delete`,
	balance: `${API}/balance`,
	ticket: `${API}/media/uploads`,
	multipart: `${API}/media/upload/binary`,
	price: `${API}/model/price`,
	webhookSecret: `${API}/webhook/secret`,
} as const;

/** No server takes longer ones; the service's have some hundred characters. */
const MAX_URL_CHARS = 8_192;

/** An address that a file can be loaded from; whatever else stands in its place is no link for anybody to click. */
export const isWebUrl = (value: unknown): value is string =>
	typeof value === 'string' &&
	value.length <= MAX_URL_CHARS &&
	/^https?:\/\//i.test(value) &&
	URL.canParse(value);

/** IDs come from users and from the service: one with a slash must not reach another endpoint. */
export const toPathSegment = (id: string): string => encodeURIComponent(id);

/** Built from the ID and never taken from a response, which could point the key at another host. */
export const resultPath = (taskId: string): string =>
	`${API}/predictions/${toPathSegment(taskId)}/result`;

/** Predictions, their videos and uploads are deleted after 7 days (docs: "What are predictions"). */
export const RETENTION_MS = 7 * 24 * 60 * 60 * 1000;
