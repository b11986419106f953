import type { IDataObject } from 'n8n-workflow';

import { isWebUrl } from '../../wavespeed/endpoints';
import { MAX_PROMPT_CHARS, type Task } from '../../wavespeed/tasks/task';
import { cutOff, shorten } from '../../text';

const MAX_RESOLUTION_CHARS = 20;

/** What a task was made from, as far as the service repeats it, so that the user knows whose video it is. */
export function toEchoedFields(input: Task['input']): IDataObject {
	const { resolution, seed, prompt, image, audio } = input ?? {};
	return {
		...(typeof resolution === 'string'
			? { resolution: shorten(resolution, MAX_RESOLUTION_CHARS) }
			: {}),
		...(typeof seed === 'number' && Number.isSafeInteger(seed) ? { seed } : {}),
		...(typeof prompt === 'string' ? { prompt: cutOff(prompt, MAX_PROMPT_CHARS) } : {}),
		...(isWebUrl(image) ? { imageUrl: image } : {}),
		...(isWebUrl(audio) ? { audioUrl: audio } : {}),
	};
}
