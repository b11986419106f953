import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

export interface N8nOptions {
	/** n8n keeps its database, its key and its packages in `.n8n` below it. */
	userFolder: string;
	port: number;
	/** Folders that the Read/Write Files from Disk node may open. */
	readableFolders?: string[];
	/** A worker of a distributed n8n instead of an n8n with an editor; its port answers questions about its health only. */
	worker?: { concurrency: number };
	env?: NodeJS.ProcessEnv;
	signal?: AbortSignal;
}

interface Parts extends N8nOptions {
	nodeFolder: string;
	brokerPort: number;
}

/**
 * What must not reach n8n from here: settings of another n8n of the user's, what npm, jest or tsx set for themselves
 * (n8n behaves differently under `NODE_ENV=test`), and the WaveSpeed key, which travels through n8n's own API.
 */
const NOT_FOR_N8N =
	/^(N8N_.*|DB_.*|EXECUTIONS_.*|QUEUE_.*|WEBHOOK_URL|WAVESPEED_.*|npm_.*|NODE_ENV|NODE_OPTIONS|JEST_WORKER_ID|INIT_CWD)$/i;

export function makeN8nEnvironment(parts: Parts): NodeJS.ProcessEnv {
	const inherited = Object.entries(process.env).filter(([name]) => !NOT_FOR_N8N.test(name));
	const loopback = ['127.0.0.1', 'localhost', process.env.NO_PROXY ?? process.env.no_proxy ?? ''];
	const noProxy = loopback.filter((host) => host !== '').join(',');
	return {
		...Object.fromEntries(inherited),
		PATH: [parts.nodeFolder, process.env.PATH ?? ''].join(delimiter),
		// The emulator is on this machine: a proxy would look for it elsewhere.
		NO_PROXY: noProxy,
		no_proxy: noProxy,
		N8N_USER_FOLDER: parts.userFolder,
		N8N_PORT: String(parts.port),
		...(parts.worker ? makeWorkerEnvironment(parts.port) : {}),
		N8N_LISTEN_ADDRESS: '127.0.0.1',
		// Its default port is a fixed one, which would forbid two n8n side by side.
		N8N_RUNNERS_BROKER_PORT: String(parts.brokerPort),
		// The default since 2.0; 1.x would keep files in the execution's data.
		N8N_DEFAULT_BINARY_DATA_MODE: 'filesystem',
		N8N_DIAGNOSTICS_ENABLED: 'false',
		N8N_VERSION_NOTIFICATIONS_ENABLED: 'false',
		N8N_TEMPLATES_ENABLED: 'false',
		N8N_PERSONALIZATION_ENABLED: 'false',
		N8N_HIRING_BANNER_ENABLED: 'false',
		// The editor is served over plain http here.
		N8N_SECURE_COOKIE: 'false',
		N8N_RESTRICT_FILE_ACCESS_TO: [
			join(homedir(), '.n8n-files'),
			...(parts.readableFolders ?? []),
		].join(';'),
		...parts.env,
	};
}

/** Without it a worker listens nowhere, and nobody could tell when it is ready. */
const makeWorkerEnvironment = (port: number): NodeJS.ProcessEnv => ({
	QUEUE_HEALTH_CHECK_ACTIVE: 'true',
	QUEUE_HEALTH_CHECK_PORT: String(port),
	N8N_WORKER_SERVER_ADDRESS: '127.0.0.1',
});
