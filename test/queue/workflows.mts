import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { CREDENTIAL_TYPE, NODE_TYPE, prepareExample } from '../../scripts/n8n/examples.mts';
import { listExecutionStatuses } from '../../scripts/n8n/n8nExecutions.mts';
import { saveCredential } from '../../scripts/n8n/n8nCredentials.mts';
import { unwrap } from '../../scripts/n8n/n8nRest.mts';
import { activateWorkflow, saveWorkflow } from '../../scripts/n8n/n8nWorkflows.mts';
import { chain, type NamedNode, splitIntoRows, webhookAt } from '../e2e/chainedWorkflow.mts';
import { MEDIA } from '../e2e/testbed.mts';
import type { QueueTestbed } from './queueTestbed.mts';

export const IMAGE_FILE = join(MEDIA, 'portrait2.png');
export const AUDIO_FILE = join(MEDIA, 'speech2.mp3');

/** A workflow that is switched on: whoever sends a picture and a recording to its webhook starts an execution. */
export interface LiveWorkflow {
	id: string;
	path: string;
}

/** The node under test, asking for what has come to the webhook. */
export const talk = (parameters: object, name = 'Talk'): NamedNode => ({
	...{ name, type: NODE_TYPE, typeVersion: 1 },
	parameters: {
		imageBinaryPropertyName: '={{ $("Start").item.binary.image }}',
		audioBinaryPropertyName: '={{ $("Start").item.binary.audio }}',
		prompt: '={{ $json.prompt ?? $json.body.prompt }}',
		...parameters,
	},
});

/** As many items as named, each with a prompt of its own. */
export const rows = (count: number): NamedNode[] =>
	splitIntoRows(
		`={{ { rows: Array.from({ length: ${count} }, (_, row) => ({ prompt: $json.body.prompt + ' ' + row })) } }}`,
	);

/** Webhook → the given nodes, switched on. */
export async function switchOn(
	testbed: QueueTestbed,
	path: string,
	nodes: NamedNode[],
	settings: object = {},
): Promise<LiveWorkflow> {
	const { emulator, session } = testbed;
	const start = { name: 'Start', ...webhookAt(path) };
	const workflow = chain(path, [start, ...nodes], settings);
	const data = { apiKey: emulator.apiKey, baseUrl: emulator.url, accountLevel: 'ultra' };
	const credential = { name: 'WaveSpeed (emulator)', type: CREDENTIAL_TYPE, data };
	const reference = await saveCredential(session, credential);
	const prepared = prepareExample({ key: path, workflow }, reference, MEDIA);
	const id = await saveWorkflow(session, prepared);
	await activateWorkflow(session, id);
	return { id, path };
}

/** Sends the sample picture and recording to the workflow, once for each prompt. */
export async function send(
	{ session }: QueueTestbed,
	{ path }: LiveWorkflow,
	prompts: string[],
): Promise<void> {
	const image = new Blob([await readFile(IMAGE_FILE)], { type: 'image/png' });
	const audio = new Blob([await readFile(AUDIO_FILE)], { type: 'audio/mpeg' });
	await Promise.all(
		prompts.map(async (prompt) => {
			const form = new FormData();
			form.append('prompt', prompt);
			form.append('image', image, 'portrait.png');
			form.append('audio', audio, 'speech.mp3');
			unwrap(await session.http.post(`/webhook/${path}`, form), 'calling the webhook');
		}),
	);
}

/** Waits until `count` executions of the workflow have reached one of the statuses, and gives their ids. */
export async function waitForStatus(
	{ session }: QueueTestbed,
	{ id, path }: LiveWorkflow,
	statuses: string[],
	count: number,
	timeoutMs = 120_000,
): Promise<string[]> {
	const deadline = Date.now() + timeoutMs;
	for (;;) {
		const found = await listExecutionStatuses(session, id, 200);
		const all = found.filter(({ mode }) => mode !== 'integrated');
		const reached = all.filter(({ status }) => statuses.includes(status));
		if (reached.length >= count) return reached.map((one) => one.id).reverse();
		if (Date.now() > deadline) {
			// With the children of parked executions, which show where a wait has got stuck.
			const seen = found.map((one) => `${one.id} ${one.mode} ${one.status}`).join(', ');
			throw new Error(`"${path}": ${count} executions ${statuses.join(' or ')}? Found: ${seen}`);
		}
		await sleep(500);
	}
}
