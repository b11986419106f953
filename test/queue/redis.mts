import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import { findFreePort } from '../../scripts/n8n/ports.mts';
import { type Service, startService } from './service.mts';

export interface Redis extends Service {
	/** What n8n has to know of it. */
	env: NodeJS.ProcessEnv;
	/** Stops it and starts it again on the same port, with all that it has stored. `meanwhile` happens while it is away. */
	restart: (meanwhile?: () => Promise<void>) => Promise<void>;
}

export async function startRedis(command: string, folder: string): Promise<Redis> {
	await mkdir(folder, { recursive: true });
	const port = await findFreePort();
	const start = async () =>
		await startService({
			command,
			args: [
				...['--bind', '127.0.0.1', '--port', String(port), '--dir', folder],
				// Every change is on disk before it is confirmed: a restart forgets nothing.
				...['--save', '', '--appendonly', 'yes', '--appendfsync', 'always'],
			],
			port,
			folder,
			logFile: join(folder, 'redis.log'),
			stopSignal: 'SIGTERM',
		});
	let service = await start();
	return {
		env: { QUEUE_BULL_REDIS_HOST: '127.0.0.1', QUEUE_BULL_REDIS_PORT: String(port) },
		async restart(meanwhile = async () => {}) {
			await service.stop();
			await meanwhile();
			service = await start();
		},
		stop: async () => await service.stop(),
	};
}
