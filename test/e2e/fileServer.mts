import { createReadStream } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, join } from 'node:path';

export interface FileServer {
	/** Without a slash at the end. */
	url: string;
	close: () => Promise<void>;
}

const TYPES: Record<string, string> = { png: 'image/png', mp3: 'audio/mpeg', wav: 'audio/wav' };

/** Serves the files of one folder on this machine: the public web addresses of a user's pictures and recordings. */
export async function serveFolder(folder: string): Promise<FileServer> {
	const server = createServer((request, response) => {
		const name = basename(request.url ?? '');
		const file = createReadStream(join(folder, name));
		file.on('error', () => response.writeHead(404).end());
		file.on('open', () => {
			const type = TYPES[name.split('.').at(-1) ?? ''] ?? 'application/octet-stream';
			response.writeHead(200, { 'content-type': type });
			file.pipe(response);
		});
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	const { port } = server.address() as AddressInfo;
	return {
		url: `http://127.0.0.1:${port}`,
		close: async () => await new Promise((resolve) => server.close(() => resolve())),
	};
}
