import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { textAt, valueAt } from '../n8n/shape.mts';
import { COMPATIBILITY } from '../n8n/versions.mts';
import { mergeRows, replaceTable, type CompatibilityRow } from './table.mts';
import { isRecord } from '../../nodes/shared/json';

/** The tests of the node in n8n's engine and in a real n8n, against other versions of n8n; the results go into docs/compatibility.md. */

const ROOT = join(import.meta.dirname, '../..');
const PAGE = join(ROOT, 'docs', 'compatibility.md');
const JEST = join(ROOT, 'node_modules/jest/bin/jest.js');

/** Not the browser: the editor changes with every version, and the node's part in it is only what it describes. */
const E2E_FILES = 'test/e2e/(package|examples|batch|callback)\\.test';

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

const numberAt = (value: unknown, name: string): number => {
	const found = valueAt(value, name);
	return typeof found === 'number' ? found : 0;
};

async function runJest(
	node: string,
	args: string[],
	env: NodeJS.ProcessEnv,
	outputFile: string,
): Promise<string> {
	await run(node, [JEST, '--forceExit', ...args, '--json', `--outputFile=${outputFile}`], env);
	const result = await readJson(outputFile).catch(() => undefined);
	const passed = numberAt(result, 'numPassedTests');
	const failed = numberAt(result, 'numFailedTests') + numberAt(result, 'numRuntimeErrorTestSuites');
	if (!isRecord(result) || passed === 0) return 'did not run';
	return failed === 0 ? `${passed} passed` : `${passed} passed, ${failed} failed`;
}

async function check(version: string, folder: string): Promise<CompatibilityRow> {
	const place = join(folder, `${version}.json`);
	const env = { N8N_VERSION: version };
	const install = [
		join(ROOT, 'node_modules/tsx/dist/cli.mjs'),
		join(import.meta.dirname, 'install.mts'),
		place,
	];
	if ((await run(process.execPath, install, env)) !== 0) {
		return {
			n8n: version,
			core: '',
			node: '',
			engine: 'could not be installed',
			e2e: '',
			queue: '',
		};
	}
	const installed = await readJson(place);
	const node = textAt(installed, 'node') ?? '';
	const n8nFolder = textAt(installed, 'folder') ?? '';
	const engine = await runJest(
		node,
		['--selectProjects', 'engine'],
		{ COMPAT_N8N_FOLDER: n8nFolder },
		join(folder, `${version}-engine.json`),
	);
	const e2e = await runJest(
		node,
		['--selectProjects', 'e2e', '--runInBand', '--testPathPatterns', E2E_FILES],
		env,
		join(folder, `${version}-e2e.json`),
	);
	const isWithQueue = COMPATIBILITY.some(({ n8n, queueMode }) => n8n === version && queueMode);
	const queue = isWithQueue
		? await runJest(
				node,
				['--selectProjects', 'queue', '--runInBand'],
				env,
				join(folder, `${version}-queue.json`),
			)
		: '';
	return {
		queue,
		n8n: version,
		core:
			textAt(await readJson(join(n8nFolder, 'node_modules/n8n-core/package.json')), 'version') ??
			'?',
		node: textAt(installed, 'nodeVersion') ?? '?',
		engine,
		e2e,
	};
}

const all = COMPATIBILITY.map(({ n8n }) => n8n);
const given = process.argv.slice(2);
const folder = await mkdtemp(join(tmpdir(), 'compat-'));
try {
	for (const version of given.length > 0 ? given : all) {
		console.log(`=== n8n ${version}`);
		const row = await check(version, folder);
		console.log(
			`=== n8n ${version}: engine ${row.engine}; real n8n ${row.e2e}; queue mode ${row.queue || 'not asked'}`,
		);
		const page = await readFile(PAGE, 'utf8');
		await writeFile(PAGE, replaceTable(page, mergeRows(page, row)));
		if (/failed|did not run|could not/.test(row.engine + row.e2e + row.queue)) process.exitCode = 1;
	}
} finally {
	await rm(folder, { recursive: true, force: true });
}
