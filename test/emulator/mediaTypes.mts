import { extname } from 'node:path';

export type MediaKind = 'image' | 'audio' | 'video';

/** WaveSpeedAI docs, Media Upload: the documented formats. */
const EXTENSIONS: Record<MediaKind, string> = {
	image: 'jpg jpeg png webp gif bmp tiff tif',
	video: 'mp4 avi mov wmv flv webm mkv 3gp ogv',
	audio: 'mp3 wav ogg aac flac m4a opus',
};

const IMAGE_TYPES = /^image\/(jpe?g|png|webp|gif|bmp|x-ms-bmp|tiff)$/;

/** The kind that an upload's content type stands for, else its file name. */
export function kindOfUpload(contentType: string, filename: string): MediaKind | undefined {
	const type = bareType(contentType);
	if (type.startsWith('image/')) return IMAGE_TYPES.test(type) ? 'image' : undefined;
	if (type.startsWith('audio/') || type === 'application/ogg') return 'audio';
	if (type.startsWith('video/')) return 'video';
	if (type !== '' && type !== 'application/octet-stream') return undefined;
	const extension = extname(filename).slice(1).toLowerCase();
	const kinds: MediaKind[] = ['image', 'audio', 'video'];
	return kinds.find((kind) => EXTENSIONS[kind].split(' ').includes(extension));
}

/** The content type that the extension of a known file stands for. */
export function typeOfName(filename: string): string {
	const extension = extname(filename).slice(1).toLowerCase();
	const kind = kindOfUpload('', filename) ?? 'application';
	const subtypes: Record<string, string> = { jpg: 'jpeg', tif: 'tiff', mp3: 'mpeg', m4a: 'mp4' };
	return `${kind}/${subtypes[extension] ?? extension}`;
}

export function bareType(contentType: string): string {
	return (contentType.split(';')[0] ?? '').trim().toLowerCase();
}

/** The kind that a file's first bytes show. Containers that hold either count as audio: an m4a is an MP4. */
export function sniffKind(head: Buffer): 'image' | 'audio' | undefined {
	const ascii = head.toString('latin1', 0, 16);
	const isRiff = ascii.startsWith('RIFF');
	if (ascii.startsWith('\x89PNG') || ascii.startsWith('\xff\xd8\xff')) return 'image';
	if (/^(GIF8|BM|II\*\0|MM\0\*)/.test(ascii)) return 'image';
	if (isRiff && ascii.slice(8, 12) === 'WEBP') return 'image';
	if (isRiff && ascii.slice(8, 12) === 'WAVE') return 'audio';
	if (/^(ID3|OggS|fLaC)/.test(ascii)) return 'audio';
	if (ascii.slice(4, 8) === 'ftyp' || ascii.startsWith('\x1aE\xdf\xa3')) return 'audio';
	// MPEG audio frame sync: MP3 without tags, and AAC in ADTS.
	if (head[0] === 0xff && ((head[1] ?? 0) & 0xe0) === 0xe0) return 'audio';
	return undefined;
}

/** Seconds of sound that a WAV header announces. */
export function wavSeconds(head: Buffer, fileBytes: number): number | undefined {
	const text = head.toString('latin1');
	if (!text.startsWith('RIFF') || text.slice(8, 12) !== 'WAVE') return undefined;
	let bytesPerSecond = 0;
	for (let at = 12; at + 8 <= head.length; ) {
		const name = text.slice(at, at + 4);
		const size = head.readUInt32LE(at + 4);
		if (name === 'fmt ' && at + 20 <= head.length) bytesPerSecond = head.readUInt32LE(at + 16);
		if (name === 'data' && bytesPerSecond > 0) {
			// A WAV that was streamed announces no true size: the rest of the file is sound.
			return Math.min(size, fileBytes - at - 8) / bytesPerSecond;
		}
		at += 8 + size + (size % 2);
	}
	return undefined;
}
