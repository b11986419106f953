import type { DownloadStream } from './watchedStream';

export const isStream = (body: unknown): body is DownloadStream & AsyncIterable<Buffer> =>
	typeof body === 'object' && body !== null && Symbol.asyncIterator in body;

/**
 * The text of an answer that comes as a stream. '' if it is larger than `maxBytes`, counted after decompression: a
 * few kB can hold GB of zeros. The rest is not fetched. Throws what the connection throws.
 */
export async function readText(body: unknown, maxBytes: number): Promise<string> {
	if (!isStream(body)) return typeof body === 'string' ? body : JSON.stringify(body ?? '');
	// Raised once more when the request is given up; unheard, it would end n8n.
	body.on('error', () => {});
	const chunks: Buffer[] = [];
	let byteCount = 0;
	for await (const chunk of body) {
		byteCount += chunk.length;
		// Leaving the loop destroys the stream, and the connection with it.
		if (byteCount > maxBytes) return '';
		chunks.push(chunk);
	}
	const text = Buffer.concat(chunks).toString('utf8');
	return text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text;
}

const BYTE_ORDER_MARK = '\uFEFF';
