import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { textAt } from '../n8n/shape.mts';
import { COMPATIBILITY } from '../n8n/versions.mts';
import { describeEngine, describeQueue, isFailure } from './report.mts';
import { type CompatibilityRow, mergeRows, replaceTable } from './table.mts';

/**
 * The node against other versions of n8n: its engine tests in their engine, and what a user does in a real n8n of each. The
 * results go into docs/compatibility.md. `-- 2.0.0 2.30.0`: these only; `--engine`, `--one-process`, `--queue`: that part only.
 */

const ROOT = join(import.meta.dirname, '../..');
const PAGE = join(ROOT, 'docs', 'compatibility.md');
const JEST = join(ROOT, 'node_modules/jest/bin/jest.js');
const TSX = join(ROOT, 'node_modules/tsx/dist/cli.mjs');

/** This process and its modules are bound to one n8n, which is named in the environment: each version has its own. */
async function run(node: string, args: string[], env: NodeJS.ProcessEnv): Promise<number> {
	const child = spawn(node, args, {
		cwd: ROOT,
		env: { ...process.env, ...env },
		stdio: ['ignore', 'inherit', 'inherit'],
	});
	return await new Promise((resolve, reject) => {
		child.once('error', reject);
		child.once('exit', (code) => resolve(code ?? 1));
	});
}

async function readJson(file: string): Promise<unknown> {
	return JSON.parse(await readFile(file, 'utf8')) as unknown;
}

async function runEngine(node: string, n8nFolder: string, outputFile: string): Promise<string> {
	const args = [JEST, '--selectProjects', 'engine'];
	await run(node, [...args, '--json', `--outputFile=${outputFile}`], {
		COMPAT_N8N_FOLDER: n8nFolder,
	});
	return describeEngine(await readJson(outputFile).catch(() => undefined));
}

/** Runs one of the scripts beside this one in the n8n of this version; undefined if it broke off. */
async function runScript(name: string, version: string, outputFile: string): Promise<unknown> {
	const script = join(import.meta.dirname, `${name}.mts`);
	const code = await run(process.execPath, [TSX, script, outputFile], { N8N_VERSION: version });
	return code === 0 ? await readJson(outputFile) : undefined;
}

type Part = 'engine' | 'one-process' | 'queue';

async function check(
	version: string,
	folder: string,
	isWanted: (part: Part) => boolean,
): Promise<Partial<CompatibilityRow> & { n8n: string }> {
	const at = (part: string): string => join(folder, `${version}-${part}.json`);
	const installed = await runScript('install', version, at('install'));
	const { version: own } = (await readJson(join(ROOT, 'package.json'))) as { version: string };
	const row: Partial<CompatibilityRow> & { n8n: string } = {
		n8n: version,
		run: `${new Date().toISOString().slice(0, 10)}, ${own}`,
	};
	if (!installed) return { ...row, engine: 'could not be installed' };
	const n8nFolder = textAt(installed, 'folder') ?? '';
	const core = await readJson(join(n8nFolder, 'node_modules/n8n-core/package.json'));
	row.core = textAt(core, 'version') ?? '?';
	if (isWanted('engine')) {
		row.engine = await runEngine(textAt(installed, 'node') ?? '', n8nFolder, at('engine'));
	}
	if (isWanted('one-process')) {
		const found = await runScript('oneProcess', version, at('one-process'));
		const names = ['install', 'generate', 'trigger', 'parked', 'stopMode', 'unsaved'] as const;
		for (const name of names) row[name] = textAt(found, name) ?? 'did not run';
	}
	const hasQueue = COMPATIBILITY.some(({ n8n, queueMode }) => n8n === version && queueMode);
	if (hasQueue && isWanted('queue')) {
		row.queue = describeQueue(await runScript('queueMode', version, at('queue')));
	}
	return row;
}

const given = process.argv.slice(2);
const parts = given.filter((argument) => argument.startsWith('--')).map((part) => part.slice(2));
const isWanted = (part: Part): boolean => parts.length === 0 || parts.includes(part);
const named = given.filter((argument) => !argument.startsWith('--'));
const versions = named.length > 0 ? named : COMPATIBILITY.map(({ n8n }) => n8n);
const folder = await mkdtemp(join(tmpdir(), 'compat-'));
try {
	for (const version of versions) {
		console.log(`=== n8n ${version}`);
		const row = await check(version, folder, isWanted);
		for (const [name, cell] of Object.entries(row)) console.log(`    ${name}: ${cell}`);
		const page = await readFile(PAGE, 'utf8');
		await writeFile(PAGE, replaceTable(page, mergeRows(page, row)));
		if (Object.values(row).some(isFailure)) process.exitCode = 1;
	}
} finally {
	await rm(folder, { recursive: true, force: true });
}
