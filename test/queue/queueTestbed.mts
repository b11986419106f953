import { randomBytes } from 'node:crypto';
import { cp, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { N8nOptions } from '../../scripts/n8n/n8nEnvironment.mts';
import { ensureN8n } from '../../scripts/n8n/n8nInstall.mts';
import { installCheckout } from '../../scripts/n8n/n8nPackages.mts';
import { type N8nProcess, startN8n } from '../../scripts/n8n/n8nProcess.mts';
import { logIn, type N8nSession } from '../../scripts/n8n/n8nRest.mts';
import { findFreePort } from '../../scripts/n8n/ports.mts';
import { LOGIN, ROOT } from '../e2e/testbed.mts';
import { type Emulator, type EmulatorOptions, startEmulator } from '../emulator/emulator.mts';
import { ensurePrograms } from './debianPackages.mts';
import { startPostgres } from './postgres.mts';
import { type Redis, startRedis } from './redis.mts';
import { makeScratchFolder } from './scratchFolder.mts';

/**
 * n8n asks every `STALLED_INTERVAL` which jobs have lost their worker: those whose lock wasn't renewed for a
 * `LOCK_DURATION`. Its own 30 s and 60 s would make the tests wait; with 15 s for the lock a busy machine has looked like a dead
 * worker, and the check of a parked execution was lost with its job.
 */
const STALLED_JOBS = {
	QUEUE_WORKER_LOCK_DURATION: '30000',
	QUEUE_WORKER_LOCK_RENEW_TIME: '5000',
	QUEUE_WORKER_STALLED_INTERVAL: '3000',
};

const QUEUE_MODE = {
	EXECUTIONS_MODE: 'queue',
	// The processes share the database and Redis, but no folder, as on machines of their own.
	N8N_DEFAULT_BINARY_DATA_MODE: 'database',
	// n8n's own 2 connections for each process are few for dozens of callbacks at once.
	DB_POSTGRESDB_POOL_SIZE: '10',
};

export interface Worker extends N8nProcess {
	/** The executions that it has taken on, resumed ones again. */
	readStarted: () => Promise<string[]>;
}

/** n8n's distributed engine: main, workers, Redis and PostgreSQL, and the emulator; all empty at first. */
export interface QueueTestbed {
	url: string;
	session: N8nSession;
	emulator: Emulator;
	redis: Redis;
	workers: Worker[];
	startWorker: () => Promise<Worker>;
	/** Ends the main process as a power cut would, and starts it again with all that is stored. */
	restartMain: () => Promise<void>;
	close: () => Promise<void>;
}

export interface QueueOptions {
	workers: number;
	/** How many executions each worker runs at once. */
	concurrency: number;
	/** As where nobody has set `WEBHOOK_URL`: no process can be called. */
	isUnreachable?: boolean;
	emulator?: EmulatorOptions;
	/** Further settings of n8n, for all its processes. */
	env?: NodeJS.ProcessEnv;
}

export async function startQueue(options: QueueOptions): Promise<QueueTestbed> {
	const stops: Array<() => Promise<unknown>> = [];
	const close = async () => {
		for (const stop of stops.splice(0).reverse()) await stop();
	};
	try {
		const programs = ensurePrograms();
		const installation = await ensureN8n({ say: (text) => process.stderr.write(`${text}\n`) });
		const { path: folder, remove } = await makeScratchFolder('n8n-queue-');
		stops.push(remove);
		const postgres = await startPostgres(programs, join(folder, 'postgres'));
		stops.push(postgres.stop);
		const redis = await startRedis(programs.redisServer, join(folder, 'redis'));
		stops.push(redis.stop);
		const emulator = await startEmulator({ accountLevel: 'ultra', ...options.emulator });
		stops.push(() => emulator.close());

		const mainPort = await findFreePort();
		const env = {
			...{ ...QUEUE_MODE, ...STALLED_JOBS, ...postgres.env, ...redis.env },
			N8N_ENCRYPTION_KEY: randomBytes(24).toString('base64'),
			// Without it a worker would have callbacks sent to itself.
			...(options.isUnreachable ? {} : { WEBHOOK_URL: `http://127.0.0.1:${mainPort}/` }),
			...options.env,
		};
		const start = async (n8nOptions: Omit<N8nOptions, 'env'>) => {
			const n8n = await startN8n(installation, { ...n8nOptions, env });
			stops.push(n8n.stop);
			return n8n;
		};
		const userFolder = join(folder, 'main');
		await installCheckout(installation, ROOT, userFolder);
		let main = await start({ userFolder, port: mainPort });
		const session = await logIn(main.url, LOGIN);

		let workerCount = 0;
		const startWorker = async (): Promise<Worker> => {
			const workerFolder = join(folder, `worker-${(workerCount += 1)}`);
			const nodes = join('.n8n', 'nodes');
			await cp(join(userFolder, nodes), join(workerFolder, nodes), { recursive: true });
			const worker = { concurrency: options.concurrency };
			const port = await findFreePort();
			const n8n = await start({ userFolder: workerFolder, port, worker });
			return { ...n8n, readStarted: async () => await readStarted(n8n.logFile) };
		};
		const workers = await Promise.all(Array.from({ length: options.workers }, startWorker));
		const testbed: QueueTestbed = {
			...{ url: main.url, session, emulator, redis, workers, startWorker, close },
			async restartMain() {
				await main.kill();
				main = await start({ userFolder, port: mainPort });
				testbed.session = await logIn(main.url, LOGIN);
			},
		};
		return testbed;
	} catch (error) {
		await close();
		throw error;
	}
}

async function readStarted(logFile: string): Promise<string[]> {
	const log = await readFile(logFile, 'utf8');
	return [...log.matchAll(/Worker started execution (\d+) /g)].map(([, id]) => id!);
}
