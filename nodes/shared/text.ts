/** Longer error texts are pages or dumps: nobody reads them in an error message. */
const MAX_ERROR_TEXT_CHARS = 500;

/** Control characters, halves of characters, and what turns the direction of writing: they forge lines of a log. */
const UNPRINTABLE = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u202A-\u202E\u2066-\u2069]/gu;

/** One printable line of at most `maxChars`. */
export function shorten(text: string, maxChars = MAX_ERROR_TEXT_CHARS): string {
	// Cut before it is looked at: a text may have some MB.
	const start = text.slice(0, maxChars * 10);
	const oneLine = start.replace(UNPRINTABLE, ' ').replace(/\s+/g, ' ').trim();
	const isWhole = start.length === text.length && oneLine.length <= maxChars;
	return isWhole ? oneLine : `${oneLine.slice(0, maxChars).replace(/[\uD800-\uDBFF]$/, '')}…`;
}

/** Keeps the lines, and leaves no half of a character at the end. */
export const cutOff = (text: string, maxChars: number): string =>
	text.length <= maxChars ? text : `${text.slice(0, maxChars).replace(/[\uD800-\uDBFF]$/, '')}…`;
