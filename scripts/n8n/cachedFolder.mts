import { mkdtemp, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, join } from 'node:path';

import { waitForLock } from './lock.mts';

/** Written last: a folder without it is a set-up that was interrupted, and is made again. */
const STAMP = '.complete';

/** Outside the checkout, so that a fresh clone and a cleaned work tree find it again. */
export function getCacheRoot(env: NodeJS.ProcessEnv = process.env): string {
	if (env.WAVESPEED_NODE_CACHE) return env.WAVESPEED_NODE_CACHE;
	const caches = env.XDG_CACHE_HOME || join(homedir(), '.cache');
	return join(caches, 'n8n-nodes-wavespeed-speech-to-video');
}

async function exists(path: string): Promise<boolean> {
	return await stat(path).then(
		() => true,
		() => false,
	);
}

export interface CachedFolderOptions {
	folder: string;
	/** Fills the folder that it is given; it is renamed to `folder` only when this has succeeded. */
	build: (folder: string) => Promise<void>;
	say: (text: string) => void;
	signal?: AbortSignal;
}

/** Makes a folder once and for all runs: a second run at the same time waits, a half-finished one is thrown away. */
export async function ensureCachedFolder(options: CachedFolderOptions): Promise<string> {
	const { folder, build, say, signal } = options;
	const name = basename(folder);
	if (await exists(join(folder, STAMP))) return folder;

	const release = await waitForLock(
		`${folder}.lock`,
		(holder) => say(`Another run (process ${holder}) is setting up ${name}; waiting for it.`),
		signal,
	);
	try {
		if (await exists(join(folder, STAMP))) return folder;
		const interrupted = (await readdir(dirname(folder))).filter(
			(entry) => entry === name || entry.startsWith(`${name}.partial`),
		);
		if (interrupted.length > 0) {
			say(`An earlier set-up of ${name} was interrupted; starting it again.`);
		}
		for (const entry of interrupted) {
			await rm(join(dirname(folder), entry), { recursive: true, force: true, maxRetries: 5 });
		}
		// A name of its own: what is left of an interrupted run may still write into the old one for a moment.
		const partial = await mkdtemp(`${folder}.partial-`);
		await build(partial);
		await writeFile(join(partial, STAMP), `${new Date().toISOString()}\n`);
		await rename(partial, folder);
		return folder;
	} finally {
		await release();
	}
}
