import { setTimeout as sleep } from 'node:timers/promises';

import { parse } from 'flatted';

import { unwrap, type N8nSession } from './n8nRest.mts';
import { listAt, textAt, valueAt, type JsonRecord } from './shape.mts';
import { isRecord } from '../../nodes/shared/json';

const POLL_MS = 500;

/** What an execution can still leave by itself. */
const UNFINISHED = new Set(['new', 'running', 'waiting', 'unknown']);

export interface Execution {
	id: string;
	status: string;
	/** The decoded run data, or undefined while nothing is stored. */
	data: unknown;
}

export async function getExecution({ http }: N8nSession, id: string): Promise<Execution> {
	const found = unwrap(await http.get(`/rest/executions/${id}`), 'reading the execution');
	const stored = textAt(found, 'data');
	return {
		id,
		status: textAt(found, 'status') ?? 'unknown',
		data: stored === undefined ? undefined : parse(stored),
	};
}

export interface WaitOptions {
	timeoutMs: number;
	/** The status to wait for; without it: any that is final. */
	until?: (execution: Execution) => boolean;
	signal?: AbortSignal;
}

export async function waitForExecution(
	session: N8nSession,
	id: string,
	{ timeoutMs, until, signal }: WaitOptions,
): Promise<Execution> {
	const isReached = until ?? ((execution) => !UNFINISHED.has(execution.status));
	const deadline = Date.now() + timeoutMs;
	for (;;) {
		const execution = await getExecution(session, id);
		if (isReached(execution)) return execution;
		if (Date.now() > deadline) {
			throw new Error(
				`Execution ${id} is still "${execution.status}" after ${timeoutMs / 1000} s.`,
			);
		}
		await sleep(POLL_MS, undefined, signal ? { signal } : {});
	}
}

/** A workflow's executions with their status, newest first; `integrated` are those that wait for a parked one. */
export async function listExecutionStatuses(
	{ http }: N8nSession,
	workflowId: string,
	limit = 20,
): Promise<Array<{ id: string; status: string; mode: string }>> {
	const filter = JSON.stringify({ workflowId });
	const found = unwrap(
		await http.get('/rest/executions', { params: { filter, limit } }),
		'listing the executions',
	);
	return listAt(found, 'results').map((entry) => ({
		id: textAt(entry, 'id') ?? '',
		status: textAt(entry, 'status') ?? 'unknown',
		mode: textAt(entry, 'mode') ?? 'unknown',
	}));
}

/** The ids of a workflow's executions, newest first. */
export async function listExecutions(session: N8nSession, workflowId: string): Promise<string[]> {
	return (await listExecutionStatuses(session, workflowId)).map(({ id }) => id);
}

export async function stopExecution({ http }: N8nSession, id: string): Promise<void> {
	unwrap(await http.post(`/rest/executions/${id}/stop`, {}), 'stopping the execution');
}

/** "Retry" of a failed execution. Returns the id of the new one. */
export async function retryExecution({ http }: N8nSession, id: string): Promise<string> {
	const answer = await http.post(`/rest/executions/${id}/retry`, { loadWorkflow: false });
	const retried = unwrap(answer, 'retrying the execution');
	const newId = textAt(retried, 'id') ?? valueAt(retried, 'executionId');
	if (typeof newId !== 'string') throw new Error('n8n gave no id for the retry.');
	return newId;
}

/** The items of one output of a node's last run. */
export function outputItems(execution: Execution, node: string, output = 0): JsonRecord[] {
	const runs = listAt(execution.data, 'resultData', 'runData', node);
	const items = listAt(runs[runs.length - 1], 'data', 'main', output);
	return items.filter(isRecord);
}

/** Why an execution failed, in one line per fact: which node, what happened, what n8n advises. */
export function describeFailure({ data, status }: Execution): string {
	const error = valueAt(data, 'resultData', 'error');
	const node = textAt(error, 'node', 'name') ?? textAt(data, 'resultData', 'lastNodeExecuted');
	const message = textAt(error, 'message') ?? `the execution ended as "${status}"`;
	const description = textAt(error, 'description');
	const where = node === undefined ? '' : `${node}: `;
	return [`${where}${message}`, description].filter((line) => line).join('\n');
}

/** The bytes of a binary that an execution left, as a stream, through n8n's own download. */
export async function downloadBinary(
	{ http }: N8nSession,
	binary: unknown,
): Promise<NodeJS.ReadableStream> {
	const id = textAt(binary, 'id');
	if (id === undefined) throw new Error('The item has no stored file.');
	const params = { id, action: 'download', fileName: textAt(binary, 'fileName') };
	const answer = await http.get<NodeJS.ReadableStream>('/rest/binary-data', {
		params,
		responseType: 'stream',
	});
	if (answer.status !== 200) throw new Error(`n8n: the download failed: HTTP ${answer.status}`);
	return answer.data;
}
