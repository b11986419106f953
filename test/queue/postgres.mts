import { execFile } from 'node:child_process';
import { chown, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { findFreePort } from '../../scripts/n8n/ports.mts';
import type { Programs } from './debianPackages.mts';
import { type Service, startService, type User } from './service.mts';

const run = promisify(execFile);

const OWNER = 'n8n';

export interface Postgres extends Service {
	/** What n8n has to know of it. */
	env: NodeJS.ProcessEnv;
}

/** PostgreSQL refuses to run as root; Debian's package brings a user for it. */
async function findUser(): Promise<User | undefined> {
	if (process.getuid?.() !== 0) return undefined;
	const readId = async (option: string) =>
		Number((await run('id', [option, 'postgres'])).stdout.trim());
	return { uid: await readId('-u'), gid: await readId('-g') };
}

/** An empty database of its own, reachable from this machine only, that is thrown away afterwards. */
export async function startPostgres(
	{ initdb, postgres }: Programs,
	folder: string,
): Promise<Postgres> {
	const user = await findUser();
	await mkdir(folder, { recursive: true, mode: 0o700 });
	if (user) await chown(folder, user.uid, user.gid);
	const data = join(folder, 'data');
	await run(
		initdb,
		[
			...['--pgdata', data, '--username', OWNER, '--auth', 'trust', '--no-sync'],
			...['--encoding', 'UTF8', '--locale', 'C'],
		],
		{ cwd: folder, ...user },
	);
	const port = await findFreePort();
	const settings = {
		listen_addresses: '127.0.0.1',
		unix_socket_directories: '',
		// Main and workers hold a pool of connections each.
		max_connections: '200',
		// Nothing has to survive a power cut here.
		fsync: 'off',
	};
	const service = await startService({
		command: postgres,
		args: [
			...['-D', data, '-p', String(port)],
			...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
		],
		port,
		folder,
		logFile: join(folder, '..', 'postgres.log'),
		user,
		stopSignal: 'SIGINT',
	});
	return {
		...service,
		env: {
			DB_TYPE: 'postgresdb',
			DB_POSTGRESDB_HOST: '127.0.0.1',
			DB_POSTGRESDB_PORT: String(port),
			DB_POSTGRESDB_DATABASE: 'postgres',
			DB_POSTGRESDB_USER: OWNER,
		},
	};
}
