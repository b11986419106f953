import { fail } from '../failures';
import { type Format, FORMATS, type MediaKind, textAt } from './formats';

/** Which files the service takes, and how a file's kind is told before anything is sent. */

/** The official Python client reads no more than this (200 MiB); larger files are for URL inputs. */
export const MAX_UPLOAD_BYTES = 200 * 1024 * 1024;

/** How many of the first bytes `detectByContent` needs. */
export const HEAD_BYTES = 16;

/** Types that say nothing about the content; the extension or the first bytes decide then. */
const SAYS_NOTHING = new Set([
	'',
	'application/octet-stream',
	'binary/octet-stream',
	'application/binary',
]);

export interface MediaFormat {
	contentType: string;
	extension: string;
	extensions: string[];
}

export interface MediaDescription {
	mimeType?: string;
	fileName?: string;
}

const toMediaFormat = (format: Format): MediaFormat => ({
	contentType: format.mimeTypes[0] ?? 'application/octet-stream',
	extension: format.extensions[0] ?? 'bin',
	extensions: format.extensions,
});

/**
 * The format by MIME type, else by extension; undefined if neither tells, so that the content has to.
 * Throws a FailureError that names `field` for a file of another kind.
 */
export function detectByName(
	kind: MediaKind,
	field: string,
	file: MediaDescription,
): MediaFormat | undefined {
	const mimeType = (file.mimeType ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
	if (!SAYS_NOTHING.has(mimeType)) {
		const format = FORMATS[kind].find((candidate) => candidate.mimeTypes.includes(mimeType));
		return format ? toMediaFormat(format) : refuseKind(kind, field, `is of type ${mimeType}`);
	}
	const extension = /\.([a-z0-9]+)$/i.exec(file.fileName ?? '')?.[1]?.toLowerCase() ?? '';
	const format = FORMATS[kind].find((candidate) => candidate.extensions.includes(extension));
	if (format) return toMediaFormat(format);
	const otherKind = kind === 'image' ? 'audio' : 'image';
	if (FORMATS[otherKind].some((candidate) => candidate.extensions.includes(extension))) {
		refuseKind(kind, field, `is named "${file.fileName}"`);
	}
	return undefined;
}

/** The format by the first bytes; throws a FailureError that names `field` if they fit none. */
export function detectByContent(kind: MediaKind, field: string, head: Buffer): MediaFormat {
	const format = FORMATS[kind].find((candidate) => candidate.startsWith(head));
	return format ? toMediaFormat(format) : refuseKind(kind, field, 'has unknown content');
}

/** A download that failed upstream often leaves an error page under the name of the file. */
export function refuseErrorPage(kind: MediaKind, field: string, head: Buffer): void {
	if (/^\s*<(!doctype|html)/i.test(textAt(head, 0, HEAD_BYTES))) {
		refuseKind(kind, field, 'holds a web page, probably the error message of a failed download');
	}
}

export function checkByteCount(field: string, byteCount: number): void {
	if (byteCount === 0) {
		fail('invalidInput', `The file in "${field}" is empty`, `Check the node that makes it.`);
	}
	if (byteCount > MAX_UPLOAD_BYTES) {
		const megabytes = Math.ceil(byteCount / 1024 / 1024);
		fail(
			'invalidInput',
			`The file in "${field}" has ${megabytes} MB, more than the 200 MB that can be uploaded`,
			`Make it smaller, or put it on a public web address and choose "URL" as its source.`,
		);
	}
}

function refuseKind(kind: MediaKind, field: string, why: string): never {
	const wanted = kind === 'image' ? 'a picture' : 'a sound file';
	const formats = FORMATS[kind].map((format) => format.name).join(', ');
	fail(
		'invalidInput',
		`The file in "${field}" is not ${wanted} that WaveSpeed takes: it ${why}`,
		`Supply one of: ${formats}.`,
	);
}
