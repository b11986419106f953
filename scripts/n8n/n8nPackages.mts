import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { makeNpmEnvironment, npmCommand } from './command.mts';
import type { N8nInstallation } from './n8nInstall.mts';
import { textAt, type JsonRecord } from './shape.mts';
import { isRecord } from '../../nodes/shared/json';

const run = promisify(execFile);

async function readJson(path: string): Promise<JsonRecord> {
	const value: unknown = JSON.parse(await readFile(path, 'utf8'));
	if (!isRecord(value)) throw new Error(`${path} holds no object.`);
	return value;
}

/** `npm pack` of the built tree: the file that a release would upload. */
export async function packPackage(root: string, targetFolder: string): Promise<string> {
	if (!existsSync(join(root, 'dist', 'nodes'))) {
		throw new Error('Nothing is built yet: npm run build');
	}
	const [command, args] = npmCommand(process.execPath, [
		...['pack', '--silent', '--ignore-scripts', '--pack-destination'],
		targetFolder,
	]);
	const env = makeNpmEnvironment(process.execPath);
	const { stdout } = await run(command, args, { cwd: root, env });
	return join(targetFolder, stdout.trim().split('\n').pop() ?? '');
}

/**
 * Installs a tarball the way n8n 2.40's own installer does (its `downloadPackage`): unpack it into `.n8n/nodes/node_modules`,
 * drop the development and peer dependencies, let npm install what is left, and note it in `.n8n/nodes/package.json`. Returns its folder.
 */
export async function installTarball(
	installation: N8nInstallation,
	userFolder: string,
	tarball: string,
): Promise<string> {
	const nodesFolder = join(userFolder, '.n8n', 'nodes');
	const unpacked = await mkdtemp(join(tmpdir(), 'n8n-package-'));
	try {
		await run('tar', ['-xzf', tarball, '-C', unpacked, '--strip-components=1']);
		const manifest = await readJson(join(unpacked, 'package.json'));
		const name = textAt(manifest, 'name') ?? '';
		const folder = join(nodesFolder, 'node_modules', name);
		await rm(folder, { recursive: true, force: true });
		await mkdir(folder, { recursive: true });
		await run('tar', ['-xzf', tarball, '-C', folder, '--strip-components=1']);

		const left = { ...manifest };
		for (const group of ['devDependencies', 'peerDependencies', 'optionalDependencies']) {
			delete left[group];
		}
		await writeFile(join(folder, 'package.json'), JSON.stringify(left, null, 2));
		const [command, args] = npmCommand(installation.node, [
			...['install', '--bin-links=false', '--install-strategy=shallow'],
			...['--ignore-scripts=true', '--package-lock=false'],
		]);
		await run(command, args, { cwd: folder, env: makeNpmEnvironment(installation.node) });

		const listFile = join(nodesFolder, 'package.json');
		const list: JsonRecord = await readJson(listFile).catch(() => ({
			name: 'installed-nodes',
			private: true,
		}));
		const known = isRecord(list.dependencies) ? list.dependencies : {};
		const dependencies = { ...known, [name]: textAt(manifest, 'version') };
		await writeFile(listFile, JSON.stringify({ ...list, dependencies }, null, 2));
		return folder;
	} finally {
		await rm(unpacked, { recursive: true, force: true });
	}
}

/** Packs the checkout and installs what was packed. */
export async function installCheckout(
	installation: N8nInstallation,
	root: string,
	userFolder: string,
): Promise<string> {
	const folder = await mkdtemp(join(tmpdir(), 'n8n-pack-'));
	try {
		return await installTarball(installation, userFolder, await packPackage(root, folder));
	} finally {
		await rm(folder, { recursive: true, force: true });
	}
}
