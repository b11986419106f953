import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import axios from 'axios';

import { settle } from '../nodes/shared/async/settle';
import { NODE_TYPE, prepareExample } from '../scripts/n8n/examples.mts';
import { listExecutionStatuses } from '../scripts/n8n/n8nExecutions.mts';
import { ensureN8n } from '../scripts/n8n/n8nInstall.mts';
import { findFreePort } from '../scripts/n8n/ports.mts';
import { activateWorkflow, saveWorkflow } from '../scripts/n8n/n8nWorkflows.mts';
import { chain, type NamedNode, splitIntoRows, webhookAt } from '../test/e2e/chainedWorkflow.mts';
import { type FileServer, serveFolder } from '../test/e2e/fileServer.mts';
import { startTestbed, type Testbed } from '../test/e2e/testbed.mts';
import type { EmulatorOptions } from '../test/emulator/emulator.mts';

/** A real n8n whose memory and processor time can be asked for. */

export interface Usage {
	rss: number;
	heapUsed: number;
	external: number;
	cpuMs: number;
}

/** In the first 40 s of a process our node checks nothing that is parked. */
export const UNTIL_CHECKED_MS = 45_000;

export interface MeasuredN8n {
	testbed: Testbed;
	files: FileServer;
	readUsage(): Promise<Usage>;
	/** What is left after the collection of what nobody uses. */
	readRetained(): Promise<Usage>;
	close(): Promise<void>;
}

export async function startMeasuredN8n(
	emulator: EmulatorOptions,
	settings: NodeJS.ProcessEnv = {},
): Promise<MeasuredN8n> {
	const port = await findFreePort();
	const files = await serveFolder(fileURLToPath(new URL('../test/media', import.meta.url)));
	const probe = fileURLToPath(new URL('memoryProbe.cjs', import.meta.url));
	const env = {
		...settings,
		NODE_OPTIONS: `--require ${probe}`,
		MEMORY_PROBE_PORT: String(port),
	};
	const testbed = await startTestbed({ video: 'placeholder', ...emulator }, [], env);
	const read = async (path: string): Promise<Usage> =>
		(await axios.get<Usage>(`http://127.0.0.1:${port}${path}`, { proxy: false })).data;
	return {
		testbed,
		files,
		readUsage: async () => await read('/'),
		readRetained: async () => await read('/collect'),
		async close() {
			await testbed.close();
			await files.close();
		},
	};
}

export const residentOf = (pid: number): number => {
	const [, kilobytes] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
	return Number(kilobytes) * 1024;
};

/** The first column of what SQL finds in n8n's database; `value` takes the place of its ?. */
export async function readDatabase(
	{ testbed }: MeasuredN8n,
	sql: string,
	value: string,
): Promise<unknown[]> {
	// Node.js 20 has no SQLite of its own.
	const { node: runtime } = await ensureN8n({ say: () => {} });
	const database = join(dirname(testbed.n8n.logFile), '.n8n', 'database.sqlite');
	const script = `const { DatabaseSync } = require('node:sqlite');
		const db = new DatabaseSync(${JSON.stringify(database)}, { readOnly: true });
		const rows = db.prepare(${JSON.stringify(sql)}).all(${JSON.stringify(value)});
		console.log(JSON.stringify(rows.map((row) => Object.values(row)[0])));`;
	const options = { maxBuffer: 1024 ** 3 };
	const { stdout } = await promisify(execFile)(runtime, ['-e', script], options);
	return JSON.parse(stdout) as unknown[];
}

/** Webhook → as many rows → the given nodes, switched on. Returns the workflow's ID. */
export async function switchOn(
	testbed: Testbed,
	path: string,
	nodes: NamedNode[],
	rows = 1,
): Promise<string> {
	const prompts = Array.from({ length: rows }, (_, row) => ({ prompt: `${path} ${row}` }));
	const all = [{ name: 'Start', ...webhookAt(path) }, ...splitIntoRows(prompts), ...nodes];
	return await save(testbed, path, all);
}

export async function save(testbed: Testbed, path: string, nodes: NamedNode[]): Promise<string> {
	const workflow = chain(path, nodes);
	const ready = prepareExample({ key: path, workflow }, await testbed.saveCredential(), '');
	const id = await saveWorkflow(testbed.session, ready);
	await activateWorkflow(testbed.session, id);
	return id;
}

export const call = async ({ n8n }: Testbed, path: string): Promise<void> =>
	void (await axios.post(`${n8n.url}/webhook/${path}`, {}, { proxy: false }));

/** The node under test, with public addresses. */
export const talk = (files: FileServer, more: object = {}): NamedNode => ({
	...{ name: 'Talk', type: NODE_TYPE, typeVersion: 1.1 },
	parameters: {
		...{ operation: 'generate', prompt: '={{ $json.prompt }}', waitMode: 'parked' },
		...{ imageSource: 'url', imageUrl: `${files.url}/portrait.png` },
		...{ audioSource: 'url', audioUrl: `${files.url}/speech.mp3` },
		...more,
	},
});

/** Waits until the workflow's own execution, not the child that waits for it, has the status. Returns its ID. */
export async function waitForParent(
	testbed: Testbed,
	workflowId: string,
	status: string,
	timeoutMs = 600_000,
): Promise<string> {
	const deadline = Date.now() + timeoutMs;
	for (;;) {
		// An n8n that is overloaded answers 503.
		const listed = await settle(listExecutionStatuses(testbed.session, workflowId));
		const found = listed.ok ? listed.value : [];
		const parent = found.filter(({ mode }) => mode !== 'integrated').at(0);
		if (parent?.status === status) return parent.id;
		if (parent && ['error', 'crashed'].includes(parent.status)) {
			throw new Error(`The execution ended as ${parent.status}`);
		}
		if (Date.now() > deadline) throw new Error(`The execution is ${parent?.status}`);
		await new Promise((resolve) => setTimeout(resolve, 250));
	}
}
