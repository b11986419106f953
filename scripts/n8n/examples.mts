import { readFile, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';

import type { CredentialReference } from './n8nCredentials.mts';
import type { Workflow } from './n8nWorkflows.mts';
import { listAt, textAt, valueAt, type JsonRecord } from './shape.mts';
import { isRecord } from '../../nodes/shared/json';

export const NODE_TYPE = 'n8n-nodes-wavespeed-speech-to-video.wan22SpeechToVideo';
export const CREDENTIAL_TYPE = 'waveSpeedApi';

const OUR_TYPES = /^n8n-nodes-wavespeed-speech-to-video\./;

/** Where the examples expect the user's files: the folder that n8n's Docker image lets workflows read. A "=" makes an expression of a path. */
const USER_FILE = /^(=?)\/home\/node\/\.n8n-files\/(.*)$/;

/** What the node for files on disk calls the path to read, and the path to write. */
const PATH_PARAMETERS = ['fileSelector', 'fileName'];

export interface Example {
	/** The file's name without its ending. */
	key: string;
	workflow: Workflow;
}

export async function readExamples(root: string): Promise<Example[]> {
	const folder = join(root, 'examples');
	const files = (await readdir(folder)).filter((file) => file.endsWith('.json')).sort();
	return await Promise.all(
		files.map(async (file) => {
			const content: unknown = JSON.parse(await readFile(join(folder, file), 'utf8'));
			return { key: basename(file, '.json'), workflow: readWorkflow(content, file) };
		}),
	);
}

function readWorkflow(content: unknown, file: string): Workflow {
	const name = textAt(content, 'name');
	const connections = valueAt(content, 'connections');
	if (!isRecord(content) || name === undefined || !isRecord(connections)) {
		throw new Error(`examples/${file} is not a workflow.`);
	}
	const nodes = listAt(content, 'nodes').filter(isRecord);
	return { ...content, name, nodes, connections };
}

/** Our nodes, and requests of n8n's HTTP node that use the same account. */
function needsCredential(node: JsonRecord): boolean {
	if (textAt(node, 'parameters', 'nodeCredentialType') === CREDENTIAL_TYPE) return true;
	return OUR_TYPES.test(textAt(node, 'type') ?? '');
}

function prepareNode(node: JsonRecord, credential: CredentialReference, files: string): JsonRecord {
	if (needsCredential(node)) return { ...node, credentials: { [CREDENTIAL_TYPE]: credential } };
	if (!isRecord(node.parameters)) return node;
	const parameters = { ...node.parameters };
	for (const name of PATH_PARAMETERS) {
		const [, expression, path] = USER_FILE.exec(textAt(parameters, name) ?? '') ?? [];
		if (path !== undefined) parameters[name] = `${expression}${join(files, path)}`;
	}
	return { ...node, parameters };
}

/** Does what a user does after importing: chooses the credential, and points the file nodes at files of their own. */
export function prepareExample(
	{ workflow }: Example,
	credential: CredentialReference,
	filesFolder: string,
): Workflow {
	const nodes = workflow.nodes.map((node) => prepareNode(node, credential, filesFolder));
	return { ...workflow, nodes };
}

/** The name of the first node of a type, as the execution's data calls it. */
export function findNodeName(workflow: Workflow, type: string): string {
	const node = workflow.nodes.find((candidate) => textAt(candidate, 'type') === type);
	const name = textAt(node, 'name');
	if (name === undefined) throw new Error(`"${workflow.name}" has no node of type ${type}.`);
	return name;
}
