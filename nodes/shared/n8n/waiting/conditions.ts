import type { IExecuteFunctions } from 'n8n-workflow';

import type { NotParked } from '../errors/messages/hints';
import { HANDS_OVER_RESULTS } from '../session/abilities';
import type { Connection } from '../session/credential';
import { canReach } from './reachable';
import { readWorkflowSettings } from '../session/workflowSettings';

/** n8n looks for executions to go on with once a minute, so a shorter wait is better done in the process. */
const SHORTEST_PARKING_MS = 65_000;

const ATTENDED = new Set(['manual', 'evaluation', 'chat', 'cli']);

/** Why this row waits in the process although it is to be parked; undefined: it can be parked. */
export function whyNotParked(ctx: IExecuteFunctions, timeoutMs: number): NotParked | undefined {
	if (isTool(ctx)) return 'isTool';
	if (ATTENDED.has(ctx.getMode())) return 'isAttended';
	if (!HANDS_OVER_RESULTS) return 'isOldN8n';
	if (ctx.getNode().executeOnce === true) return 'executesOnce';
	if (timeoutMs < SHORTEST_PARKING_MS) return 'isShort';
	// n8n 2.27 to 2.33 in queue mode lose such executions while they wait (n8n issues 32424 and 32509).
	if (readWorkflowSettings(ctx).saveDataSuccessExecution === 'none') return 'isNotSaved';
	return ctx.getWorkflow().id === undefined ? 'hasNoWorkflow' : undefined;
}

/**
 * The workflow's own time limit in seconds, where it is too short for a parked wait: n8n 2.40 counts the time of the
 * wait, and stops an execution as soon as it goes on after its limit. The results would be there, and nobody would get
 * them. The instance's default of that limit can't be read.
 */
export function limitOfWorkflow(ctx: IExecuteFunctions, timeoutMs: number): number | undefined {
	const seconds = readWorkflowSettings(ctx).executionTimeout ?? -1;
	return seconds > 0 && seconds * 1000 <= timeoutMs ? seconds : undefined;
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
