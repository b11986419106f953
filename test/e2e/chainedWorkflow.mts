import { setTimeout as sleep } from 'node:timers/promises';

import type { Workflow } from '../../scripts/n8n/n8nWorkflows.mts';
import { RUN_TIMEOUT_MS } from './testbed.mts';

/** Workflows as tests and benchmarks write them: a node after the other, as in the editor. */

export interface NamedNode {
	name: string;
	[key: string]: unknown;
}

/** A trigger that starts a workflow outside of the editor: some of it is different in a manual execution. */
export const webhookAt = (path: string) => ({
	type: 'n8n-nodes-base.webhook',
	typeVersion: 2,
	webhookId: path,
	parameters: { path, httpMethod: 'POST', responseMode: 'onReceived', options: {} },
});

/** One item for each of the rows; an expression that gives `{rows: […]}` does as well. */
export const splitIntoRows = (rows: object[] | string): NamedNode[] => [
	{
		...{ name: 'Rows', type: 'n8n-nodes-base.set', typeVersion: 3.4 },
		parameters: {
			mode: 'raw',
			jsonOutput: typeof rows === 'string' ? rows : JSON.stringify({ rows }),
			options: {},
		},
	},
	{
		...{ name: 'Split', type: 'n8n-nodes-base.splitOut', typeVersion: 1 },
		parameters: { fieldToSplitOut: 'rows', options: {} },
	},
];

/** Names of the nodes behind each output of a node. */
export type Links = Record<string, string[][]>;

/** `links` replaces the link to the next node where the way is another one. */
export function chain(
	name: string,
	nodes: NamedNode[],
	settings: object = {},
	links: Links = {},
): Workflow {
	const next = nodes
		.slice(1)
		.map(({ name: to }, index): [string, string[][]] => [nodes[index]!.name, [[to]]]);
	const connections = Object.fromEntries(
		Object.entries({ ...Object.fromEntries(next), ...links }).map(([from, outputs]) => {
			const main = outputs.map((to) => to.map((node) => ({ node, type: 'main', index: 0 })));
			return [from, { main }];
		}),
	);
	return {
		...{ name, connections, settings: { executionOrder: 'v1', ...settings } },
		nodes: nodes.map((node, index) => ({
			...{ id: `node-${index}`, position: [index * 220, 0], typeVersion: 1, parameters: {} },
			...node,
		})),
	};
}

export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
	const deadline = Date.now() + RUN_TIMEOUT_MS;
	while (!(await condition())) {
		if (Date.now() > deadline) throw new Error('What the test waits for did not happen.');
		await sleep(100);
	}
}
