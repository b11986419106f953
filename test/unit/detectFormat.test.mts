import {
	detectFormat,
	HEAD_BYTES,
	kindByContent,
	kindByLabel,
	MAX_UPLOAD_BYTES,
} from '../../nodes/shared/wavespeed/media/detectFormat';
import type { MediaKind } from '../../nodes/shared/wavespeed/media/formats';
import { checkByteCount } from '../../nodes/shared/n8n/input/media';
import { failureInWords, type FailureInWords } from './support/words.mts';

const failureIn = (work: () => unknown): FailureInWords => {
	try {
		work();
	} catch (error) {
		return failureInWords(error);
	}
	throw new Error('it did not fail');
};
const head = (...parts: (string | number)[]): Buffer =>
	Buffer.concat(
		parts.map((part) =>
			typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.from([part]),
		),
	);
const UNKNOWN = head('what is this');
const byLabel = (kind: MediaKind, mimeType?: string, fileName?: string) =>
	detectFormat(kind, { mimeType, fileName }, UNKNOWN)?.contentType;
const byContent = (kind: MediaKind, bytes: Buffer) => detectFormat(kind, {}, bytes)?.contentType;

describe('the kind of a file by its MIME type', () => {
	it.each([
		['image', 'image/jpeg', 'image/jpeg'],
		['image', 'image/jpg', 'image/jpeg'],
		['image', 'image/pjpeg', 'image/jpeg'],
		['image', 'IMAGE/PNG', 'image/png'],
		['image', 'image/x-png', 'image/png'],
		['image', 'image/webp; charset=binary', 'image/webp'],
		['image', ' image/gif ', 'image/gif'],
		['image', 'image/x-ms-bmp', 'image/bmp'],
		['image', 'image/tiff', 'image/tiff'],
		['audio', 'audio/mpeg', 'audio/mpeg'],
		['audio', 'audio/mp3', 'audio/mpeg'],
		['audio', 'audio/x-wav', 'audio/wav'],
		['audio', 'audio/vnd.wave', 'audio/wav'],
		['audio', 'application/ogg', 'audio/ogg'],
		['audio', 'audio/aac', 'audio/aac'],
		['audio', 'audio/x-flac', 'audio/flac'],
		['audio', 'video/webm', 'audio/webm'],
		['audio', 'audio/x-m4a', 'audio/mp4'],
		['audio', 'audio/opus', 'audio/opus'],
	] as const)('of %s %s is sent as %s', (kind, mimeType, sentAs) => {
		expect(kindByLabel({ mimeType })).toBe(kind);
		expect(byLabel(kind, mimeType)).toBe(sentAs);
	});

	it.each([
		['text/html', 'webPage'],
		['image/svg+xml', 'other'],
		['image/heic', 'other'],
		['application/pdf', 'other'],
		['application/json', 'other'],
		['video/mp4', 'video'],
		['video/quicktime', 'video'],
	])('is neither for %s, whatever its name', (mimeType, kind) => {
		expect(kindByLabel({ mimeType, fileName: 'face.png' })).toBe(kind);
		expect(byLabel('image', mimeType, 'face.png')).toBeUndefined();
		expect(byLabel('audio', mimeType, 'voice.mp3')).toBeUndefined();
	});

	it('counts more than the name', () => {
		expect(byLabel('audio', 'audio/wav', 'voice.mp3')).toBe('audio/wav');
	});
});

describe('the kind of a file by its name', () => {
	it.each([
		['image', 'face.PNG', 'image/png'],
		['image', 'a.b.jfif', 'image/jpeg'],
		['image', 'x.tif', 'image/tiff'],
		['audio', 'voice.mpga', 'audio/mpeg'],
		['audio', 'voice.oga', 'audio/ogg'],
		['audio', 'voice.m4a', 'audio/mp4'],
		['audio', 'voice.weba', 'audio/webm'],
	] as const)('counts where the type says nothing: %s %s', (kind, fileName, sentAs) => {
		for (const mimeType of [undefined, '', 'application/octet-stream', 'binary/octet-stream']) {
			expect(byLabel(kind, mimeType, fileName)).toBe(sentAs);
		}
	});

	it('tells pictures, recordings and videos apart', () => {
		const names = ['face.png', 'voice.mp3', 'film.MP4', 'page.htm'];
		expect(names.map((fileName) => kindByLabel({ fileName }))).toEqual([
			'image',
			'audio',
			'video',
			'webPage',
		]);
	});

	it('leaves it to the content where it says nothing', () => {
		for (const fileName of [undefined, '', 'file', 'file.bin', 'png', 'file.']) {
			expect(kindByLabel({ fileName })).toBeUndefined();
		}
	});

	it('sends n8n’s .mpga under the name .mp3', () => {
		expect(detectFormat('audio', { fileName: 'x.mpga' }, UNKNOWN)).toMatchObject({
			extension: 'mp3',
		});
	});
});

const CONTENTS: [MediaKind, string, Buffer][] = [
	['image', 'image/jpeg', head(0xff, 0xd8, 0xff, 0xe0)],
	['image', 'image/png', head(0x89, 'PNG\r\n')],
	['image', 'image/webp', head('RIFF', 0, 0, 0, 0, 'WEBP')],
	['image', 'image/gif', head('GIF89a')],
	['image', 'image/bmp', head('BM')],
	['image', 'image/tiff', head('II*', 0)],
	['image', 'image/tiff', head('MM', 0, '*')],
	['audio', 'audio/mpeg', head('ID3', 4)],
	['audio', 'audio/mpeg', head(0xff, 0xfb, 0x90)],
	['audio', 'audio/mpeg', head(0xff, 0xf3, 0x40)],
	['audio', 'audio/wav', head('RIFF', 0, 0, 0, 0, 'WAVE')],
	['audio', 'audio/ogg', head('OggS')],
	['audio', 'audio/aac', head(0xff, 0xf1, 0x50)],
	['audio', 'audio/aac', head(0xff, 0xf9, 0x50)],
	['audio', 'audio/flac', head('fLaC')],
	['audio', 'audio/webm', head(0x1a, 0x45, 0xdf, 0xa3)],
	['audio', 'audio/mp4', head(0, 0, 0, 0x20, 'ftypM4A ')],
];
const otherThan = (kind: MediaKind): MediaKind => (kind === 'image' ? 'audio' : 'image');

describe('the kind of a file by its first bytes', () => {
	it.each(CONTENTS)('is %s %s', (kind, contentType, bytes) => {
		expect(bytes.length).toBeLessThanOrEqual(HEAD_BYTES);
		expect(kindByContent(bytes)).toBe(kind);
		expect(byContent(kind, bytes)).toBe(contentType);
		expect(byContent(otherThan(kind), bytes)).toBeUndefined();
	});

	it.each([
		['nothing', head(), undefined],
		['text', head('hello world'), undefined],
		['half a signature', head(0xff), undefined],
		['a PDF', head('%PDF-1.7'), 'other'],
		['an iPhone photo', head(0, 0, 0, 0x24, 'ftypheic'), 'other'],
		['an MP4 video', head(0, 0, 0, 0x20, 'ftypisom'), 'video'],
		['an AVI video', head('RIFF', 0, 0, 0, 0, 'AVI '), 'video'],
		['an error page', head('<!DOCTYPE html><h'), 'webPage'],
		['an error page', head('\n\n  <html lang="en">'), 'webPage'],
	])('is no format when it is %s', (_, bytes, kind) => {
		expect(kindByContent(bytes)).toBe(kind);
		expect([byContent('image', bytes), byContent('audio', bytes)]).toEqual([undefined, undefined]);
	});
});

describe('a label that the first bytes contradict', () => {
	it.each(CONTENTS)('loses: %s %s is sent as what it is', (kind, contentType, bytes) => {
		const label = { mimeType: kind === 'image' ? 'image/webp' : 'audio/wav', fileName: 'x' };
		expect(detectFormat(kind, label, bytes)?.contentType).toBe(contentType);
	});

	it('makes a file of the other kind none of this kind', () => {
		for (const [kind, , bytes] of CONTENTS) {
			const mimeType = kind === 'image' ? 'audio/mpeg' : 'image/png';
			expect(detectFormat(otherThan(kind), { mimeType }, bytes)).toBeUndefined();
		}
		expect(detectFormat('image', { mimeType: 'image/png' }, head('<html>'))).toBeUndefined();
		expect(
			detectFormat('audio', { mimeType: 'audio/mpeg' }, head(0, 0, 0, 0x20, 'ftypisom')),
		).toBeUndefined();
	});

	it.each([
		['audio/opus', head('OggS')],
		['audio/aac', head('ID3', 3)],
		['audio/flac', head('ID3', 4)],
		['audio/mp4', head(0, 0, 0, 0x20, 'ftypmp42')],
	])('is none where %s can start like that', (mimeType, bytes) => {
		expect(detectFormat('audio', { mimeType }, bytes)?.contentType).toBe(mimeType);
	});
});

describe('the size of a file', () => {
	it('may be all that can be uploaded, and not a byte more', () => {
		expect(MAX_UPLOAD_BYTES).toBe(209_715_200);
		expect(() => checkByteCount('data', 1)).not.toThrow();
		expect(() => checkByteCount('data', MAX_UPLOAD_BYTES)).not.toThrow();
		const failure = failureIn(() => checkByteCount('data', MAX_UPLOAD_BYTES + 1));
		expect(failure.message).toBe(
			'The file in "data" has 201 MB, more than the 200 MB that can be uploaded',
		);
		expect(failure.advice).toContain('choose "URL"');
	});

	it('must not be 0', () => {
		expect(failureIn(() => checkByteCount('data', 0)).message).toBe('The file in "data" is empty');
	});
});
