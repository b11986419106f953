import { setTimeout as sleep } from 'node:timers/promises';

import { unwrap, type N8nSession } from './n8nRest.mts';
import { listAt, textAt, valueAt, type JsonRecord } from './shape.mts';

const ACTIVATION_POLL_MS = 300;
const ACTIVATION_LOOKS = 100;

/** What the editor says about a trigger that it has run itself. */
const TRIGGER_RUN = {
	...{ startTime: 0, executionTime: 0, executionIndex: 0 },
	...{ executionStatus: 'success', source: [] },
};

/** A workflow as it stands in a file that people import. */
export interface Workflow extends JsonRecord {
	name: string;
	nodes: JsonRecord[];
	connections: JsonRecord;
}

/** Creates a workflow, or resets the one of this name to what is given. */
export async function saveWorkflow({ http }: N8nSession, workflow: Workflow): Promise<string> {
	const { name, nodes, connections, settings = { executionOrder: 'v1' } } = workflow;
	const body = { name, nodes, connections, settings };
	const list = unwrap(await http.get('/rest/workflows'), 'listing the workflows');
	const known = listAt({ list }, 'list').find((entry) => textAt(entry, 'name') === name);
	const knownId = textAt(known, 'id');
	const saved =
		knownId === undefined
			? unwrap(
					await http.post('/rest/workflows', { ...body, active: false }),
					`importing "${name}"`,
				)
			: unwrap(await http.patch(`/rest/workflows/${knownId}`, body), `resetting "${name}"`);
	const id = textAt(saved, 'id');
	if (id === undefined) throw new Error(`n8n gave no id for the workflow "${name}".`);
	return id;
}

/**
 * Puts the workflow's triggers to work: forms and webhooks answer on their production URL. n8n does it in the background after
 * it has said yes, and that is also where a trigger that can't start says why.
 */
export async function activateWorkflow({ http }: N8nSession, id: string): Promise<void> {
	const workflow = unwrap(await http.get(`/rest/workflows/${id}`), 'reading the workflow');
	const body = { versionId: valueAt(workflow, 'versionId') };
	unwrap(await http.post(`/rest/workflows/${id}/activate`, body), 'activating the workflow');
	for (let look = 0; look < ACTIVATION_LOOKS; look++) {
		const answer = await http.get(`/rest/workflows/${id}/publication-status`);
		// n8n 1.x activates before it answers, and says there why it can't.
		if (answer.status === 404) return;
		const state = unwrap(answer, 'reading the publication status');
		const status = textAt(state, 'status');
		if (status === 'published') return;
		if (status === 'failed' || status === 'partial') {
			const reasons = listAt(state, 'triggers').map((trigger) => textAt(trigger, 'errorMessage'));
			throw new Error(reasons.filter((reason) => reason).join('\n') || 'A trigger failed.');
		}
		await sleep(ACTIVATION_POLL_MS);
	}
	throw new Error('n8n is still activating the workflow.');
}

export async function deactivateWorkflow({ http }: N8nSession, id: string): Promise<void> {
	unwrap(await http.post(`/rest/workflows/${id}/deactivate`, {}), 'deactivating the workflow');
}

/**
 * "Execute workflow" in the editor, from the trigger of this name. `item` is what the trigger hands out, such as the
 * message that was typed into the chat. Returns the execution's id.
 */
export async function runWorkflow(
	{ http }: N8nSession,
	id: string,
	trigger: string,
	item?: JsonRecord,
): Promise<string> {
	// n8n 1.x runs what it is given, later versions what they have stored.
	const workflowData = unwrap(await http.get(`/rest/workflows/${id}`), 'reading the workflow');
	const data = item && { ...TRIGGER_RUN, data: { main: [[{ json: item }]] } };
	const body = { workflowData, triggerToStartFrom: { name: trigger, data } };
	const started = unwrap(
		await http.post(`/rest/workflows/${id}/run`, body),
		'starting the workflow',
	);
	const executionId = textAt(started, 'executionId');
	if (executionId === undefined) throw new Error('n8n started no execution.');
	return executionId;
}
