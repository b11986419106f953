import type { IExecuteFunctions } from 'n8n-workflow';

import { HANDS_OVER_RESULTS, MAY_LOSE_WAITING_EXECUTIONS } from '../session/abilities';
import type { Connection } from '../session/credential';
import { canReach } from './reachable';
import { readWorkflowSettings } from '../session/workflowSettings';

/** n8n looks for executions to go on with once a minute, so a shorter wait is better done in the process. */
const SHORTEST_PARKING_MS = 65_000;

const ATTENDED = new Set(['manual', 'evaluation', 'chat', 'cli']);

/** Why this row waits in the process although it is to be parked, in words for the user; undefined: it can be parked. */
export function whyNotParked(ctx: IExecuteFunctions, timeoutMs: number): string | undefined {
	if (isTool(ctx)) {
		return 'As a tool of an AI agent this node waits while the execution runs, since the agent waits for it.';
	}
	if (ATTENDED.has(ctx.getMode())) {
		return 'In a manual execution this node waits while the execution runs. It parks when the workflow runs by itself.';
	}
	if (!HANDS_OVER_RESULTS) {
		return "This version of n8n can't hand results to a parked node, so this node waits while the execution runs. From n8n 2.5 on it can.";
	}
	if (ctx.getNode().executeOnce === true) {
		return 'With "Execute Once" this node waits while the execution runs.';
	}
	if (timeoutMs < SHORTEST_PARKING_MS) {
		return 'For a time limit of about a minute this node waits while the execution runs.';
	}
	// Neither queue mode nor the default of the instance, which may be "do not save", can be seen by a node.
	if (MAY_LOSE_WAITING_EXECUTIONS && readWorkflowSettings(ctx).saveDataSuccessExecution !== 'all') {
		return 'In queue mode n8n before 2.34 loses a parked execution that is not to be saved when it succeeds. So this node waits while the execution runs. To park, choose "Save" for "Save successful production executions" in the settings of this workflow (from n8n 2.5 on), or update n8n to 2.34 or newer.';
	}
	if (ctx.getWorkflow().id === undefined) {
		return 'Only a saved workflow can be parked, so this node waits while the execution runs.';
	}
	return undefined;
}

/**
 * An agent waits for its tool's answer, so there is nothing to go on with later. Newer versions of n8n run a tool as a
 * node of the workflow, whose output they send to the agent; nothing else tells such a run.
 */
export const isTool = (ctx: IExecuteFunctions): boolean =>
	ctx.getNode().rewireOutputLogTo === 'ai_tool' ||
	!('putExecutionToWait' in ctx) ||
	// Only a tool's context has it; n8n 1.123 and 2.0 have nothing else that tells.
	'cloneWith' in ctx ||
	('isToolExecution' in ctx && ctx.isToolExecution());

/**
 * A path of our own: a callback that comes late must not wake whatever else waits in this execution by then, such as
 * n8n's Wait node.
 */
export const WAKE_PATH = 'wan22';

/** Where a waiting execution of `ctx` is called; undefined if n8n gives no address. */
export function findWakeUrl(ctx: IExecuteFunctions): string | undefined {
	const resumeUrl: unknown = ctx.evaluateExpression('{{ $execution.resumeUrl }}', 0);
	if (typeof resumeUrl !== 'string' || !URL.canParse(resumeUrl)) return undefined;
	const url = new URL(resumeUrl);
	url.pathname = `${url.pathname.replace(/\/+$/, '')}/${WAKE_PATH}`;
	return url.toString();
}

/** The address for the service's callbacks; undefined where it can't call this n8n. They only make it sooner. */
export function findCallbackUrl(
	ctx: IExecuteFunctions,
	{ baseUrl }: Connection,
): string | undefined {
	const url = findWakeUrl(ctx);
	return url !== undefined && canReach(baseUrl, url) ? url : undefined;
}
