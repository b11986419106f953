import { isRecord } from '../../json';
import { shorten } from '../../text';

/**
 * The service's own words for an error, on one line; '' if there are none. They come in many forms: `message` and
 * `error` (docs), `error` as an object, `detail` and `errors` as texts or lists (the vendor's desktop client reads
 * them), in `data`, or as a plain text. `error_code` is added where it says more.
 */
export function readErrorText(body: unknown, plainText: string): string {
	if (body === undefined) return readPlainText(plainText);
	if (!isRecord(body)) return plainText === '' ? '' : shorten(findText(body, DEEPEST_TEXT));
	const text = findText(body, DEEPEST_TEXT);
	const code = readText(body.error_code);
	return text === '' || code === ''
		? shorten(text || code)
		: `${shorten(text)} (${shorten(code, 50)})`;
}

/** What a task's `error` says, be it a text or an object. */
export const readTaskError = (error: unknown): string => shorten(findText(error, DEEPEST_TEXT));

const DEEPEST_TEXT = 3;

/** In the order in which clients of the vendor's look. */
const TEXT_FIELDS = ['message', 'error', 'detail', 'errors', 'msg', 'data'];

function findText(value: unknown, depth: number): string {
	if (typeof value === 'string') return value.trim();
	if (depth === 0) return '';
	if (Array.isArray(value)) {
		const texts = value.slice(0, MOST_TEXTS).map((one) => findText(one, depth - 1));
		return texts.filter((text) => text !== '').join('; ');
	}
	if (!isRecord(value)) return '';
	for (const field of TEXT_FIELDS) {
		// What stands in `data` as a text or a list is no error.
		if (field === 'data' && !isRecord(value.data)) continue;
		const text = findText(value[field], depth - 1);
		if (text !== '' && !SAYS_NOTHING.test(text)) return nameOf(value) + text;
	}
	return '';
}

/** Envelopes carry it beside any code. */
const SAYS_NOTHING = /^(success|ok)$/i;

/** Validators put the name of the field beside the text: `{loc: ['body', 'image'], msg: 'field required'}`. */
function nameOf({ loc }: Record<string, unknown>): string {
	const name = Array.isArray(loc) ? readText(loc.at(-1)) : '';
	return name && `${name}: `;
}

const MOST_TEXTS = 5;

const readText = (value: unknown): string =>
	typeof value === 'string' || typeof value === 'number' ? String(value).trim() : '';

/** A page of a gateway says nothing to anybody, and the rest of cut-off JSON neither. */
function readPlainText(text: string): string {
	const start = text.trimStart();
	return /^[<{["]/.test(start) ? '' : shorten(start);
}
