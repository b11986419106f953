import { spawn } from 'node:child_process';
import { openSync, closeSync } from 'node:fs';
import { mkdir, readFile, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import axios from 'axios';

import { END_WITH_PARENT, killGroup } from './command.mts';
import type { N8nInstallation } from './n8nInstall.mts';
import { makeN8nEnvironment, type N8nOptions } from './n8nEnvironment.mts';
import { findFreePort } from './ports.mts';

/** The first start creates the database: about 15 s, and more on a busy machine. */
const START_TIMEOUT_MS = 240_000;

/** n8n waits for running executions before it ends; nobody who presses Ctrl+C wants to wait longer than this. */
const STOP_TIMEOUT_MS = 10_000;

export interface N8nProcess {
	url: string;
	pid: number;
	logFile: string;
	/** Settles when the process has ended, for whatever reason. */
	ended: Promise<string>;
	/** Asks it to end, and makes it end if it doesn't. */
	stop: () => Promise<void>;
	/** Ends it at once with all that it started, as a power cut would. */
	kill: () => Promise<void>;
}

async function readLogTail(logFile: string): Promise<string> {
	const text = await readFile(logFile, 'utf8').catch(() => '');
	const lines = text.split('\n').filter((line) => !/^(Starting|Finished) migration/.test(line));
	return lines.slice(-15).join('\n').trim();
}

/** `/healthz` answers before the database is ready, and in n8n 1.x `/healthz/readiness` before there is anything else. */
async function isReady(url: string, isWorker: boolean): Promise<boolean> {
	for (const path of ['/healthz/readiness', ...(isWorker ? [] : ['/rest/settings'])]) {
		const answer = await axios
			.get(`${url}${path}`, { proxy: false, timeout: 5_000, validateStatus: () => true })
			.catch(() => undefined);
		if (answer?.status !== 200) return false;
	}
	return true;
}

export async function startN8n(
	installation: N8nInstallation,
	options: N8nOptions,
): Promise<N8nProcess> {
	const { userFolder, port, worker, signal } = options;
	// Only the owner may read it: it holds the key that encrypts the credentials.
	await mkdir(join(userFolder, '.n8n'), { recursive: true, mode: 0o700 });
	const logFile = join(userFolder, 'n8n.log');
	const log = openSync(logFile, 'w');
	// n8n compares real paths: a checkout may lie behind a symbolic link.
	const readable = await Promise.all((options.readableFolders ?? []).map((path) => realpath(path)));
	const command = worker ? ['worker', `--concurrency=${worker.concurrency}`] : ['start'];
	const child = spawn(installation.node, [...END_WITH_PARENT, installation.command, ...command], {
		cwd: userFolder,
		env: makeN8nEnvironment({
			...options,
			readableFolders: readable,
			nodeFolder: dirname(installation.node),
			brokerPort: await findFreePort(),
		}),
		detached: process.platform !== 'win32',
		stdio: ['ignore', log, log],
	});
	closeSync(log);

	let hasEnded = false;
	const ended = new Promise<string>((resolve) => {
		child.once('error', (error) => resolve(error.message));
		child.once('exit', (code, killedBy) => resolve(killedBy ?? `code ${code}`));
	}).then((reason) => {
		hasEnded = true;
		return reason;
	});
	const kill = async () => {
		killGroup(child.pid, 'SIGKILL');
		await ended;
	};
	const stop = async () => {
		killGroup(child.pid, 'SIGTERM');
		await Promise.race([ended, sleep(STOP_TIMEOUT_MS, undefined, { ref: false })]);
		await kill();
	};

	const url = `http://127.0.0.1:${port}`;
	const deadline = Date.now() + START_TIMEOUT_MS;
	while (!(await isReady(url, worker !== undefined))) {
		const problem = hasEnded
			? `n8n ended (${await ended}) while starting`
			: signal?.aborted
				? 'n8n was stopped while starting'
				: Date.now() > deadline
					? `n8n wasn't ready after ${START_TIMEOUT_MS / 1000} s`
					: undefined;
		if (problem !== undefined) {
			await kill();
			throw new Error(
				`${problem}. The end of its log (${logFile}):\n${await readLogTail(logFile)}`,
			);
		}
		await sleep(300);
	}
	return { url, pid: child.pid ?? 0, logFile, ended, stop, kill };
}
