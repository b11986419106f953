import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import { NODE_TYPE } from '../scripts/n8n/examples.mts';
import { getExecution, outputItems } from '../scripts/n8n/n8nExecutions.mts';
import { saveCredential } from '../scripts/n8n/n8nCredentials.mts';
import { valueAt } from '../scripts/n8n/shape.mts';
import type { NamedNode } from '../test/e2e/chainedWorkflow.mts';
import { webhookAt } from '../test/e2e/chainedWorkflow.mts';
import {
	call,
	type MeasuredN8n,
	save,
	startMeasuredN8n,
	switchOn,
	talk,
	waitForParent,
} from './realN8n.mts';
import type { Section } from './report.mts';

/** What a burst of callbacks costs n8n, beside what n8n's own nodes cost it with the same requests. */

const REQUESTS = 1_000;
const WITHIN_MS = 10_000;
const FEW_ROWS = 3;

interface Cost {
	beforeMb: number;
	peakMb: number;
	heldMb: number;
	heapMb: number;
	cpuMs: number;
	statuses: string;
}

const toMb = (bytes: number): number => bytes / 1024 ** 2;

const residentOf = (pid: number): number => {
	const [, kilobytes] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
	return Number(kilobytes) * 1024;
};

/** Requests at an even pace, whether or not the earlier ones have been answered. */
async function burst(
	count: number,
	send: (index: number) => Promise<number>,
): Promise<Map<number, number>> {
	const statuses = new Map<number, number>();
	const sent: Promise<void>[] = [];
	for (let index = 0; index < count; index += 1) {
		sent.push(
			send(index).then(
				(status) => void statuses.set(status, (statuses.get(status) ?? 0) + 1),
				() => void statuses.set(0, (statuses.get(0) ?? 0) + 1),
			),
		);
		await sleep(WITHIN_MS / count);
	}
	await Promise.all(sent);
	return statuses;
}

async function measure(n8n: MeasuredN8n, work: () => Promise<string>): Promise<Cost> {
	await sleep(2_000);
	const before = await n8n.readRetained();
	const { pid } = n8n.testbed.n8n;
	let peak = residentOf(pid);
	const watching = setInterval(() => (peak = Math.max(peak, residentOf(pid))), 50);
	const statuses = await work().finally(() => clearInterval(watching));
	const after = await n8n.readUsage();
	await sleep(3_000);
	const held = await n8n.readRetained();
	return {
		beforeMb: toMb(before.rss),
		peakMb: toMb(peak - before.rss),
		heldMb: toMb(held.rss - before.rss),
		heapMb: toMb(held.heapUsed - before.heapUsed),
		cpuMs: after.cpuMs - before.cpuMs,
		statuses,
	};
}

const describe = (statuses: Map<number, number>): string =>
	[...statuses].map(([status, count]) => `${count} × ${status}`).join(', ');

async function post(url: string, headers: Record<string, string> = {}): Promise<number> {
	const body = JSON.stringify({ id: randomUUID(), status: 'completed', outputs: [] });
	const answer = await fetch(url, {
		method: 'POST',
		body,
		headers: { 'content-type': 'application/json', ...headers },
	});
	await answer.arrayBuffer();
	return answer.status;
}

const forge = async (url: string): Promise<number> =>
	await post(url, {
		'webhook-id': randomUUID(),
		'webhook-timestamp': String(Math.floor(Date.now() / 1000)),
		'webhook-signature': `v3,${'0'.repeat(64)}`,
	});

const withBasicAuth = async (n8n: MeasuredN8n): Promise<object> => ({
	credentials: {
		httpBasicAuth: await saveCredential(n8n.testbed.session, {
			...{ name: 'Basic', type: 'httpBasicAuth' },
			data: { user: 'user', password: 'password' },
		}),
	},
});

async function waitUrlOf(n8n: MeasuredN8n, rows: number): Promise<string> {
	const { testbed } = n8n;
	const path = randomUUID();
	const nodes: NamedNode[] = [
		{
			...{ name: 'Address', type: 'n8n-nodes-base.set', typeVersion: 3.4 },
			parameters: { mode: 'raw', jsonOutput: '={{ { url: $execution.resumeUrl } }}', options: {} },
		},
		{
			...{ name: 'Wait', type: 'n8n-nodes-base.wait', typeVersion: 1.1, webhookId: path },
			...(await withBasicAuth(n8n)),
			parameters: { resume: 'webhook', httpMethod: 'POST', incomingAuthentication: 'basicAuth' },
		},
	];
	const id = await switchOn(testbed, path, nodes, rows);
	await call(testbed, path);
	const execution = await getExecution(
		testbed.session,
		await waitForParent(testbed, id, 'waiting'),
	);
	return String(valueAt(outputItems(execution, 'Address')[0]?.json, 'url'));
}

/** What is asked of a fresh n8n, so that nothing earlier has made room in its memory. */
interface Scene {
	name: string;
	/** n8n's settings. */
	env?: NodeJS.ProcessEnv;
	prepare(n8n: MeasuredN8n): Promise<() => Promise<string>>;
}

const forgeAll = (url: string) => async (): Promise<string> =>
	describe(await burst(REQUESTS, async () => await forge(url)));

async function parkRows(n8n: MeasuredN8n, rows: number) {
	const { testbed, files } = n8n;
	const path = randomUUID();
	const id = await switchOn(testbed, path, [talk(files)], rows);
	await call(testbed, path);
	await waitForParent(testbed, id, 'waiting');
	const tasks = testbed.emulator.tasks();
	const url =
		[...tasks].reverse().find(({ webhookUrl }) => webhookUrl !== undefined)?.webhookUrl ?? '';
	return { id, url, tasks };
}

/** n8n makes an engine for expressions only when there is one to evaluate; off by default. */
const LAZY = { N8N_EXPRESSION_ENGINE_LAZY_ACQUIRE: 'true' };

async function prepareTrigger({ testbed }: MeasuredN8n): Promise<() => Promise<string>> {
	const path = randomUUID();
	const trigger = { name: 'End', type: `${NODE_TYPE}Trigger`, webhookId: path };
	await save(testbed, path, [trigger]);
	return forgeAll(`${testbed.n8n.url}/webhook/${path}/webhook`);
}

const SCENES: Record<string, Scene> = {
	webhook: {
		name: "n8n's Webhook node (version 1) with Basic Auth, all refused",
		async prepare(n8n) {
			const path = randomUUID();
			const start = webhookAt(path);
			const guarded = {
				...{ name: 'Start', ...start, typeVersion: 1, ...(await withBasicAuth(n8n)) },
				parameters: { ...start.parameters, authentication: 'basicAuth' },
			};
			await save(n8n.testbed, path, [guarded]);
			return forgeAll(`${n8n.testbed.n8n.url}/webhook/${path}`);
		},
	},
	trigger: { name: 'our trigger, all forged', prepare: prepareTrigger },
	triggerLazy: { name: 'our trigger, all forged, *', env: LAZY, prepare: prepareTrigger },
	wait: {
		name: `n8n's Wait node with Basic Auth, ${FEW_ROWS} rows, all refused`,
		prepare: async (n8n) => forgeAll(await waitUrlOf(n8n, FEW_ROWS)),
	},
	parked: {
		name: `parked, ${FEW_ROWS} rows, all forged`,
		prepare: async (n8n) => forgeAll((await parkRows(n8n, FEW_ROWS)).url),
	},
	parkedLazy: {
		name: `parked, ${FEW_ROWS} rows, all forged, *`,
		env: LAZY,
		prepare: async (n8n) => forgeAll((await parkRows(n8n, FEW_ROWS)).url),
	},
	both: {
		name: 'parked, 1,000 rows, all end, and as many forged',
		async prepare(n8n) {
			const { emulator, session } = n8n.testbed;
			const { id, url, tasks } = await parkRows(n8n, REQUESTS);
			return async () => {
				const answers = await burst(REQUESTS, async (index) => {
					emulator.finishTask(tasks[index]?.id ?? '');
					return await forge(url);
				});
				const ended = await waitForParent(n8n.testbed, id, 'success');
				const items = outputItems(await getExecution(session, ended), 'Talk');
				const videos = items.filter(({ json }) => valueAt(json, 'videoUrl')).length;
				return `${describe(answers)}; ${videos} videos`;
			};
		},
	},
};

async function measureScene({ name, env, prepare }: Scene): Promise<string[]> {
	const n8n = await startMeasuredN8n({ taskSeconds: 1_000_000, balance: 100_000 }, env);
	try {
		const cost = await measure(n8n, await prepare(n8n));
		return [
			...[name, cost.statuses, `${(cost.cpuMs / REQUESTS).toFixed(0)} ms`],
			...[cost.beforeMb, cost.peakMb, cost.heldMb, cost.heapMb].map((mb) => `${mb.toFixed(0)} MB`),
		];
	} finally {
		await n8n.close();
	}
}

export async function measureBurst(): Promise<Section> {
	const only = process.env.BURST?.split(',');
	const section: Section = {
		title: 'A burst of callbacks, in a real n8n',
		method:
			`${REQUESTS.toLocaleString('en')} requests within ${WITHIN_MS / 1000} s, whether or not earlier ones have been answered, to an n8n that was started for it. ` +
			'Growth of its resident memory: at the peak, and what is left after a collection; of its heap only what is left. "503": most are n8n\'s own answer while it is overloaded. ' +
			'*: with `N8N_EXPRESSION_ENGINE_LAZY_ACQUIRE=true`, which is off by default.',
		columns: ['', 'answers', 'CPU per request', 'before', 'peak', 'left', 'left in the heap'],
		rows: [],
		bound:
			'n8n itself: for each request it reads the workflow or the execution from its database and makes an engine for expressions of some 10 MB, before any code of a node runs, and holds both until the request is answered. ' +
			'Nothing of it stays in the heap; the memory that the engines have had is given back to the system late.',
		checks: [],
	};
	for (const [key, scene] of Object.entries(SCENES)) {
		if (only && !only.includes(key)) continue;
		section.rows.push(await measureScene(scene));
		console.error(section.rows.at(-1)?.join(' | '));
	}
	return section;
}
