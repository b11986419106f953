import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import tls from 'node:tls';

import type { Emulator } from '../../emulator/types.mts';
import { makeCertificate } from './certificate.mts';
import type { Observed } from './virtualClock.mts';

/** What happens to the secure connection of the next request whose path ends so. */
export type Damage =
	/** The service answers; on its way a bit of the answer is turned over. */
	| 'damagedAnswer'
	/** The service has the request; then it sends what is no secure connection at all. */
	| 'plainTextAnswer'
	/** The service has the request; then it ends the secure connection with an alert. */
	| 'alert';

export interface SecureGate extends Observed {
	damageNext(path: string, damage: Damage): void;
	close(): Promise<void>;
}

type Answered = ReturnType<Observed['requests']>[number];

/** Secure connections to an emulator, with somebody in the middle who damages them. */
export async function startSecureGate(emulator: Emulator): Promise<SecureGate> {
	const { key, cert } = makeCertificate();
	const distrust = trust(cert);
	const records: Answered[] = [];
	const sockets = new Set<net.Socket>();
	let next: { path: string; damage: Damage } | undefined;
	/** Is done to what the service sends from now on. */
	let damage: Damage | undefined;

	const server = https.createServer({ key, cert }, (request, response) => {
		const record: Answered = {};
		records.push(record);
		response.once('close', () => (record.status ??= 0));
		const { method, headers, url = '/' } = request;
		const forwarded = http.request(`${emulator.url}${url}`, { method, headers }, (answer) => {
			if (next && url.split('?')[0]?.endsWith(next.path)) {
				({ damage } = next);
				next = undefined;
			}
			record.status = answer.statusCode ?? 0;
			response.writeHead(record.status, answer.headers);
			answer.pipe(response);
		});
		request.pipe(forwarded);
	});
	await listen(server);

	const middle = net.createServer((client) => {
		const service = net.connect((server.address() as net.AddressInfo).port, '127.0.0.1');
		for (const socket of [client, service]) {
			sockets.add(socket);
			socket.on('error', () => {});
			socket.on('close', () => {
				client.destroy();
				service.destroy();
			});
		}
		client.pipe(service);
		service.on('data', (chunk) => {
			const kind = damage;
			damage = undefined;
			client.write(kind ? spoil(chunk, kind) : chunk);
		});
	});
	await listen(middle);

	const url = `https://127.0.0.1:${(middle.address() as net.AddressInfo).port}`;
	return {
		url,
		mediaUrl: url,
		requests: () => records,
		damageNext: (path, kind) => void (next = { path, damage: kind }),
		async close() {
			distrust();
			for (const socket of sockets) socket.destroy();
			server.closeAllConnections();
			await Promise.all(
				[server, middle].map(
					async (one) => await new Promise<void>((resolve) => one.close(() => resolve())),
				),
			);
		},
	};
}

function spoil(chunk: Buffer, kind: Damage): Buffer {
	if (kind === 'plainTextAnswer') return Buffer.from('HTTP/1.1 502 Bad Gateway\r\n\r\n');
	// The record of an alert that nobody could have encrypted.
	if (kind === 'alert') return Buffer.from([0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x14]);
	const spoilt = Buffer.from(chunk);
	const last = spoilt.length - 1;
	spoilt[last] = (spoilt[last] ?? 0) ^ 1;
	return spoilt;
}

/** Until the function returned is called, the certificate is one of those that Node.js believes. */
function trust(cert: string): () => void {
	const original = tls.createSecureContext;
	tls.createSecureContext = (options) => {
		const made = original(options);
		(made.context as { addCACert(pem: string): void }).addCACert(cert);
		return made;
	};
	return () => void (tls.createSecureContext = original);
}

const listen = async (server: net.Server): Promise<void> =>
	await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
