import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';

import axios from 'axios';

import { NODE_TYPE, prepareExample } from '../scripts/n8n/examples.mts';
import { listExecutions, waitForExecution } from '../scripts/n8n/n8nExecutions.mts';
import { unwrap } from '../scripts/n8n/n8nRest.mts';
import { activateWorkflow, saveWorkflow } from '../scripts/n8n/n8nWorkflows.mts';
import { textAt } from '../scripts/n8n/shape.mts';
import {
	chain,
	type Links,
	type NamedNode,
	splitIntoRows,
	webhookAt,
} from '../test/e2e/chainedWorkflow.mts';
import { type FileServer, serveFolder } from '../test/e2e/fileServer.mts';
import { startTestbed, type Testbed } from '../test/e2e/testbed.mts';
import { shortestSchedule, taskSeconds } from './durations.mts';
import { average, ratio, type Section } from './report.mts';

/** The node beside the workflow that people build without it, both in the same real n8n against the same service. */

const ROWS = 20;

/** About how long a task takes, in each of three runs: one alone would show how the end happens to fall between two checks. */
const TYPICAL_SECONDS = [20, 22, 25];

const RUN_TIMEOUT_MS = 300_000;

interface Contender {
	name: string;
	nodes: NamedNode[];
	/** Where the way doesn't lead to the next node. */
	links: Links;
}

const PREDICTIONS = '/api/v3/predictions';

function makeLoop(testbed: Testbed, media: string): Contender {
	const { url, apiKey } = testbed.emulator;
	const http = (name: string, parameters: object): NamedNode => ({
		...{ name, type: 'n8n-nodes-base.httpRequest', typeVersion: 4.2 },
		parameters: {
			sendHeaders: true,
			headerParameters: { parameters: [{ name: 'Authorization', value: `Bearer ${apiKey}` }] },
			options: {},
			...parameters,
		},
	});
	const body = `={{ { image: '${media}/portrait.png', audio: '${media}/speech.mp3', prompt: $json.prompt } }}`;
	const nodes = [
		http('Submit', {
			method: 'POST',
			url: `${url}/api/v3/wavespeed-ai/wan-2.2/speech-to-video`,
			...{ sendBody: true, specifyBody: 'json', jsonBody: body },
		}),
		{
			...{ name: 'Pause', type: 'n8n-nodes-base.wait', typeVersion: 1.1 },
			parameters: { amount: 5, unit: 'seconds' },
		},
		http('Look', { url: `=${url}${PREDICTIONS}/{{ $json.data.id }}/result` }),
		{
			...{ name: 'Done?', type: 'n8n-nodes-base.if', typeVersion: 2.2 },
			parameters: {
				conditions: {
					options: { caseSensitive: true, typeValidation: 'strict', version: 2 },
					combinator: 'and',
					conditions: [
						{
							...{ id: 'done', leftValue: '={{ $json.data.status }}', rightValue: 'completed' },
							operator: { type: 'string', operation: 'equals' },
						},
					],
				},
				options: {},
			},
		},
	];
	const links = { 'Done?': [[], ['Pause']] };
	return { name: 'HTTP Request → Wait 5 s → HTTP Request → If', nodes, links };
}

function makeOwn(media: string, waitMode: 'polling' | 'parked'): Contender {
	const parameters = {
		...{ operation: 'generate', prompt: '={{ $json.prompt }}', waitMode },
		...{ imageSource: 'url', imageUrl: `${media}/portrait.png` },
		...{ audioSource: 'url', audioUrl: `${media}/speech.mp3` },
	};
	const nodes = [{ name: 'Talk', type: NODE_TYPE, typeVersion: 1, parameters }];
	return { name: `this node, ${waitMode}`, nodes, links: {} };
}

async function switchOn(testbed: Testbed, { nodes, links }: Contender): Promise<[string, string]> {
	const path = randomUUID();
	const rows = Array.from({ length: ROWS }, (_, row) => ({ prompt: `row ${row}` }));
	const all = [{ name: 'Start', ...webhookAt(path) }, ...splitIntoRows(rows), ...nodes];
	const workflow = chain(path, all, {}, links);
	const ready = prepareExample({ key: path, workflow }, await testbed.saveCredential(), '');
	const id = await saveWorkflow(testbed.session, ready);
	await activateWorkflow(testbed.session, id);
	return [id, path];
}

interface Outcome {
	/** The execution's time, divided by that of its slowest task. */
	ratioToSlowest: number;
	/** Looks at a task that found it running, per task. */
	waitingChecks: number;
	/** From the end of the last task to the end of the execution. */
	lagSeconds: number;
}

async function run(
	testbed: Testbed,
	contender: Contender,
	typicalSeconds: number,
): Promise<Outcome> {
	const { emulator, session, n8n } = testbed;
	const [tasksBefore, requestsBefore] = [emulator.paidTasks(), emulator.requests().length];
	const [workflowId, path] = await switchOn(testbed, contender);
	const startedAt = Date.now();
	await axios.post(`${n8n.url}/webhook/${path}`, {}, { proxy: false });
	let id: string | undefined;
	while (!id) [id] = await listExecutions(session, workflowId);
	const { status } = await waitForExecution(session, id, { timeoutMs: RUN_TIMEOUT_MS });
	const tasks = emulator.tasks().slice(tasksBefore);
	if (status !== 'success' || tasks.length !== ROWS)
		throw new Error(`${contender.name}: ${status}`);
	const ended = unwrap(await session.http.get(`/rest/executions/${id}`), 'reading the execution');
	const stoppedAt = Date.parse(textAt(ended, 'stoppedAt') ?? '');

	const looks = emulator
		.requests()
		.slice(requestsBefore)
		.filter(({ step }) => step === 'result');
	const looksAt = (task: { id: string }) => looks.filter((look) => look.path.includes(task.id));
	const waiting = tasks.flatMap((task) =>
		looksAt(task).filter(({ at }) => at < (task.endedAt ?? 0)),
	);
	return {
		ratioToSlowest: (stoppedAt - startedAt) / 1000 / shortestSchedule(ROWS, ROWS, typicalSeconds),
		waitingChecks: waiting.length / ROWS,
		lagSeconds: (stoppedAt - Math.max(...tasks.map(({ endedAt }) => endedAt ?? 0))) / 1000,
	};
}

export async function measureLoop(): Promise<Section> {
	const section: Section = {
		title: 'Against the loop that people build, in a real n8n',
		method:
			`${ROWS} rows with public addresses, tasks of ${TYPICAL_SECONDS.join(', ')} s ± 20 % in three runs, enough places at the account, one n8n with SQLite, real time. ` +
			"Time: the whole execution against the slowest task. Checks: looks at a task that found it still running; a callback's own reading of the result is none. " +
			'Lag: from the end of the last task to the end of the execution.',
		columns: [
			'',
			'nodes',
			'time / slowest task',
			'checks per task',
			'lag, average',
			'lag, longest',
		],
		rows: [],
		bound:
			"for polling the gaps between the checks; for parked runs n8n's timer, which looks once a minute, or the service's callback, which wakes the child within seconds (the emulator can call this n8n). " +
			'The loop checks at a fixed interval and keeps up as long as nothing fails; [what it does when something fails](../docs/migration.md) is the difference.',
		checks: [],
	};
	let typical = 0;
	let testbed: Testbed | undefined;
	let files: FileServer | undefined;
	try {
		files = await serveFolder(fileURLToPath(new URL('../test/media', import.meta.url)));
		testbed = await startTestbed({
			...{ video: 'placeholder', speed: 1, taskSeconds: (input) => taskSeconds(typical)(input) },
		});
		for (const contender of [
			makeLoop(testbed, files.url),
			makeOwn(files.url, 'polling'),
			makeOwn(files.url, 'parked'),
		]) {
			const outcomes: Outcome[] = [];
			for (typical of TYPICAL_SECONDS) outcomes.push(await run(testbed, contender, typical));
			section.rows.push([
				...[contender.name, contender.nodes.length],
				ratio(average(outcomes.map(({ ratioToSlowest }) => ratioToSlowest))),
				average(outcomes.map(({ waitingChecks }) => waitingChecks)).toFixed(1),
				`${average(outcomes.map(({ lagSeconds }) => lagSeconds)).toFixed(2)} s`,
				`${Math.max(...outcomes.map(({ lagSeconds }) => lagSeconds)).toFixed(2)} s`,
			]);
		}
	} finally {
		await testbed?.close();
		await files?.close();
	}
	return section;
}
