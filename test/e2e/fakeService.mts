import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';

import { type JsonRecord } from '../../scripts/n8n/shape.mts';
import { isRecord } from '../../nodes/shared/json';

export interface ServiceRequest {
	method: string;
	path: string;
	authorization: string | undefined;
	body: JsonRecord;
}

/** What the service answers: JSON, or a file. */
export interface ServiceAnswer {
	status?: number;
	body: JsonRecord | Buffer;
	contentType?: string;
}

export interface FakeService {
	/** Without a slash at the end. */
	url: string;
	requests: ServiceRequest[];
	close: () => Promise<void>;
}

async function readRequest(request: IncomingMessage): Promise<ServiceRequest> {
	const body: unknown = await json(request).catch(() => ({}));
	return {
		method: request.method ?? '',
		path: request.url ?? '',
		authorization: request.headers.authorization,
		body: isRecord(body) ? body : {},
	};
}

function send(response: ServerResponse, { status = 200, body, contentType }: ServiceAnswer): void {
	response.writeHead(status, { 'content-type': contentType ?? 'application/json' });
	response.end(Buffer.isBuffer(body) ? body : JSON.stringify(body));
}

/** Another service that a workflow talks to, on this machine: it stands where the user's own address and key would be. */
export async function startFakeService(
	answer: (request: ServiceRequest) => ServiceAnswer,
): Promise<FakeService> {
	const requests: ServiceRequest[] = [];
	const server = createServer((incoming, response) => {
		void readRequest(incoming).then((request) => {
			requests.push(request);
			send(response, answer(request));
		});
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	const { port } = server.address() as AddressInfo;
	return {
		url: `http://127.0.0.1:${port}`,
		requests,
		async close() {
			server.closeAllConnections();
			await new Promise((resolve) => server.close(() => resolve(undefined)));
		},
	};
}
