import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import {
	chain,
	type NamedNode,
	splitIntoRows,
	webhookAt,
} from '../../test/e2e/chainedWorkflow.mts';
import { type FileServer, serveFolder } from '../../test/e2e/fileServer.mts';
import type { Emulator } from '../../test/emulator/emulator.mts';
import { isRecord } from '../../nodes/shared/json';
import { CREDENTIAL_TYPE, NODE_TYPE, prepareExample } from '../n8n/examples.mts';
import { saveCredential } from '../n8n/n8nCredentials.mts';
import { listExecutionStatuses } from '../n8n/n8nExecutions.mts';
import { unwrap, type N8nSession } from '../n8n/n8nRest.mts';
import { activateWorkflow, saveWorkflow } from '../n8n/n8nWorkflows.mts';
import type { JsonRecord } from '../n8n/shape.mts';

/** A running n8n, in one process or in queue mode, and what a run of the node needs around it. */

export const ROOT = join(import.meta.dirname, '../..');
const MEDIA = join(ROOT, 'test', 'media');

/** Tasks with this in their prompt end when the run says so; the others soon. */
const HELD = 'held';
export const taskSeconds = ({ prompt }: { prompt?: string }): number =>
	prompt?.includes(HELD) ? 100_000 : 100;

interface Place {
	/** Anew after each restart. */
	session: () => N8nSession;
	emulator: Emulator;
}

export interface Site extends Place {
	files: FileServer;
	/** What the workflows have handed on at their end, by name: an execution that is not saved can't be read. */
	results: (name: string) => JsonRecord[];
	resultsUrl: string;
	close: () => Promise<void>;
}

export async function openSite(place: Place): Promise<Site> {
	const files = await serveFolder(MEDIA);
	const received: { name: string; json: JsonRecord }[] = [];
	const server = createServer((request, response) => {
		const chunks: Buffer[] = [];
		request.on('data', (chunk: Buffer) => chunks.push(chunk));
		request.on('end', () => {
			const json: unknown = JSON.parse(Buffer.concat(chunks).toString());
			const name = decodeURIComponent((request.url ?? '').slice(1));
			if (isRecord(json)) received.push({ name, json });
			response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
		});
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	return {
		...{ ...place, files },
		results: (name) => received.filter((one) => one.name === name).map(({ json }) => json),
		resultsUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
		async close() {
			server.closeAllConnections();
			await new Promise<void>((resolve) => server.close(() => resolve()));
			await files.close();
		},
	};
}

/** An execution that was started, with what it is called in prompts and results. */
export interface Started {
	name: string;
	workflowId: string;
	id: string;
}

/** The node with the picture and the recording that came to the webhook, which it finds by itself. */
export const talkFromFiles = (parameters: object): NamedNode => ({
	...{ name: 'Talk', type: NODE_TYPE, typeVersion: 1 },
	parameters: { operation: 'generate', prompt: '={{ $json.body.prompt }}', ...parameters },
});

export const talkFromUrls = ({ files }: Site, parameters: object): NamedNode => ({
	...{ name: 'Talk', type: NODE_TYPE, typeVersion: 1 },
	parameters: {
		...{ operation: 'generate', prompt: '={{ $json.prompt ?? $json.body.prompt }}' },
		...{ imageSource: 'url', imageUrl: `${files.url}/portrait.png` },
		...{ audioSource: 'url', audioUrl: `${files.url}/speech.mp3` },
		...parameters,
	},
});

/** Rows with the prompts "<name> 1" … "<name> 3". */
export const threeRows = (name: string): NamedNode[] =>
	splitIntoRows([1, 2, 3].map((row) => ({ prompt: `${name} ${row}` })));

/** Webhook → the nodes → a request that hands each item to this process, switched on. */
export async function switchOn(
	site: Site,
	name: string,
	nodes: NamedNode[],
	settings: object = {},
): Promise<string> {
	const { emulator, resultsUrl, session } = site;
	const handOn = {
		...{ name: 'Hand on', type: 'n8n-nodes-base.httpRequest', typeVersion: 4.2 },
		parameters: {
			...{ method: 'POST', url: `${resultsUrl}/${encodeURIComponent(name)}` },
			...{ sendBody: true, specifyBody: 'json', jsonBody: '={{ JSON.stringify($json) }}' },
			options: {},
		},
	};
	const [first] = nodes;
	const isTrigger = first?.type === `${NODE_TYPE}Trigger`;
	const start = isTrigger ? [] : [{ name: 'Start', ...webhookAt(toPath(name)) }];
	const workflow = chain(name, [...start, ...nodes, handOn], settings);
	const data = { apiKey: emulator.apiKey, baseUrl: emulator.url, accountLevel: 'ultra' };
	const credential = { name: 'WaveSpeed (emulator)', type: CREDENTIAL_TYPE, data };
	const reference = await saveCredential(session(), credential);
	const id = await saveWorkflow(
		session(),
		prepareExample({ key: name, workflow }, reference, MEDIA),
	);
	await activateWorkflow(session(), id);
	return id;
}

const toPath = (name: string): string => name.replaceAll(' ', '-');

/** Sends a picture and a recording to the workflow's webhook. */
export async function start(site: Site, workflowId: string, name: string): Promise<Started> {
	const read = async (file: string, type: string) =>
		new Blob([await readFile(join(MEDIA, file))], { type });
	const form = new FormData();
	form.append('prompt', name);
	form.append('image', await read('portrait.png', 'image/png'), 'portrait.png');
	form.append('audio', await read('speech.mp3', 'audio/mpeg'), 'speech.mp3');
	const { http } = site.session();
	unwrap(await http.post(`/webhook/${toPath(name)}`, form), 'calling the webhook');
	return { name, workflowId, id: await findFirst(site, workflowId) };
}

/** The first execution that the workflow has; those of mode `integrated` wait for it. */
async function findFirst(site: Site, workflowId: string): Promise<string> {
	let id: string | undefined;
	await waitUntil(`an execution of workflow ${workflowId}`, async () => {
		const found = await listExecutionStatuses(site.session(), workflowId);
		id = found.filter(({ mode }) => mode !== 'integrated').at(-1)?.id;
		return id !== undefined;
	});
	return id ?? '';
}

/** As n8n lists it; undefined for an execution that is gone. */
export async function statusOf(site: Site, { id, workflowId }: Started) {
	const found = await listExecutionStatuses(site.session(), workflowId);
	return found.find((one) => one.id === id)?.status;
}

export const tasksOf = ({ emulator }: Site, name: string) =>
	emulator
		.tasks()
		.filter(({ input }) => input.prompt?.startsWith(name))
		.sort((a, b) => String(a.input.prompt).localeCompare(String(b.input.prompt)));

const PATIENCE_MS = 200_000;
const LOOK_MS = 300;

export async function waitUntil(
	what: string,
	condition: () => boolean | Promise<boolean>,
): Promise<void> {
	const deadline = Date.now() + PATIENCE_MS;
	while (!(await condition())) {
		if (Date.now() > deadline) throw new Error(`Waited in vain for ${what}`);
		await sleep(LOOK_MS);
	}
}
