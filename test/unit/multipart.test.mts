import { PassThrough, Readable } from 'node:stream';

import { wrapAsMultipart } from '../../nodes/shared/wavespeed/media/multipart';

const BOUNDARY = 'n8n-0123456789abcdef0123456789abcdef';
const CONTENT = Buffer.from([0, 255, 13, 10, 45, 45, 13, 10, 128, 7]);

const collect = async (body: NodeJS.ReadableStream | Buffer): Promise<Buffer> => {
	if (Buffer.isBuffer(body)) return body;
	const chunks: Buffer[] = [];
	for await (const chunk of body) chunks.push(Buffer.from(chunk));
	return Buffer.concat(chunks);
};

const sources: [string, () => NodeJS.ReadableStream | Buffer][] = [
	['a buffer', () => CONTENT],
	['a stream', () => Readable.from([CONTENT.subarray(0, 3), CONTENT.subarray(3)])],
	['a stream of another class', () => new PassThrough().end(CONTENT)],
];

describe('a multipart body', () => {
	it.each(sources)('of %s is read by others as the one file that it holds', async (_, open) => {
		const { contentType, body, byteCount } = await wrapAsMultipart(
			{ body: open(), byteCount: CONTENT.length },
			'voice.mp3',
			'audio/mpeg',
			BOUNDARY,
		);
		const sent = await collect(body);
		expect(sent).toHaveLength(byteCount);
		const form = await new Response(new Uint8Array(sent), {
			headers: { 'content-type': contentType },
		}).formData();
		expect([...form.keys()]).toEqual(['file']);
		const file = form.get('file');
		if (!file || typeof file === 'string') throw new Error('there is no file');
		expect(file.name).toBe('voice.mp3');
		expect(file.type).toBe('audio/mpeg');
		expect(Buffer.from(await file.arrayBuffer())).toEqual(CONTENT);
	});

	it('is exactly what the standard says', async () => {
		const { body } = await wrapAsMultipart(
			{ body: Buffer.from('x'), byteCount: 1 },
			'a.png',
			'image/png',
			'b',
		);
		expect((await collect(body)).toString()).toBe(
			'--b\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\nContent-Type: image/png\r\n\r\nx\r\n--b--\r\n',
		);
	});

	it('of a stream doesn’t hold the file in memory', async () => {
		let produced = 0;
		const source = Readable.from(
			(function* () {
				for (; produced < 1_000; produced += 1) yield Buffer.alloc(64 * 1024);
			})(),
		);
		const { body } = await wrapAsMultipart(
			{ body: source, byteCount: 64_000 * 1024 },
			'a',
			'b',
			BOUNDARY,
		);
		if (Buffer.isBuffer(body)) throw new Error('the stream became a buffer');
		const iterator = body[Symbol.asyncIterator]();
		await iterator.next();
		await iterator.next();
		expect(produced).toBeLessThan(100);
		await iterator.return?.();
	});

	it('fails when its source fails, instead of ending short', async () => {
		const source = Readable.from(
			(function* () {
				yield CONTENT;
				throw new Error('the storage is gone');
			})(),
		);
		const { body } = await wrapAsMultipart({ body: source, byteCount: 100 }, 'a', 'b', BOUNDARY);
		await expect(collect(body)).rejects.toThrow('the storage is gone');
	});
});
