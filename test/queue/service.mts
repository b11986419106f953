import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** Redis and PostgreSQL as processes of a test. */

const START_TIMEOUT_MS = 60_000;

export interface User {
	uid: number;
	gid: number;
}

export interface ServiceOptions {
	command: string;
	args: string[];
	/** Where it listens as soon as it is ready, or nearly so. */
	port: number;
	folder: string;
	logFile: string;
	/** Whom it runs as; without it: whoever runs the tests. */
	user?: User;
	/** Ends it in an orderly way, or, if its parent is gone, at once. */
	stopSignal: NodeJS.Signals;
}

export interface Service {
	stop: () => Promise<void>;
}

async function accepts(port: number): Promise<boolean> {
	return await new Promise((resolve) => {
		const socket = createConnection({ port, host: '127.0.0.1' });
		socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
		socket.once('connect', () => socket.destroy());
	});
}

/** The kernel ends it with its parent, so that nothing runs on after Ctrl+C, a crash or SIGKILL. */
function endWithParent({ command, args, user, stopSignal }: ServiceOptions): [string, string[]] {
	const identity = user
		? ['--reuid', String(user.uid), '--regid', String(user.gid), '--clear-groups']
		: [];
	const signal = stopSignal.replace('SIG', '');
	return ['setpriv', [...identity, '--pdeathsig', signal, '--', command, ...args]];
}

export async function startService(options: ServiceOptions): Promise<Service> {
	const { command, port, folder, logFile, stopSignal } = options;
	const log = openSync(logFile, 'a');
	const child = spawn(...endWithParent(options), {
		cwd: folder,
		// Ctrl+C goes to the whole process group: n8n has to end first.
		detached: true,
		stdio: ['ignore', log, log],
	});
	closeSync(log);
	let hasEnded = false;
	const ended = new Promise<void>((resolve) => {
		child.once('error', () => resolve());
		child.once('exit', () => resolve());
	}).then(() => void (hasEnded = true));

	const deadline = Date.now() + START_TIMEOUT_MS;
	while (!(await accepts(port))) {
		if (hasEnded || Date.now() > deadline) {
			child.kill('SIGKILL');
			const text = await readFile(logFile, 'utf8').catch(() => '');
			throw new Error(`${command} didn't start:\n${text.split('\n').slice(-15).join('\n')}`);
		}
		await sleep(100);
	}
	return {
		async stop() {
			child.kill(stopSignal);
			await ended;
		},
	};
}
