import { MODEL_ID } from '../endpoints';
import { FailureError, makeFailure } from '../failures';
import { shorten } from '../../text';
import type { Task } from './task';

/** In small letters and digits alone. */
const ALL_LETTERS = toLetters(MODEL_ID);

/** The model's own name, without the vendor's. */
const OWN_LETTERS = toLetters(MODEL_ID.slice(MODEL_ID.indexOf('/') + 1));

/** A number that the service keeps models under says nothing to us. */
const KEY = /^[0-9a-f-]{16,}$/i;

/** Whether it is certainly another one: of another spelling, or of no name at all, a task stays a candidate. */
export function namesOtherModel(model: unknown): model is string {
	if (typeof model !== 'string' || KEY.test(model.trim())) return false;
	const letters = toLetters(model);
	return !ALL_LETTERS.includes(letters) && !letters.endsWith(OWN_LETTERS);
}

function toLetters(name: string): string {
	return name.toLowerCase().replace(/[^a-z0-9]/g, '');
}

const MAX_NAME_CHARS = 100;

/**
 * For a task that somebody has named: the account has tasks of all models under one roof, and a picture would be handed
 * out as a video, or deleted as one. Undefined for one of ours.
 */
export function findOtherModel({ id, raw }: Task): FailureError | undefined {
	if (!namesOtherModel(raw.model)) return undefined;
	const facts = { model: shorten(raw.model, MAX_NAME_CHARS) };
	const details = { taskId: id };
	return new FailureError(makeFailure('invalidInput', 'taskOfOtherModel', facts, { details }));
}
