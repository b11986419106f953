import { isRecord } from '../../json';
import { shorten } from '../../text';
import { fail, type Failure } from '../../wavespeed/failures';
import { isBinary } from './itemFiles';

/** What people enter in the place of a field's name or a file, and the sentence that leads out of it. */

const EXAMPLE = '{{ $("Name of the node").item.binary.data }}';
const CONVERT =
	'Put a Convert to File node before this one (operation "Move Base64 String to File"), and leave this field empty.';

/** What a file's `data` is when n8n keeps the file elsewhere. */
const STORAGE_NAMES = new Set([
	'filesystem',
	'filesystem-v2',
	'database',
	's3',
	'azure',
	'default',
]);

type More = Pick<Failure, 'details'>;

/** Returns only if the value is a name like any other, of a file that isn't there. */
export function refuseMistake(value: unknown, label: string, more: More): void {
	if (typeof value === 'string') refuseText(value, label, more);
	else refuseObject(value, label, more);
}

function refuseText(text: string, label: string, more: More): void {
	if (text.includes('[object ')) {
		fail(
			'invalidInput',
			`"${label}" has a space or other text around its expression`,
			`Delete everything before {{ and after }}, so that the field holds the expression alone.`,
			more,
		);
	}
	if (text.startsWith('=') || text.includes('{{')) {
		fail(
			'invalidInput',
			`"${label}" holds an expression that n8n reads as text: ${shorten(text, 60)}`,
			`Switch the field to "Expression" and enter it without a leading equals sign, such as ${EXAMPLE}`,
			more,
		);
	}
	if (STORAGE_NAMES.has(text)) {
		fail(
			'invalidInput',
			`The expression in "${label}" goes one step too far: it gives "${text}", where n8n keeps the file`,
			`Take the file itself and leave out the last ".data", such as ${EXAMPLE}`,
			more,
		);
	}
	if (isEncoded(text)) {
		fail(
			'invalidInput',
			`"${label}" holds the content of a file as text (base64) and not the name of a field`,
			`${CONVERT} If it comes from an expression that ends in ".data.data", leave out the last ".data" instead.`,
			more,
		);
	}
	if (/^https?:\/\//i.test(text)) {
		fail(
			'invalidInput',
			`"${label}" holds a web address and not the name of a field`,
			`Choose "URL" as the source, and enter the address there.`,
			more,
		);
	}
}

/** Nobody calls a field by more than this without a space or a dot in it. */
const SHORTEST_BASE64_CHARS = 100;

export const isEncoded = (text: string): boolean =>
	/^data:[\w.+/-]*[;,]/i.test(text) ||
	(text.length >= SHORTEST_BASE64_CHARS && /^[\w+/=\s-]+$/.test(text.slice(0, 1000)));

function refuseObject(value: unknown, label: string, more: More): never {
	if (value === undefined || value === null) {
		fail(
			'invalidInput',
			`The expression in "${label}" gives nothing`,
			`Check the names in it: of the node, and of the field after ".binary". To take the file of this item, leave the field empty.`,
			more,
		);
	}
	return fail(
		'invalidInput',
		`The expression in "${label}" doesn't give a file`,
		describeObject(value),
		more,
	);
}

function describeObject(value: unknown): string {
	if (Array.isArray(value)) return `It gives a list: take one file of it, such as ${EXAMPLE}`;
	const object = isRecord(value) ? value : {};
	if (isRecord(object.binary)) {
		return `It gives a whole item: go on with .binary.data, such as ${EXAMPLE}`;
	}
	const [field] = Object.entries(object).find(([, inner]) => isBinary(inner)) ?? [];
	return field === undefined
		? `Enter one that does, such as ${EXAMPLE}, or leave the field empty.`
		: `It gives all files of an item: add the name of one, which is .${shorten(field, 60)}`;
}
