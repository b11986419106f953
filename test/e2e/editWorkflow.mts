import type { CredentialReference } from '../../scripts/n8n/n8nCredentials.mts';
import type { Workflow } from '../../scripts/n8n/n8nWorkflows.mts';
import { listAt, textAt, type JsonRecord } from '../../scripts/n8n/shape.mts';
import { isRecord } from '../../nodes/shared/json';

/** What users change in an imported example. Each changes the workflow that it is given. */

function findNode(workflow: Workflow, name: string): JsonRecord {
	const node = workflow.nodes.find((candidate) => textAt(candidate, 'name') === name);
	if (node === undefined) throw new Error(`"${workflow.name}" has no node "${name}".`);
	return node;
}

export function setParameters(workflow: Workflow, node: string, parameters: JsonRecord): void {
	const found = findNode(workflow, node);
	found.parameters = { ...(isRecord(found.parameters) ? found.parameters : {}), ...parameters };
}

/** A field of an Edit Fields node. */
export function setField(workflow: Workflow, node: string, field: string, value: unknown): void {
	const fields = listAt(findNode(workflow, node), 'parameters', 'assignments', 'assignments');
	const found = fields.filter(isRecord).find(({ name }) => name === field);
	if (found === undefined) throw new Error(`"${node}" has no field "${field}".`);
	found.value = value;
}

export function chooseCredential(
	workflow: Workflow,
	node: string,
	type: string,
	credential: CredentialReference,
): void {
	findNode(workflow, node).credentials = { [type]: credential };
}
