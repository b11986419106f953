import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import { goodData, type Step } from './goodAnswers.mts';
import { type Reply, sendReply } from './replies.mts';

/** What the API may be behind a broken proxy, or in the hands of somebody who means harm. */
export interface HostileServer {
	url: string;
	mediaUrl: string;
	/** Another origin: the key must never get there. */
	strangerUrl: string;
	requests(): RecordedRequest[];
	/** All that the other origin was sent, headers included. */
	strangerSaw(): string;
	/** The tasks that were accepted, with the prompts of their rows. */
	accepted(): { id: string; prompt: string }[];
	/** How many submits came for each prompt. */
	submitsOf(prompt: string): number;
	/** Bytes that left for each answer. */
	bytesSent(): number[];
	/** From now on, the answers to each step: one after the other, then good ones. */
	play(replies: Partial<Record<Step, Reply[]>>): void;
	close(): Promise<void>;
}

export interface RecordedRequest {
	step: Step | undefined;
	path: string;
	status: number | undefined;
}

const stepOf = (method: string, path: string): Step | undefined => {
	if (path.startsWith('/store/')) return 'put';
	if (path.startsWith('/video/')) return 'download';
	const api = path.replace('/api/v3', '');
	if (/^\/predictions\/[^/]+\/result$/.test(api) && method === 'GET') return 'result';
	const steps: Record<string, Step> = {
		'/predictions': 'list',
		'/media/uploads': 'ticket',
		'/media/upload/binary': 'multipart',
		'/model/price': 'price',
		'/webhook/secret': 'secret',
		'/wavespeed-ai/wan-2.2/speech-to-video': 'submit',
	};
	return steps[api];
};

/** `now`: the server's clock, ms since the epoch. */
export async function startHostileServer(now: () => number): Promise<HostileServer> {
	let replies: Partial<Record<Step, Reply[]>> = {};
	const requests: RecordedRequest[] = [];
	const accepted: { id: string; prompt: string }[] = [];
	const submits: string[] = [];
	const sent: { socket: { bytesWritten: number }; before: number }[] = [];
	const seen: string[] = [];
	let count = 0;

	async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
		const { pathname } = new URL(request.url ?? '/', 'http://localhost');
		const step = stepOf(request.method ?? '', pathname);
		response.setHeader('date', new Date(now()).toUTCString());
		const record: RecordedRequest = { step, path: request.url ?? '', status: undefined };
		requests.push(record);
		const { socket } = request;
		sent.push({ socket, before: socket.bytesWritten });
		// Whoever is cut off has been answered as far as that goes.
		response.once('close', () => (record.status ??= 499));
		const chunks: Buffer[] = [];
		for await (const chunk of request) chunks.push(chunk as Buffer);
		const body = Buffer.concat(chunks).toString();
		const reply: Reply = (step && replies[step]?.shift()) ?? { kind: 'good' };
		if (step === 'submit') {
			const { prompt } = JSON.parse(body) as { prompt: string };
			submits.push(prompt);
			if (reply.kind !== 'status') accepted.push({ id: `task-${accepted.length + 1}`, prompt });
		}
		const key = request.headers.authorization?.replace('Bearer ', '') ?? '';
		const data = goodData(step, {
			...{ base: url, accepted, path: pathname, count: (count += 1) },
		});
		await sendReply(response, reply, { data, key, strangerUrl, note: (s) => (record.status = s) });
	}
	const listener = (request: IncomingMessage, response: ServerResponse): void => {
		answer(request, response).catch(() => response.destroy());
	};
	const server = createServer({ maxHeaderSize: 65_536 }, listener);
	const stranger = createServer((request, response) => {
		seen.push(JSON.stringify([request.url, request.rawHeaders]));
		request.on('data', (chunk: Buffer) => seen.push(chunk.toString()));
		response.end('{"code":200,"message":"success","data":{}}');
	});
	const url = await listen(server);
	const strangerUrl = await listen(stranger);
	return {
		url,
		mediaUrl: strangerUrl,
		strangerUrl,
		requests: () => requests,
		strangerSaw: () => seen.join('\n'),
		accepted: () => accepted,
		submitsOf: (prompt) => submits.filter((one) => one === prompt).length,
		bytesSent: () => sent.map(({ socket, before }) => socket.bytesWritten - before),
		play(given) {
			replies = structuredClone(given);
			for (const list of [requests, accepted, submits, sent, seen]) list.length = 0;
		},
		close: async () => {
			await Promise.all([close(server), close(stranger)]);
		},
	};
}

async function listen(server: Server): Promise<string> {
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function close(server: Server): Promise<void> {
	server.closeAllConnections();
	await new Promise<void>((resolve) => server.close(() => resolve()));
}
