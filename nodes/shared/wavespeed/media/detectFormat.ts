import { type Format, FORMATS, isMp4, type MediaKind, textAt } from './formats';

/** Which files the service takes, and how a file's kind is told before anything is sent. */

/** The official Python client reads no more than this (200 MiB); larger files are for URL inputs. */
export const MAX_UPLOAD_BYTES = 200 * 1024 * 1024;

/** How many of the first bytes tell what a file is. */
export const HEAD_BYTES = 16;

/** What a file is: a picture or a recording that the service takes, or something that it doesn't. */
export type FileKind = MediaKind | 'video' | 'webPage' | 'other';

export interface MediaFormat {
	contentType: string;
	extension: string;
}

/** What a file's label says of it. */
export interface MediaDescription {
	mimeType?: string;
	fileName?: string;
}

/** Types that say nothing about the content; the extension or the first bytes decide then. */
const SAYS_NOTHING = new Set([
	'',
	'application/octet-stream',
	'binary/octet-stream',
	'application/binary',
]);

const VIDEO_EXTENSIONS = new Set(['mp4', 'm4v', 'mov', 'mkv', 'avi', 'mpg', 'mpeg', 'wmv', '3gp']);
const PAGE_EXTENSIONS = new Set(['html', 'htm']);
const KINDS = ['image', 'audio'] as const;

export const typeOf = ({ mimeType }: MediaDescription): string =>
	(mimeType ?? '').split(';')[0]?.trim().toLowerCase() ?? '';

const extensionOf = ({ fileName }: MediaDescription): string =>
	/\.([a-z0-9]+)$/i.exec(fileName ?? '')?.[1]?.toLowerCase() ?? '';

function findByLabel(kind: MediaKind, file: MediaDescription): Format | undefined {
	const type = typeOf(file);
	return SAYS_NOTHING.has(type)
		? FORMATS[kind].find(({ extensions }) => extensions.includes(extensionOf(file)))
		: FORMATS[kind].find(({ mimeTypes }) => mimeTypes.includes(type));
}

/** By MIME type, else by extension; undefined if the label says nothing. */
export function kindByLabel(file: MediaDescription): FileKind | undefined {
	const known = KINDS.find((kind) => findByLabel(kind, file) !== undefined);
	if (known) return known;
	const type = typeOf(file);
	const extension = SAYS_NOTHING.has(type) ? extensionOf(file) : '';
	if (type.startsWith('video/') || VIDEO_EXTENSIONS.has(extension)) return 'video';
	if (type === 'text/html' || PAGE_EXTENSIONS.has(extension)) return 'webPage';
	return SAYS_NOTHING.has(type) ? undefined : 'other';
}

/** By the first bytes; undefined if they fit nothing that is known here. */
export function kindByContent(head: Buffer): FileKind | undefined {
	const known = KINDS.find((kind) => FORMATS[kind].some(({ startsWith }) => startsWith(head)));
	if (known) return known;
	if (/^\s*<(!doctype|html)/i.test(textAt(head, 0, HEAD_BYTES))) return 'webPage';
	if (isMp4(head)) return /^(heic|heix|mif1|avif)/.test(textAt(head, 8, 12)) ? 'other' : 'video';
	if (textAt(head, 0, 4) === 'RIFF' && textAt(head, 8, 11) === 'AVI') return 'video';
	return textAt(head, 0, 5) === '%PDF-' ? 'other' : undefined;
}

/**
 * The format that a file is sent as; undefined if it is none of `kind`. The first bytes win over a label that they
 * contradict: the service reads the content, too, and downloads and converters put wrong names on files.
 */
export function detectFormat(
	kind: MediaKind,
	file: MediaDescription,
	head: Buffer,
): MediaFormat | undefined {
	const labelled = findByLabel(kind, file);
	if (labelled && (labelled.startsWith(head) || labelled.mayStartWith?.(head))) {
		return toMediaFormat(labelled);
	}
	const seen = FORMATS[kind].find(({ startsWith }) => startsWith(head));
	if (seen) return toMediaFormat(seen);
	return labelled && kindByContent(head) === undefined ? toMediaFormat(labelled) : undefined;
}

const toMediaFormat = (format: Format): MediaFormat => ({
	contentType: format.mimeTypes[0] ?? 'application/octet-stream',
	extension: format.extensions[0] ?? 'bin',
});

export const formatNames = (kind: MediaKind): string =>
	FORMATS[kind].map(({ name }) => name).join(', ');
