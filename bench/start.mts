import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { ensureCachedFolder, getCacheRoot } from '../scripts/n8n/cachedFolder.mts';
import { makeNpmEnvironment, npmCommand } from '../scripts/n8n/command.mts';
import { packPackage } from '../scripts/n8n/n8nPackages.mts';
import { listAt, textAt } from '../scripts/n8n/shape.mts';
import { median, ratio, type Section } from './report.mts';

/** What the package adds to n8n's start and disk, beside other community packages. */

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('..', import.meta.url));
const OWN = 'n8n-nodes-wavespeed-speech-to-video';

/** Well-known packages of others, of fixed versions; n8n's own list of community nodes is full of such. */
const OTHERS = {
	'@blotato/n8n-nodes-blotato': '1.0.10',
	'@mendable/n8n-nodes-firecrawl': '2.1.2',
	'n8n-nodes-deepseek': '1.0.6',
	'n8n-nodes-evolution-api': '1.0.4',
	'n8n-nodes-mcp': '0.1.37',
	'n8n-nodes-youtube-transcript': '0.9.0',
};

const STARTS = 9;

interface Weight {
	loadMs: number;
	tarballBytes: number;
}

async function installOthers(): Promise<string> {
	const cacheRoot = getCacheRoot();
	await mkdir(cacheRoot, { recursive: true });
	return await ensureCachedFolder({
		folder: join(cacheRoot, 'community-nodes-1'),
		say: (text) => console.error(text),
		build: async (folder) => {
			const manifest = { private: true, dependencies: OTHERS };
			await writeFile(join(folder, 'package.json'), JSON.stringify(manifest));
			const [command, args] = npmCommand(process.execPath, [
				...['install', '--ignore-scripts', '--legacy-peer-deps', '--no-package-lock'],
			]);
			await run(command, args, { cwd: folder, env: makeNpmEnvironment(process.execPath) });
		},
	});
}

/** In a fresh process that has n8n-workflow already, as n8n has when it loads a package. */
async function loadOnce(packageFolder: string, file: string): Promise<number> {
	const workflow = createRequire(import.meta.url).resolve('n8n-workflow');
	const script = `
		require(${JSON.stringify(workflow)});
		const resolve = require('node:module')._resolveFilename;
		require('node:module')._resolveFilename = (name, ...rest) =>
			name === 'n8n-workflow' ? ${JSON.stringify(workflow)} : resolve(name, ...rest);
		const startedAt = performance.now();
		require(${JSON.stringify(join(packageFolder, file))});
		console.log(performance.now() - startedAt);
		process.exit(0);
	`;
	const { stdout } = await run(process.execPath, ['-e', script]);
	return Number(stdout.trim().split('\n').at(-1));
}

async function weigh(packageFolder: string, tarball: string): Promise<Weight> {
	const manifest: unknown = JSON.parse(await readFile(join(packageFolder, 'package.json'), 'utf8'));
	const [file] = listAt(manifest, 'n8n', 'nodes');
	const times: number[] = [];
	for (let start = 0; start < STARTS; start += 1) {
		times.push(await loadOnce(packageFolder, String(file)));
	}
	return { loadMs: median(times), tarballBytes: (await stat(tarball)).size };
}

async function downloadTarball(name: string, version: string, folder: string): Promise<string> {
	const [command, args] = npmCommand(process.execPath, [
		...['pack', `${name}@${version}`, '--json', '--ignore-scripts', '--pack-destination', folder],
	]);
	const env = makeNpmEnvironment(process.execPath);
	const { stdout } = await run(command, args, { cwd: folder, env });
	return join(folder, textAt(JSON.parse(stdout)[0], 'filename') ?? '');
}

export async function measureStart(): Promise<Section> {
	const folder = await mkdtemp(join(tmpdir(), 'bench-start-'));
	try {
		const installed = await installOthers();
		const others: Weight[] = [];
		for (const [name, version] of Object.entries(OTHERS)) {
			const tarball = await downloadTarball(name, version, folder);
			others.push(await weigh(join(installed, 'node_modules', name), tarball));
		}
		const own = await weigh(ROOT, await packPackage(ROOT, folder));
		const loadMs = median(others.map((one) => one.loadMs));
		const tarballBytes = median(others.map((one) => one.tarballBytes));
		const kilobytes = (bytes: number): string => `${(bytes / 1000).toFixed(1)} kB`;
		return {
			title: 'Start: what the package adds to n8n',
			method: `Time to load the first node's file in a fresh process that has n8n-workflow already (median of ${STARTS}), and the size of what npm downloads, beside the median of ${others.length} other community packages: ${Object.keys(OTHERS).join(', ')}.`,
			columns: ['', 'this package', 'median of the others', 'ratio'],
			rows: [
				[
					...['load', `${own.loadMs.toFixed(1)} ms`, `${loadMs.toFixed(1)} ms`],
					ratio(own.loadMs / loadMs),
				],
				[
					...['download', kilobytes(own.tarballBytes), kilobytes(tarballBytes)],
					ratio(own.tarballBytes / tarballBytes),
				],
			],
			bound: `the number of files: ${OWN} has no dependencies, and its small files are read one by one, once per start of n8n.`,
			checks: [],
		};
	} finally {
		await rm(folder, { recursive: true, force: true });
	}
}
