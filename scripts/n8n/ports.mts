import { createServer } from 'node:net';

const LOOPBACK = '127.0.0.1';

/** Binds a port for a moment to learn whether it is free: the only answer that a firewall or a half-closed socket can't fake. */
async function tryPort(port: number): Promise<number | undefined> {
	return await new Promise((resolve) => {
		const server = createServer();
		server.once('error', () => resolve(undefined));
		server.listen(port, LOOPBACK, () => {
			const address = server.address();
			const bound = typeof address === 'object' ? address?.port : undefined;
			server.close(() => resolve(bound));
		});
	});
}

export async function findFreePort(): Promise<number> {
	const port = await tryPort(0);
	if (port === undefined) throw new Error(`No free port on ${LOOPBACK}.`);
	return port;
}

/** The preferred port, or the next free one of the ten after it, or any. */
export async function findPortNear(preferred: number): Promise<number> {
	for (let port = preferred; port < preferred + 10; port++) {
		if ((await tryPort(port)) !== undefined) return port;
	}
	return await findFreePort();
}
