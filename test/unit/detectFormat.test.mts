import type { MediaKind } from '../../nodes/shared/wavespeed/media/formats';
import {
	checkByteCount,
	detectByContent,
	detectByName,
	HEAD_BYTES,
	MAX_UPLOAD_BYTES,
	refuseErrorPage,
} from '../../nodes/shared/wavespeed/media/detectFormat';
import { type Failure, failureOf } from '../../nodes/shared/wavespeed/failures';

const failureIn = (work: () => unknown): Failure => {
	try {
		work();
	} catch (error) {
		const failure = failureOf(error);
		if (failure) return failure;
		throw error;
	}
	throw new Error('it did not fail');
};
const byName = (kind: MediaKind, mimeType?: string, fileName?: string) =>
	detectByName(kind, 'data', { mimeType, fileName })?.contentType;
const head = (...parts: (string | number)[]): Buffer =>
	Buffer.concat(
		parts.map((part) =>
			typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.from([part]),
		),
	);

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
		expect(byName(kind, mimeType)).toBe(sentAs);
	});

	it.each([
		['image', 'text/html'],
		['image', 'image/svg+xml'],
		['image', 'audio/mpeg'],
		['image', 'video/mp4'],
		['audio', 'image/png'],
		['audio', 'application/json'],
	] as const)('is refused where %s is wanted: %s', (kind, mimeType) => {
		const failure = failureIn(() => byName(kind, mimeType, 'face.png'));
		expect(failure.kind).toBe('invalidInput');
		expect(failure.message).toContain('"data"');
		expect(failure.message).toContain(mimeType);
		expect(failure.paid).toBe('nothing');
	});

	it('counts more than the name', () => {
		expect(byName('audio', 'audio/wav', 'voice.mp3')).toBe('audio/wav');
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
			expect(byName(kind, mimeType, fileName)).toBe(sentAs);
		}
	});

	it('refuses a picture for a sound, and the other way round', () => {
		expect(failureIn(() => byName('audio', undefined, 'face.png')).message).toContain('face.png');
		expect(failureIn(() => byName('image', undefined, 'voice.mp3')).advice).toContain('JPG');
	});

	it('leaves it to the content where it says nothing', () => {
		expect(
			[undefined, '', 'file', 'file.bin', 'png', 'file.'].map((name) =>
				byName('image', undefined, name),
			),
		).toEqual(new Array(6).fill(undefined));
	});

	it('sends n8n’s .mpga under the name .mp3', () => {
		expect(detectByName('audio', 'data', { fileName: 'x.mpga' })).toMatchObject({
			extension: 'mp3',
		});
	});
});

describe('the kind of a file by its first bytes', () => {
	const cases: [MediaKind, string, Buffer][] = [
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

	it.each(cases)('is %s %s', (kind, contentType, bytes) => {
		expect(bytes.length).toBeLessThanOrEqual(HEAD_BYTES);
		expect(detectByContent(kind, 'data', bytes).contentType).toBe(contentType);
		const other = kind === 'image' ? 'audio' : 'image';
		expect(failureIn(() => detectByContent(other, 'data', bytes)).kind).toBe('invalidInput');
	});

	it.each([
		['nothing', head()],
		['text', head('hello world')],
		['a PDF', head('%PDF-1.7')],
		['half a signature', head(0xff)],
	])('is refused when it is %s', (_, bytes) => {
		for (const kind of ['image', 'audio'] as const) {
			expect(failureIn(() => detectByContent(kind, 'data', bytes)).message).toContain(
				'unknown content',
			);
		}
	});
});

describe('an error page under the name of a file', () => {
	it.each(['<!DOCTYPE html><h', '<html lang="en">', '\n\n  <!doctype h', '<HTML>'])(
		'is refused: %j',
		(text) => {
			expect(failureIn(() => refuseErrorPage('image', 'data', head(text))).message).toContain(
				'web page',
			);
		},
	);

	it('is not seen in a file that is what it says', () => {
		expect(() => refuseErrorPage('image', 'data', head(0x89, 'PNG'))).not.toThrow();
		expect(() => refuseErrorPage('audio', 'data', head())).not.toThrow();
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
