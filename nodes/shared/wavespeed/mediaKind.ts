import { fail, NOTHING_PAID } from './failures';

/** Which files the service takes, and how a file's kind is told before anything is sent. */

export type MediaKind = 'image' | 'audio';

/** The official Python client reads no more than this (200 MiB); larger files are for URL inputs. */
export const MAX_UPLOAD_BYTES = 200 * 1024 * 1024;

/** How many of the first bytes `detectByContent` needs. */
export const HEAD_BYTES = 16;

interface Format {
	name: string;
	mimeTypes: string[];
	extensions: string[];
	startsWith: (head: Buffer) => boolean;
}

const text = (head: Buffer, from: number, to: number): string => head.toString('latin1', from, to);
const bytes = (head: Buffer, ...expected: number[]): boolean =>
	expected.every((byte, index) => head[index] === byte);

/** The formats that the upload page of the API's docs lists. The first MIME type and extension are those sent. */
const FORMATS: Record<MediaKind, Format[]> = {
	image: [
		{
			name: 'JPG',
			mimeTypes: ['image/jpeg', 'image/jpg', 'image/pjpeg'],
			extensions: ['jpg', 'jpeg', 'jfif'],
			startsWith: (head) => bytes(head, 0xff, 0xd8, 0xff),
		},
		{
			name: 'PNG',
			mimeTypes: ['image/png', 'image/x-png', 'image/apng'],
			extensions: ['png'],
			startsWith: (head) => bytes(head, 0x89, 0x50, 0x4e, 0x47),
		},
		{
			name: 'WebP',
			mimeTypes: ['image/webp'],
			extensions: ['webp'],
			startsWith: (head) => text(head, 0, 4) === 'RIFF' && text(head, 8, 12) === 'WEBP',
		},
		{
			name: 'GIF',
			mimeTypes: ['image/gif'],
			extensions: ['gif'],
			startsWith: (head) => text(head, 0, 4) === 'GIF8',
		},
		{
			name: 'BMP',
			mimeTypes: ['image/bmp', 'image/x-bmp', 'image/x-ms-bmp'],
			extensions: ['bmp'],
			startsWith: (head) => text(head, 0, 2) === 'BM',
		},
		{
			name: 'TIFF',
			mimeTypes: ['image/tiff', 'image/x-tiff'],
			extensions: ['tiff', 'tif'],
			startsWith: (head) => ['II*\0', 'MM\0*'].includes(text(head, 0, 4)),
		},
	],
	audio: [
		{
			name: 'MP3',
			mimeTypes: [
				'audio/mpeg',
				'audio/mp3',
				'audio/mpeg3',
				'audio/x-mpeg',
				'audio/x-mp3',
				'audio/mpga',
			],
			// n8n's own MIME table names audio/mpeg `.mpga`.
			extensions: ['mp3', 'mpga'],
			startsWith: (head) =>
				text(head, 0, 3) === 'ID3' || (head[0] === 0xff && ((head[1] ?? 0) & 0xe6) === 0xe2),
		},
		{
			name: 'WAV',
			mimeTypes: ['audio/wav', 'audio/x-wav', 'audio/wave', 'audio/vnd.wave', 'audio/x-pn-wav'],
			extensions: ['wav', 'wave'],
			startsWith: (head) => text(head, 0, 4) === 'RIFF' && text(head, 8, 12) === 'WAVE',
		},
		{
			name: 'OGG',
			mimeTypes: ['audio/ogg', 'application/ogg', 'audio/x-ogg', 'audio/vorbis'],
			extensions: ['ogg', 'oga'],
			startsWith: (head) => text(head, 0, 4) === 'OggS',
		},
		{
			name: 'AAC',
			mimeTypes: ['audio/aac', 'audio/x-aac', 'audio/aacp', 'audio/x-hx-aac-adts'],
			extensions: ['aac', 'adts'],
			startsWith: (head) => head[0] === 0xff && ((head[1] ?? 0) & 0xf6) === 0xf0,
		},
		{
			name: 'FLAC',
			mimeTypes: ['audio/flac', 'audio/x-flac'],
			extensions: ['flac'],
			startsWith: (head) => text(head, 0, 4) === 'fLaC',
		},
		{
			name: 'WebM',
			mimeTypes: ['audio/webm', 'video/webm'],
			extensions: ['webm', 'weba'],
			startsWith: (head) => bytes(head, 0x1a, 0x45, 0xdf, 0xa3),
		},
		{
			name: 'M4A',
			mimeTypes: ['audio/mp4', 'audio/m4a', 'audio/x-m4a'],
			extensions: ['m4a'],
			startsWith: (head) => text(head, 4, 8) === 'ftyp' && /^M4[AB]/.test(text(head, 8, 12)),
		},
		{
			name: 'Opus',
			mimeTypes: ['audio/opus'],
			extensions: ['opus'],
			// An Opus file is an Ogg file; without a name or type it is sent as such.
			startsWith: () => false,
		},
	],
};

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
	if (/^\s*<(!doctype|html)/i.test(text(head, 0, HEAD_BYTES))) {
		refuseKind(kind, field, 'holds a web page, probably the error message of a failed download');
	}
}

export function checkByteCount(field: string, byteCount: number): void {
	if (byteCount === 0) {
		fail(
			'invalidInput',
			`The file in "${field}" is empty`,
			`Check the node that makes it. ${NOTHING_PAID}`,
		);
	}
	if (byteCount > MAX_UPLOAD_BYTES) {
		const megabytes = Math.ceil(byteCount / 1024 / 1024);
		fail(
			'invalidInput',
			`The file in "${field}" has ${megabytes} MB, more than the 200 MB that can be uploaded`,
			`Make it smaller, or put it on a public web address and choose "URL" as its source. ${NOTHING_PAID}`,
		);
	}
}

function refuseKind(kind: MediaKind, field: string, why: string): never {
	const wanted = kind === 'image' ? 'a picture' : 'a sound file';
	const formats = FORMATS[kind].map((format) => format.name).join(', ');
	fail(
		'invalidInput',
		`The file in "${field}" is not ${wanted} that WaveSpeed takes: it ${why}`,
		`Supply one of: ${formats}. ${NOTHING_PAID}`,
	);
}
