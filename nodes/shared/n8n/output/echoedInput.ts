import type { IDataObject } from 'n8n-workflow';

import { isWebUrl } from '../../wavespeed/endpoints';
import type { Task } from '../../wavespeed/tasks/task';
import { shorten } from '../../text';

/** The model takes much shorter ones; what the service repeats goes into every item. */
const MAX_PROMPT_CHARS = 10_000;
const MAX_RESOLUTION_CHARS = 20;

/** What a task was made from, as far as the service repeats it, so that the user knows whose video it is. */
export function toEchoedFields(input: Task['input']): IDataObject {
	const { resolution, seed, prompt, image, audio } = input ?? {};
	return {
		...(typeof resolution === 'string'
			? { resolution: shorten(resolution, MAX_RESOLUTION_CHARS) }
			: {}),
		...(typeof seed === 'number' && Number.isSafeInteger(seed) ? { seed } : {}),
		...(typeof prompt === 'string' ? { prompt: cut(prompt, MAX_PROMPT_CHARS) } : {}),
		...(isWebUrl(image) ? { imageUrl: image } : {}),
		...(isWebUrl(audio) ? { audioUrl: audio } : {}),
	};
}

/** Keeps the lines, and leaves no half of a character at the end. */
const cut = (text: string, maxChars: number): string =>
	text.length <= maxChars ? text : `${text.slice(0, maxChars).replace(/[\uD800-\uDBFF]$/, '')}…`;
