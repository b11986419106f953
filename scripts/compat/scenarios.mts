import { setTimeout as sleep } from 'node:timers/promises';

import { NODE_TYPE } from '../n8n/examples.mts';
import {
	describeFailure,
	getExecution,
	outputItems,
	type Execution,
} from '../n8n/n8nExecutions.mts';
import { listAt, textAt, type JsonRecord } from '../n8n/shape.mts';
import {
	type Site,
	type Started,
	start,
	statusOf,
	switchOn,
	talkFromFiles,
	talkFromUrls,
	tasksOf,
	threeRows,
	waitUntil,
} from './site.mts';

/** What a user does with the node, each told in a few words; what is wrong is an error. */

const parkable = { waitMode: 'parked', options: { timeoutMinutes: 30 } };
const SAVED = { saveDataSuccessExecution: 'all' };

function check(condition: boolean, problem: string): void {
	if (!condition) throw new Error(problem);
}

const isGone = (status: string | undefined): boolean => status === undefined;
const hasEnded = (status: string | undefined): boolean =>
	status !== undefined && !['new', 'running', 'waiting', 'unknown'].includes(status);

const hintsOf = (execution: Execution): string =>
	JSON.stringify(listAt(execution.data, 'resultData', 'runData', 'Talk', 0, 'hints'));

/** A picture and a recording become a video, which is downloaded; the node waits while the execution runs. */
export async function generate(site: Site): Promise<string> {
	const name = 'generated';
	const node = talkFromFiles({ options: { downloadVideo: true } });
	const started = await start(site, await switchOn(site, name, [node], SAVED), name);
	await waitUntil('the video', async () => hasEnded(await statusOf(site, started)));
	const execution = await getExecution(site.session(), started.id);
	check(execution.status === 'success', describeFailure(execution));
	const [item] = outputItems(execution, 'Talk');
	const [task] = tasksOf(site, name);
	check(textAt(item, 'json', 'videoUrl') === task?.outputs[0], 'the URL is not that of the video');
	check(textAt(item, 'binary', 'data', 'mimeType') === 'video/mp4', 'no file was attached');
	return 'yes';
}

/** A callback of the service starts a workflow, with the task that it is about. */
export async function trigger(site: Site): Promise<string> {
	const name = 'called back';
	const webhookId = 'compat-trigger';
	const node = { name: 'Trigger', type: `${NODE_TYPE}Trigger`, webhookId, parameters: {} };
	await switchOn(site, `${name} trigger`, [node]);
	const webhookUrl = `${site.session().url}/webhook/${webhookId}/webhook`;
	const submit = talkFromUrls(site, {
		...{ resource: 'task', operation: 'submit', options: { webhookUrl } },
	});
	await start(site, await switchOn(site, name, [submit], SAVED), name);
	await waitUntil('the trigger', () => site.results(`${name} trigger`).length > 0);
	const [item] = site.results(`${name} trigger`);
	const [task] = tasksOf(site, name);
	check(textAt(item, 'videoUrl') === task?.outputs[0], 'the trigger has another video');
	return 'yes';
}

/** Executions that are to wait parked, and whether they do: read while their tasks are open. */
export interface Waiting {
	started: Started;
	/** Undefined: n8n has no such execution any more. */
	status: string | undefined;
}

export async function startToPark(
	site: Site,
	name: string,
	settings: object = SAVED,
): Promise<Waiting> {
	const nodes = [...threeRows(name), talkFromUrls(site, parkable)];
	const started = await start(site, await switchOn(site, name, nodes, settings), name);
	await waitUntil('three tasks', () => tasksOf(site, name).length === 3);
	let status: string | undefined;
	// A node that polls checks each task again and again; one that is parked has checked each of them once at most by now.
	await waitUntil('the node to wait', async () => {
		status = await statusOf(site, started);
		return status === 'waiting' || isGone(status) || countChecks(site, name) >= 6;
	});
	// Main deletes what it takes for ended a moment after the worker has stored it as waiting.
	await sleep(SETTLE_MS);
	return { started, status: await statusOf(site, started) };
}

const SETTLE_MS = 2_000;

function countChecks(site: Site, name: string): number {
	const ids = tasksOf(site, name).map(({ id }) => id);
	const checks = site.emulator.requests().filter(({ step }) => step === 'result');
	return checks.filter(({ path }) => ids.some((id) => path.includes(id))).length;
}

/** How an execution waits: parked, or while it runs. */
export const describeWait = ({ status }: Waiting): string =>
	isGone(status) ? 'LOST while it waited' : status === 'waiting' ? 'parked' : 'waits while it runs';

export function finishTasks(site: Site, name: string): void {
	for (const { id, status } of tasksOf(site, name)) {
		if (status !== 'completed' && status !== 'failed') site.emulator.finishTask(id);
	}
}

export function failSecond(site: Site, name: string): void {
	const [, second] = tasksOf(site, name);
	if (second) site.emulator.failTask(second.id, { code: 1200, error: 'flagged as sensitive' });
}

/** All three videos have to arrive behind the node, in the order of the rows, and nothing may be paid twice. */
export async function expectVideos(site: Site, waiting: Waiting): Promise<string> {
	const { name } = waiting.started;
	await waitUntil(`three items of "${name}"`, () => site.results(name).length === 3);
	const made = tasksOf(site, name);
	check(made.length === 3, `${made.length} tasks were paid for`);
	const urls = site.results(name).map((json) => textAt(json, 'videoUrl'));
	check(urls.join() === made.map(({ outputs }) => outputs[0]).join(), `not the videos: ${urls}`);
	return `${describeWait(waiting)}, all videos`;
}

/** What the node said above its output, of an execution that is saved. */
export async function readHints(site: Site, { started }: Waiting): Promise<string> {
	await waitUntil('the end', async () => hasEnded(await statusOf(site, started)));
	return hintsOf(await getExecution(site.session(), started.id));
}

/** A failed row in stop mode: the execution fails and names all tasks, or its item says why; nothing is lost. */
export async function expectFailure(site: Site, waiting: Waiting): Promise<string> {
	const { started } = waiting;
	await waitUntil('the end', async () => hasEnded(await statusOf(site, started)));
	const execution = await getExecution(site.session(), started.id);
	const tasks = tasksOf(site, started.name);
	check(tasks.length === 3, `${tasks.length} tasks were paid for`);
	if (execution.status === 'error') {
		const said = describeFailure(execution);
		check(/flagged as sensitive.*\bRow 2, task /s.test(said), said);
		check(
			tasks.every(({ id }) => said.includes(id)),
			`not all tasks are named: ${said}`,
		);
		return `${describeWait(waiting)}, the execution fails`;
	}
	await waitUntil('three items', () => site.results(started.name).length === 3);
	const items = site.results(started.name);
	const isWhole = (json: JsonRecord, row: number): boolean =>
		textAt(json, 'taskId') === tasks[row]?.id &&
		(row === 1
			? textAt(json, 'failureReason') === 'flagged as sensitive'
			: textAt(json, 'videoUrl') === tasks[row]?.outputs[0]);
	check(items.every(isWhole), `not the items: ${JSON.stringify(items)}`);
	return `${describeWait(waiting)}, an item with \`failureReason\``;
}
