import { mkdir, readFile, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { ensureCachedFolder, getCacheRoot } from './cachedFolder.mts';
import { makeNpmEnvironment, npmCommand, runCommand } from './command.mts';
import { ensureNodeRuntime, type NodeRuntime, type SetUpOptions } from './nodeRuntime.mts';
import { startProgress } from './progress.mts';
import { textAt } from './shape.mts';
import { ensureSqliteDriver, placeSqliteDriver } from './sqliteDriver.mts';
import { N8N_DISK_BYTES, N8N_OVERRIDES, N8N_VERSION, SQLITE_VERSION } from './versions.mts';
import { isRecord } from '../../nodes/shared/json';

export interface N8nInstallation {
	/** The Node that runs it. */
	node: string;
	/** The folder whose `node_modules` holds n8n. */
	folder: string;
	/** n8n's command, a JavaScript file. */
	command: string;
}

async function requireDiskSpace(folder: string): Promise<void> {
	const { bavail, bsize } = await statfs(folder);
	const free = bavail * bsize;
	if (free >= N8N_DISK_BYTES) return;
	const gigabytes = (bytes: number) => (bytes / 1e9).toFixed(1);
	throw new Error(
		`n8n needs ${gigabytes(N8N_DISK_BYTES)} GB of disk in ${folder}, and ${gigabytes(free)} GB are free. ` +
			'Set WAVESPEED_NODE_CACHE to a folder on a larger disk.',
	);
}

async function installN8n(
	partial: string,
	runtime: NodeRuntime,
	options: SetUpOptions,
): Promise<void> {
	const { cacheRoot, say } = options;
	const manifest = { private: true, dependencies: { n8n: N8N_VERSION }, overrides: N8N_OVERRIDES };
	await writeFile(join(partial, 'package.json'), JSON.stringify(manifest, null, 2));
	const [command, args] = npmCommand(runtime.node, [
		'install',
		'--ignore-scripts',
		'--no-package-lock',
	]);

	// The two long steps use a core each. The first failure ends the other: nobody waits minutes for a missing compiler.
	const failed = new AbortController();
	const signal = options.signal ? AbortSignal.any([options.signal, failed.signal]) : failed.signal;
	const endBoth = (error: unknown) => {
		failed.abort(error);
		throw error;
	};
	const progress = startProgress(
		say,
		`Installing n8n ${N8N_VERSION}: 2.8 GB, once; about five minutes on two cores`,
	);
	const [driver, packages] = await Promise.allSettled([
		ensureSqliteDriver(runtime, { ...options, signal }).catch(endBoth),
		runCommand(command, args, {
			cwd: partial,
			env: makeNpmEnvironment(runtime.node),
			logFile: join(cacheRoot, 'n8n-install.log'),
			signal,
		}).catch(endBoth),
	]);
	progress.stop();
	if (driver.status === 'rejected') throw driver.reason;
	if (packages.status === 'rejected') throw packages.reason;
	await placeSqliteDriver(driver.value, partial);
}

async function checkInstalledVersions(folder: string): Promise<void> {
	const text = await readFile(join(folder, 'node_modules/sqlite3/package.json'), 'utf8');
	const manifest: unknown = JSON.parse(text);
	const found = isRecord(manifest) ? textAt(manifest, 'version') : undefined;
	if (found !== SQLITE_VERSION) {
		throw new Error(
			`n8n brought sqlite3 ${found}: set SQLITE_VERSION in scripts/n8n/versions.mts to it.`,
		);
	}
}

/** A real n8n, ready to start: installed once per version into the cache folder, found there by every later run. */
export async function ensureN8n(options: Partial<SetUpOptions> = {}): Promise<N8nInstallation> {
	const { cacheRoot = getCacheRoot(), say = console.log, signal } = options;
	const setUp = { cacheRoot, say, signal };
	await mkdir(cacheRoot, { recursive: true });
	const runtime = await ensureNodeRuntime(setUp);
	const folder = await ensureCachedFolder({
		folder: join(cacheRoot, `n8n-${N8N_VERSION}-${process.platform}-${process.arch}`),
		say,
		signal,
		build: async (partial) => {
			await requireDiskSpace(partial);
			await installN8n(partial, runtime, setUp);
			await checkInstalledVersions(partial);
		},
	});
	return { node: runtime.node, folder, command: join(folder, 'node_modules', 'n8n', 'bin', 'n8n') };
}
