export type MediaKind = 'image' | 'audio';

export interface Format {
	name: string;
	mimeTypes: string[];
	extensions: string[];
	startsWith: (head: Buffer) => boolean;
	/** What files of this format may start with besides, if their label already says that they are of it. */
	mayStartWith?: (head: Buffer) => boolean;
}

/** ASCII text at a place of the file's start. */
export const textAt = (head: Buffer, from: number, to: number): string =>
	head.toString('latin1', from, to);
const bytes = (head: Buffer, ...expected: number[]): boolean =>
	expected.every((byte, index) => head[index] === byte);
export const isMp4 = (head: Buffer): boolean => textAt(head, 4, 8) === 'ftyp';
/** Players of other formats read over it, too. */
const hasId3Tag = (head: Buffer): boolean => textAt(head, 0, 3) === 'ID3';

/** The formats that the upload page of the API's docs lists. The first MIME type and extension are those sent. */
export const FORMATS: Record<MediaKind, Format[]> = {
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
			startsWith: (head) => textAt(head, 0, 4) === 'RIFF' && textAt(head, 8, 12) === 'WEBP',
		},
		{
			name: 'GIF',
			mimeTypes: ['image/gif'],
			extensions: ['gif'],
			startsWith: (head) => textAt(head, 0, 4) === 'GIF8',
		},
		{
			name: 'BMP',
			mimeTypes: ['image/bmp', 'image/x-bmp', 'image/x-ms-bmp'],
			extensions: ['bmp'],
			startsWith: (head) => textAt(head, 0, 2) === 'BM',
		},
		{
			name: 'TIFF',
			mimeTypes: ['image/tiff', 'image/x-tiff'],
			extensions: ['tiff', 'tif'],
			startsWith: (head) => ['II*\0', 'MM\0*'].includes(textAt(head, 0, 4)),
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
				hasId3Tag(head) || (head[0] === 0xff && ((head[1] ?? 0) & 0xe6) === 0xe2),
		},
		{
			name: 'WAV',
			mimeTypes: ['audio/wav', 'audio/x-wav', 'audio/wave', 'audio/vnd.wave', 'audio/x-pn-wav'],
			extensions: ['wav', 'wave'],
			startsWith: (head) => textAt(head, 0, 4) === 'RIFF' && textAt(head, 8, 12) === 'WAVE',
		},
		{
			name: 'OGG',
			mimeTypes: ['audio/ogg', 'application/ogg', 'audio/x-ogg', 'audio/vorbis'],
			extensions: ['ogg', 'oga'],
			startsWith: (head) => textAt(head, 0, 4) === 'OggS',
		},
		{
			name: 'AAC',
			mimeTypes: ['audio/aac', 'audio/x-aac', 'audio/aacp', 'audio/x-hx-aac-adts'],
			extensions: ['aac', 'adts'],
			startsWith: (head) => head[0] === 0xff && ((head[1] ?? 0) & 0xf6) === 0xf0,
			mayStartWith: hasId3Tag,
		},
		{
			name: 'FLAC',
			mimeTypes: ['audio/flac', 'audio/x-flac'],
			extensions: ['flac'],
			startsWith: (head) => textAt(head, 0, 4) === 'fLaC',
			mayStartWith: hasId3Tag,
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
			startsWith: (head) => isMp4(head) && /^M4[AB]/.test(textAt(head, 8, 12)),
			// Phones record sound under the brands of video files.
			mayStartWith: isMp4,
		},
		{
			name: 'Opus',
			mimeTypes: ['audio/opus'],
			extensions: ['opus'],
			// An Opus file is an Ogg file; without a name or type it is sent as such.
			startsWith: () => false,
			mayStartWith: (head) => textAt(head, 0, 4) === 'OggS',
		},
	],
};
