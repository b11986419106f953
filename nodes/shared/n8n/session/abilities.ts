import * as n8nWorkflow from 'n8n-workflow';

/**
 * What this n8n can do. A node can't ask for n8n's version, so names that came with a version tell; more than one each,
 * so that a later version may drop some of them.
 */
const hasOneOf = (...names: string[]): boolean => names.some((name) => name in n8nWorkflow);

/** A parent takes the items of its child over when it goes on. In n8n 2.0; 1.123 goes on with what it had. */
export const HANDS_OVER_RESULTS = hasOneOf(
	'calculateWorkflowChecksum',
	'validateWorkflowHasTriggerLikeNode',
	'redactedHeaders',
);

/** A parent fails when its child has failed. In n8n 2.30; nothing tells 2.30 from 2.29, these came with 2.31 and 2.36. */
export const FAILS_WHEN_RESUMED = hasOneOf(
	'summarizeDynamicCredentialsUsage',
	'runDataUsedDynamicCredentials',
	'redactedHeaders',
);
