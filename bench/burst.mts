import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import axios from 'axios';

import { NODE_TYPE } from '../scripts/n8n/examples.mts';
import { saveCredential } from '../scripts/n8n/n8nCredentials.mts';
import { getExecution, listExecutionStatuses, outputItems } from '../scripts/n8n/n8nExecutions.mts';
import { valueAt } from '../scripts/n8n/shape.mts';
import { type NamedNode, webhookAt } from '../test/e2e/chainedWorkflow.mts';
import {
	call,
	type MeasuredN8n,
	readDatabase,
	residentOf,
	save,
	startMeasuredN8n,
	switchOn,
	talk,
	UNTIL_CHECKED_MS,
} from './realN8n.mts';
import { median, ratio, type Section } from './report.mts';

/** What a burst of callbacks costs n8n, beside what n8n's own nodes cost it with the same requests. */

/** Of each kind, a hundred in a second. */
const REQUESTS = 1_000;
const PAUSE_MS = 10;

/** With its default settings a busy n8n takes some 8 MB for each of them: a small machine would have no memory left. */
const FEWER_REQUESTS = 300;

/** n8n's memory in one run says little: the machine's other work decides how far it falls behind. */
const ROUNDS = 3;

/** The last rows of a run are called back about: as many in each, so that each task has its callback. */
const ROWS = 20;

const AIM_MB = 200;

interface Cost {
	peakMb: number;
	heldMb: number;
	heapMb: number;
	cpuMs: number;
	/** Until all that the genuine ones bring about is done. */
	seconds: number;
	/** To the genuine, at first, and to the forged: the service sends again what was not answered with 200. */
	answers: string;
	/** Empty: as it has to be. */
	lost: string;
}

const toMb = (bytes: number): number => bytes / 1024 ** 2;

/** A request of somebody whom n8n has to let in, or to refuse. Gives the status of the answer, if it is known here. */
type Send = (index: number) => Promise<number | undefined>;

/** What is asked of a fresh n8n, so that nothing earlier has made room in its memory. */
interface Burst {
	genuine: Send;
	forged: Send;
	/** Waits for what the genuine ones bring about, and says what is missing; empty: nothing. */
	settle(): Promise<string>;
}

const tally = (statuses: number[]): string =>
	[...new Set(statuses)]
		.sort((a, b) => a - b)
		.map((status) => `${statuses.filter((one) => one === status).length} × ${status}`)
		.join(', ');

/** At an even pace, by the clock, whether or not the earlier ones have been answered. */
async function send(requests: number, one: Send): Promise<number[]> {
	const statuses: number[] = [];
	const sent: Promise<void>[] = [];
	const startedAt = performance.now();
	for (let index = 0; index < requests; index += 1) {
		sent.push(
			one(index).then(
				(status) => void (status !== undefined && statuses.push(status)),
				() => void statuses.push(0),
			),
		);
		const next = startedAt + (index + 1) * PAUSE_MS;
		await sleep(Math.max(0, next - performance.now()));
	}
	await Promise.all(sent);
	return statuses;
}

async function measure(n8n: MeasuredN8n, burst: Burst, size: number): Promise<Cost> {
	await sleep(2_000);
	const before = await n8n.readRetained();
	const { pid } = n8n.testbed.n8n;
	let peak = residentOf(pid);
	const watching = setInterval(() => (peak = Math.max(peak, residentOf(pid))), 50);
	const startedAt = performance.now();
	const { genuine, forged } = burst;
	const sent = Promise.all([send(size, genuine), send(size, forged)]);
	const [accepted, refused] = await sent.finally(() => clearInterval(watching));
	const watchingOn = setInterval(() => (peak = Math.max(peak, residentOf(pid))), 50);
	const lost = await burst.settle().finally(() => clearInterval(watchingOn));
	const seconds = (performance.now() - startedAt) / 1000;
	const deliveries = n8n.testbed.emulator.webhookDeliveries();
	const first = deliveries.filter(({ attempt }) => attempt === 1).map(({ status }) => status);
	const answers = `${tally([...accepted, ...first])}; ${tally(refused)}`;
	const after = await n8n.readUsage();
	await sleep(3_000);
	const held = await n8n.readRetained();
	return {
		peakMb: toMb(peak - before.rss),
		heldMb: toMb(held.rss - before.rss),
		heapMb: toMb(held.heapUsed - before.heapUsed),
		cpuMs: after.cpuMs - before.cpuMs,
		...{ seconds, answers, lost },
	};
}

async function post(url: string, headers: Record<string, string> = {}): Promise<number> {
	const body = { id: randomUUID(), status: 'completed', outputs: [] };
	const options = { headers, proxy: false as const, validateStatus: () => true };
	return (await axios.post(url, body, options)).status;
}

/** Looks right until the digest is compared. */
const forge = async (url: string): Promise<number> =>
	await post(url, {
		'webhook-id': randomUUID(),
		'webhook-timestamp': String(Math.floor(Date.now() / 1000)),
		'webhook-signature': `v3,${'0'.repeat(64)}`,
	});

const USER = { user: 'user', password: 'password' };
const authorize = (url: string) => async (): Promise<number> =>
	await post(url, {
		authorization: `Basic ${Buffer.from(`${USER.user}:${USER.password}`).toString('base64')}`,
	});

const withBasicAuth = async (n8n: MeasuredN8n): Promise<object> => ({
	credentials: {
		httpBasicAuth: await saveCredential(n8n.testbed.session, {
			...{ name: 'Basic', type: 'httpBasicAuth', data: USER },
		}),
	},
});

/** Lets a task end, so that the service sends its callback. */
const finish =
	({ testbed }: MeasuredN8n, ids: string[]): Send =>
	async (index) => {
		testbed.emulator.finishTask(ids[index] ?? '');
		return await Promise.resolve(undefined);
	};

/** The service sends again after 5, 30 and 120 s. */
const SETTLED_MS = 300_000;

async function untilSucceeded(n8n: MeasuredN8n, workflow: string, wanted: number): Promise<string> {
	const query = `SELECT count(*) FROM execution_entity WHERE status = 'success' AND workflowId = ? AND mode <> 'integrated'`;
	const deadline = Date.now() + SETTLED_MS;
	for (;;) {
		const [found] = await readDatabase(n8n, query, workflow);
		if (Number(found) === wanted) return '';
		if (Date.now() > deadline || Number(found) > wanted) return `${found} of ${wanted} executions`;
		await sleep(2_000);
	}
}

/** Webhook version 1 needs an engine for expressions, as every node but Webhook from version 1.1 on does. */
async function prepareWebhook(n8n: MeasuredN8n, typeVersion: number): Promise<Burst> {
	const path = randomUUID();
	const start = webhookAt(path);
	const guarded = {
		...{ name: 'Start', ...start, typeVersion, ...(await withBasicAuth(n8n)) },
		parameters: { ...start.parameters, authentication: 'basicAuth' },
	};
	await save(n8n.testbed, path, [guarded]);
	const url = `${n8n.testbed.n8n.url}/webhook/${path}`;
	return {
		genuine: authorize(url),
		forged: async () => await post(url),
		// Who was not let in by an n8n that is overloaded does not come again.
		settle: async () => await Promise.resolve(''),
	};
}

async function prepareTrigger(n8n: MeasuredN8n, size: number): Promise<Burst> {
	const { testbed, files } = n8n;
	const { emulator } = testbed;
	const path = randomUUID();
	const trigger = {
		name: 'End',
		type: `${NODE_TYPE}Trigger`,
		webhookId: path,
		typeVersion: 1.1,
	};
	const workflow = await save(testbed, path, [trigger]);
	const url = `${testbed.n8n.url}/webhook/${path}/webhook`;
	const submitUrl = `${emulator.url}/api/v3/wavespeed-ai/wan-2.2/speech-to-video`;
	for (let index = 0; index < size; index += 1) {
		const input = { image: `${files.url}/portrait.png`, audio: `${files.url}/speech.mp3` };
		await axios.post(submitUrl, input, {
			...{ params: { webhook: url }, proxy: false },
			headers: { authorization: `Bearer ${emulator.apiKey}` },
		});
	}
	const ids = emulator.tasks().map(({ id }) => id);
	return {
		genuine: finish(n8n, ids),
		forged: async () => await forge(url),
		async settle() {
			const missing = await untilSucceeded(n8n, workflow, size);
			const stored = await readDatabase(
				n8n,
				`SELECT data FROM execution_data JOIN execution_entity ON id = executionId WHERE workflowId = ?`,
				workflow,
			);
			const started = ids.filter((id) => stored.some((data) => String(data).includes(id))).length;
			return missing || (started === size ? '' : `${started} of ${size} tasks`);
		},
	};
}

async function prepareParked(n8n: MeasuredN8n, size: number): Promise<Burst> {
	const { testbed, files } = n8n;
	const { emulator, session } = testbed;
	const path = randomUUID();
	const workflow = await switchOn(testbed, path, [talk(files)], ROWS);
	const runs = await startAll(n8n, { workflow, path, runs: size / ROWS });
	const tasks = emulator.tasks();
	const urls = [...new Set(tasks.map(({ webhookUrl }) => webhookUrl ?? ''))];
	await sleep(UNTIL_CHECKED_MS);
	return {
		genuine: finish(
			n8n,
			tasks.map(({ id }) => id),
		),
		forged: async (index) => await forge(urls[index % urls.length] ?? ''),
		async settle() {
			const missing = await untilSucceeded(n8n, workflow, size / ROWS);
			const wanted = Array.from({ length: ROWS }, (_, row) => `${path} ${row}`);
			const right: number[] = [];
			for (const id of runs) {
				const items = outputItems(await getExecution(session, id), 'Talk');
				const good = items.filter(
					({ json }, row) =>
						valueAt(json, 'prompt') === wanted[row] &&
						typeof valueAt(json, 'videoUrl') === 'string',
				);
				right.push(good.length);
			}
			const all = right.reduce((sum, one) => sum + one, 0);
			return missing || (all === size ? '' : `${all} of ${size} videos`);
		},
	};
}

/** As many executions as are parked in the other scene. */
async function prepareWait(n8n: MeasuredN8n, size: number): Promise<Burst> {
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
	const workflow = await switchOn(testbed, path, nodes, ROWS);
	const urls: string[] = [];
	for (const id of await startAll(n8n, { workflow, path, runs: size / ROWS })) {
		const execution = await getExecution(testbed.session, id);
		urls.push(String(valueAt(outputItems(execution, 'Address')[0]?.json, 'url')));
	}
	const refused: Send = async (index) => await post(urls[index % urls.length] ?? '');
	return { genuine: refused, forged: refused, settle: async () => await Promise.resolve('') };
}

/** Starts the workflow as often as runs are to wait. Gives their IDs. */
async function startAll(
	{ testbed }: MeasuredN8n,
	{ workflow, path, runs }: { workflow: string; path: string; runs: number },
): Promise<string[]> {
	for (let run = 0; run < runs; run += 1) await call(testbed, path);
	for (;;) {
		const found = await listExecutionStatuses(testbed.session, workflow, 2 * runs + 1);
		const parents = found.filter(({ mode }) => mode !== 'integrated');
		if (parents.filter(({ status }) => status === 'waiting').length === runs) {
			return parents.map(({ id }) => id);
		}
		await sleep(500);
	}
}

interface Scene {
	name: string;
	/** What n8n itself takes for requests of the same kind; ours is measured against it. */
	beside?: string;
	/** n8n's settings. */
	env?: NodeJS.ProcessEnv;
	/** Genuine requests, and as many that are forged. */
	size: number;
	prepare(n8n: MeasuredN8n, size: number): Promise<Burst>;
}

/** n8n makes an engine for expressions only when there is one to evaluate; off by default. */
const LAZY = { N8N_EXPRESSION_ENGINE_LAZY_ACQUIRE: 'true' };

/** Each with n8n's default settings, and with the engine for expressions made only when it is needed. */
const both = (key: string, scene: Omit<Scene, 'size' | 'env'>): Record<string, Scene> => ({
	[key]: { ...scene, size: FEWER_REQUESTS },
	[`${key}Lazy`]: {
		...scene,
		...{ name: `${scene.name}, *`, env: LAZY, size: REQUESTS },
		...(scene.beside !== undefined && { beside: `${scene.beside}Lazy` }),
	},
});

const SCENES: Record<string, Scene> = {
	...both('webhook', {
		name: "n8n's *Webhook* (version 1) with Basic Auth",
		prepare: async (n8n) => await prepareWebhook(n8n, 1),
	}),
	...both('trigger', { name: 'our trigger', beside: 'webhook', prepare: prepareTrigger }),
	...both('wait', { name: "n8n's *Wait* with Basic Auth, all refused", prepare: prepareWait }),
	...both('parked', { name: 'parked runs', beside: 'wait', prepare: prepareParked }),
};

async function measureOnce({ env, size, prepare }: Scene): Promise<Cost> {
	const options = { taskSeconds: 1_000_000, balance: 100_000, speed: 1 };
	const n8n = await startMeasuredN8n(options, env);
	try {
		return await measure(n8n, await prepare(n8n, size), size);
	} finally {
		await n8n.close();
	}
}

export async function measureBurst(): Promise<Section> {
	const only = process.env.BURST?.split(',');
	const rounds = Number(process.env.BURST_ROUNDS ?? ROUNDS);
	const measured = new Map<string, Cost[]>();
	// In turn, so that the machine's other work falls on all of them alike.
	for (let round = 0; round < rounds; round += 1) {
		for (const [key, scene] of Object.entries(SCENES)) {
			if (only && !only.includes(key)) continue;
			const cost = await measureOnce(scene);
			console.error(scene.name, JSON.stringify(cost));
			measured.set(key, [...(measured.get(key) ?? []), cost]);
		}
	}
	return toSection(measured, rounds);
}

function toSection(measured: Map<string, Cost[]>, rounds: number): Section {
	const peakOf = (key: string): number =>
		median((measured.get(key) ?? []).map(({ peakMb }) => peakMb));
	const section: Section = {
		title: 'A burst of callbacks, in a real n8n',
		method:
			`Genuine and forged requests together, a hundred of each in a second, whether or not earlier ones have been answered, to an n8n that was started for it; ${rounds} times. Parked: ${ROWS} rows in each run, and each is called back about. ` +
			"Growth of n8n's resident memory at its peak: the median, and each run; the ratio to n8n's own node, where that was measured beside it; what is left of it 3 s after the last is done, and in the heap after a collection. Answers: to the genuine ones when they came first, and to the forged ones, in the last run; 0 is none within 30 s. The service sends again what was not answered with 200. " +
			'*: with `N8N_EXPRESSION_ENGINE_LAZY_ACQUIRE=true`, which is off by default.',
		columns: [
			...['', 'of each kind', 'peak', 'each run', "to n8n's own", 'left', 'left in the heap'],
			...['CPU per request', 'done after', 'answers: genuine; forged', 'lost'],
		],
		rows: [],
		bound:
			'n8n: with its default settings it makes an engine for expressions of some 8 MB for each request before any code of a node runs, and holds it until the request is answered. What comes faster than the processor makes engines piles up, so the peak says how busy the machine was. ' +
			'With the setting * an engine is made only for an expression: our nodes have none on the way of a request. What is left then is what n8n reads for each request, the workflow or the execution, and garbage: V8 collects it late on a machine with much memory, and the heap afterwards is as before.',
		checks: [],
	};
	const mb = (value: number): string => `${value.toFixed(0)} MB`;
	for (const [key, costs] of measured) {
		const { name, beside, size, env } = SCENES[key] as Scene;
		const middle = (read: (cost: Cost) => number): number => median(costs.map(read));
		const lost = costs.map((cost) => cost.lost).filter((text) => text !== '');
		section.rows.push([
			...[name, size.toLocaleString('en'), mb(peakOf(key))],
			costs.map(({ peakMb }) => peakMb.toFixed(0)).join(', '),
			beside === undefined || !measured.has(beside) ? '' : ratio(peakOf(key) / peakOf(beside)),
			...[mb(middle(({ heldMb }) => heldMb)), mb(middle(({ heapMb }) => heapMb))],
			`${(middle(({ cpuMs }) => cpuMs) / (2 * size)).toFixed(0)} ms`,
			`${middle(({ seconds }) => seconds).toFixed(0)} s`,
			...[costs.at(-1)?.answers ?? '', lost.join('; ') || 'nothing'],
		]);
		if (beside === undefined) continue;
		const what = `${name}: nothing lost`;
		section.checks.push({ what, isMet: lost.length === 0 });
		if (env === undefined) continue;
		const most = `${name}: peak at most ${AIM_MB} MB`;
		section.checks.push({ what: most, isMet: peakOf(key) <= AIM_MB });
	}
	return section;
}
