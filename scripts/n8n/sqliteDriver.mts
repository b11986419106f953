import { existsSync } from 'node:fs';
import { cp, mkdir, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';

import { ensureCachedFolder } from './cachedFolder.mts';
import { makeNpmEnvironment, npmCommand, runCommand } from './command.mts';
import type { NodeRuntime, SetUpOptions } from './nodeRuntime.mts';
import { SQLITE_VERSION } from './versions.mts';

const BINARY = join('build', 'Release', 'node_sqlite3.node');

function isOnPath(...names: string[]): boolean {
	const folders = (process.env.PATH ?? '').split(delimiter);
	return names.some((name) => folders.some((folder) => existsSync(join(folder, name))));
}

function listMissingTools(): string[] {
	if (process.platform === 'win32') return [];
	const missing: string[] = [];
	if (!isOnPath('python3', 'python')) missing.push('python3');
	if (!isOnPath('make')) missing.push('make');
	if (!isOnPath('c++', 'g++', 'clang++')) missing.push('a C++ compiler');
	return missing;
}

/**
 * n8n's database driver is a native module. Its install script fetches a ready binary where the network allows it and compiles
 * it otherwise. That is done here, in a folder of its own and beside the long install of n8n, so that a missing compiler is
 * told after seconds and not after minutes. The binary keeps to Node's stable interface: it serves every Node version.
 */
export async function ensureSqliteDriver(
	runtime: NodeRuntime,
	options: SetUpOptions,
): Promise<string> {
	const { cacheRoot, say, signal } = options;
	const name = `sqlite3-${SQLITE_VERSION}-${process.platform}-${process.arch}`;
	const folder = await ensureCachedFolder({
		folder: join(cacheRoot, name),
		say,
		signal,
		build: async (partial) => {
			const env = {
				...makeNpmEnvironment(runtime.node),
				...(runtime.headers ? { npm_config_nodedir: runtime.headers } : {}),
				JOBS: 'max',
			};
			const logFile = join(cacheRoot, 'sqlite3-install.log');
			const dependencies = { sqlite3: SQLITE_VERSION };
			await writeFile(
				join(partial, 'package.json'),
				JSON.stringify({ private: true, dependencies }),
			);
			const [command, args] = npmCommand(runtime.node, ['install', '--ignore-scripts=false']);
			const outcome = await runCommand(command, args, { cwd: partial, env, logFile, signal })
				.then(() =>
					runCommand(runtime.node, ['-e', "require('sqlite3')"], {
						cwd: partial,
						env,
						logFile,
						signal,
					}),
				)
				.then(
					() => undefined,
					(error: unknown) => error,
				);
			if (outcome === undefined) return;
			signal?.throwIfAborted();
			const missing = listMissingTools();
			if (missing.length === 0) throw outcome;
			throw new Error(
				`n8n's database driver must be compiled here, and this is missing: ${missing.join(', ')}.\n` +
					'On Debian or Ubuntu: apt-get install build-essential python3. Then run this again; what is done is kept.',
			);
		},
	});
	return join(folder, 'node_modules', 'sqlite3', BINARY);
}

/** Puts the binary where the driver inside n8n's own packages looks for it. */
export async function placeSqliteDriver(binary: string, n8nFolder: string): Promise<void> {
	const target = join(n8nFolder, 'node_modules', 'sqlite3', BINARY);
	await mkdir(dirname(target), { recursive: true });
	await cp(binary, target);
}
