import type { ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';

/** The answer to one request. Plain data, so that a failing run can be printed and shrunk. */
export type Reply =
	| { kind: 'good' }
	/** A refusal: nothing was accepted. */
	| { kind: 'status'; status: number; message: string; headers?: Record<string, string> }
	/** The envelope with any data. */
	| { kind: 'data'; data: unknown }
	/** Any JSON at all. */
	| { kind: 'json'; status: number; value: unknown }
	/** The good answer, but for one place. */
	| { kind: 'patched'; path: string[]; value: unknown }
	| { kind: 'raw'; status: number; headers: Record<string, string>; text: string; bytes?: number[] }
	/** One JSON text of so many MB in `message`. */
	| { kind: 'large'; status: number; megabytes: number }
	| { kind: 'nested'; depth: number }
	| { kind: 'endless'; status: number }
	| { kind: 'drip' }
	| { kind: 'gzipBomb'; megabytes: number }
	| { kind: 'truncated' }
	| { kind: 'headerBomb'; bytes: number }
	| { kind: 'redirect'; status: number }
	| { kind: 'informational'; status: number }
	| { kind: 'noContent' }
	| { kind: 'reset' }
	/** Repeats the key, as an error page that shows the request does. */
	| { kind: 'echo'; status: number; escaped: boolean };

export interface Stage {
	data: unknown;
	key: string;
	strangerUrl: string;
	/** To be told when no more is to be waited for. */
	note(status: number): void;
}

const CHUNK = Buffer.alloc(64 * 1024, ' ');
/** Seldom enough for the virtual clock to see that nothing else happens. */
const DRIP_MS = 200;
const MEGABYTE = 1024 ** 2;

const envelope = (data: unknown): Record<string, unknown> => ({
	code: 200,
	message: 'success',
	data,
});

export async function sendReply(
	response: ServerResponse,
	reply: Reply,
	stage: Stage,
): Promise<void> {
	const end = (status: number, body: string | Buffer, headers: Record<string, string> = {}) => {
		response.once('finish', () => stage.note(status));
		response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body);
	};
	const json = (status: number, value: unknown): void =>
		end(status, value === undefined ? '' : JSON.stringify(value));
	switch (reply.kind) {
		case 'good':
			return json(200, envelope(stage.data));
		case 'data':
			return json(200, envelope(reply.data));
		case 'json':
			return json(reply.status, reply.value);
		case 'status': {
			const body = JSON.stringify({ code: reply.status, message: reply.message });
			return end(reply.status, body, reply.headers);
		}
		case 'patched':
			return json(200, patch(envelope(stage.data), reply.path, reply.value));
		case 'raw':
			return end(reply.status, reply.bytes ? Buffer.from(reply.bytes) : reply.text, reply.headers);
		case 'large': {
			const message = 'x'.repeat(reply.megabytes * MEGABYTE);
			return json(reply.status, { code: reply.status, message, data: stage.data });
		}
		case 'nested':
			return end(200, `{"code":200,"data":${nest(stage.data, reply.depth)}}`);
		case 'gzipBomb': {
			const bomb = gzipSync(Buffer.alloc(reply.megabytes * MEGABYTE, ' '));
			return end(200, bomb, { 'content-encoding': 'gzip' });
		}
		case 'redirect':
			return end(reply.status, '', { location: `${stage.strangerUrl}/elsewhere` });
		case 'headerBomb':
			return end(200, JSON.stringify(envelope(stage.data)), { 'x-bomb': 'x'.repeat(reply.bytes) });
		case 'informational':
			response.writeProcessing();
			response.socket?.write(`HTTP/1.1 ${reply.status} Surprise\r\n\r\n`);
			return json(200, envelope(stage.data));
		case 'noContent':
			response.once('finish', () => stage.note(204));
			return void response.writeHead(204).end();
		case 'reset':
			stage.note(499);
			return void response.destroy();
		case 'echo': {
			const key = reply.escaped ? escapeAll(stage.key) : stage.key;
			return end(reply.status, `{"code":${reply.status},"message":"Bearer ${key} is not welcome"}`);
		}
		case 'truncated': {
			const body = JSON.stringify(envelope(stage.data));
			response.writeHead(200, { 'content-length': body.length + 10 });
			response.write(body, () => response.destroy());
			return;
		}
		case 'drip':
			response.writeHead(200, { 'content-type': 'application/json' });
			stage.note(200);
			return await untilClosed(response, async () => {
				response.write(' ');
				await new Promise((resolve) => setTimeout(resolve, DRIP_MS));
			});
		case 'endless':
			response.writeHead(reply.status, { 'content-type': 'application/json' });
			return await untilClosed(response, async (closed) => {
				if (response.write(CHUNK)) return;
				const drained = new Promise<void>((resolve) => response.once('drain', resolve));
				await Promise.race([drained, closed]);
			});
	}
}

async function untilClosed(
	response: ServerResponse,
	step: (closed: Promise<void>) => Promise<void>,
): Promise<void> {
	const closed = new Promise<void>((resolve) => response.once('close', resolve));
	while (!response.destroyed) await step(closed);
}

const escapeAll = (text: string): string =>
	[...text].map((char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`).join('');

/** An object with everything that is wanted, and a field that goes deeper than any stack. */
function nest(data: unknown, depth: number): string {
	const deep = `${'['.repeat(depth)}${']'.repeat(depth)}`;
	return `${JSON.stringify(data).slice(0, -1)},"more":${deep}}`;
}

function patch(target: unknown, [name, ...rest]: string[], value: unknown): unknown {
	if (name === undefined) return value;
	if (Array.isArray(target)) {
		return target.map((item, index) => (index === 0 ? patch(item, [name, ...rest], value) : item));
	}
	const copy = { ...(target as Record<string, unknown>) };
	copy[name] = patch(copy[name] ?? {}, rest, value);
	return copy;
}
