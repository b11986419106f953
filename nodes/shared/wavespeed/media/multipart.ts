import { passThrough } from './streams';

/** A multipart/form-data body with one file, streamed: FormData would hold the whole file in memory. */

export interface MultipartBody {
	contentType: string;
	body: NodeJS.ReadableStream | Buffer;
	byteCount: number;
}

/**
 * `boundary` must not occur in the file: take random hex of 16 bytes or more.
 * The service reads the field `file` (docs: Media upload).
 */
export async function wrapAsMultipart(
	file: { body: NodeJS.ReadableStream | Buffer; byteCount: number },
	fileName: string,
	contentType: string,
	boundary: string,
): Promise<MultipartBody> {
	const start = Buffer.from(
		`--${boundary}\r\n` +
			`Content-Disposition: form-data; name="file"; filename="${fileName}"\r\n` +
			`Content-Type: ${contentType}\r\n\r\n`,
	);
	const end = Buffer.from(`\r\n--${boundary}--\r\n`);
	const frame = async function* (source: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
		yield start;
		yield* source;
		yield end;
	};
	return {
		contentType: `multipart/form-data; boundary=${boundary}`,
		body: await applyFrame(file.body, frame),
		byteCount: start.length + file.byteCount + end.length,
	};
}

async function applyFrame(
	body: NodeJS.ReadableStream | Buffer,
	frame: (source: AsyncIterable<Buffer>) => AsyncIterable<Buffer>,
): Promise<NodeJS.ReadableStream | Buffer> {
	if (!Buffer.isBuffer(body)) return passThrough(body, frame);
	const chunks: Buffer[] = [];
	for await (const chunk of frame(toIterable(body))) chunks.push(chunk);
	return Buffer.concat(chunks);
}

async function* toIterable(buffer: Buffer): AsyncIterable<Buffer> {
	yield buffer;
}
