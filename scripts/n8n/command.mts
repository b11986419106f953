import { spawn } from 'node:child_process';
import { createWriteStream, existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, delimiter, dirname, join } from 'node:path';

/**
 * Options for a Node that leads a process group: when its parent is gone without having stopped it (SIGKILL, a crash), it ends
 * itself with its group. Nothing is left running that nobody could stop or that would write into a folder of the next run.
 */
export const END_WITH_PARENT = [
	'--import',
	`data:text/javascript,${encodeURIComponent(
		"const parent = process.ppid; setInterval(() => { if (process.ppid !== parent) process.kill(-process.pid, 'SIGKILL'); }, 1000).unref();",
	)}`,
];

export interface CommandOptions {
	cwd: string;
	env: NodeJS.ProcessEnv;
	/** Everything that the command prints goes here; a failure quotes its end. */
	logFile: string;
	signal?: AbortSignal;
}

/** The end of a log, without what says nothing to a reader. */
async function readLogTail(logFile: string, lines = 12): Promise<string> {
	const text = await readFile(logFile, 'utf8').catch(() => '');
	const useful = text.split('\n').filter((line) => line.trim() !== '' && !/^npm warn/.test(line));
	return useful.slice(-lines).join('\n');
}

/** Runs a command to its end in a process group of its own, so that an abort also ends what the command started. */
export async function runCommand(
	command: string,
	args: string[],
	{ cwd, env, logFile, signal }: CommandOptions,
): Promise<void> {
	signal?.throwIfAborted();
	const log = createWriteStream(logFile, { flags: 'a' });
	const isWindows = process.platform === 'win32';
	const isNode = /^node(\.exe)?$/.test(basename(command));
	const child = spawn(command, isNode ? [...END_WITH_PARENT, ...args] : args, {
		cwd,
		env,
		detached: !isWindows,
		stdio: ['ignore', 'pipe', 'pipe'],
	});
	child.stdout.pipe(log, { end: false });
	child.stderr.pipe(log, { end: false });

	const stop = () => killGroup(child.pid, 'SIGTERM');
	signal?.addEventListener('abort', stop, { once: true });
	const failure = await new Promise<string | undefined>((resolve) => {
		child.once('error', (error) => resolve(error.message));
		child.once('close', (code, killedBy) => {
			resolve(code === 0 ? undefined : `it ended with ${killedBy ?? `code ${code}`}`);
		});
	});
	signal?.removeEventListener('abort', stop);
	await new Promise<void>((resolve) => {
		log.end(() => resolve());
	});

	signal?.throwIfAborted();
	if (failure !== undefined) {
		throw new Error(
			`${[command, ...args.slice(0, 3)].join(' ')}: ${failure}\n${await readLogTail(logFile)}\nFull log: ${logFile}`,
		);
	}
}

/** Signals a process group; a group that is gone already is what was wanted. */
export function killGroup(pid: number | undefined, signal: NodeJS.Signals): void {
	if (pid === undefined) return;
	try {
		process.kill(process.platform === 'win32' ? pid : -pid, signal);
	} catch {
		// No such process.
	}
}

/**
 * npm as a command of the given Node: its JavaScript file where it can be found, so that no shell is needed.
 * `npm start` names that file in the environment.
 */
export function npmCommand(node: string, args: string[]): [string, string[]] {
	const beside = join(dirname(process.execPath), '../lib/node_modules/npm/bin/npm-cli.js');
	const cli = [process.env.npm_execpath ?? '', beside].find(
		(path) => path.endsWith('npm-cli.js') && existsSync(path),
	);
	return cli ? [node, [cli, ...args]] : ['npm', args];
}

/**
 * The environment for an npm that works in another folder: what an outer npm says about *its* package must not reach it,
 * while the user's own settings (registry, proxy, cache) must.
 */
export function makeNpmEnvironment(node: string): NodeJS.ProcessEnv {
	const ofOuterNpm =
		/^(npm_(package|lifecycle)_.*|npm_config_(local_prefix|prefix|ignore_scripts|nodedir|global)|init_cwd)$/i;
	const kept = Object.entries(process.env).filter(([name]) => !ofOuterNpm.test(name));
	return {
		...Object.fromEntries(kept),
		PATH: [dirname(node), process.env.PATH ?? ''].join(delimiter),
		npm_config_audit: 'false',
		npm_config_fund: 'false',
		npm_config_update_notifier: 'false',
	};
}
