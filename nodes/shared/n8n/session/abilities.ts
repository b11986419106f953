import * as n8nWorkflow from 'n8n-workflow';

/**
 * What this n8n can do. A node can't ask for n8n's version, so names that came with a version tell; more than one each,
 * so that a later version may drop some of them.
 */
const hasOneOf = (...names: string[]): boolean => names.some((name) => name in n8nWorkflow);

/**
 * A parent takes the items of its child over when the child has ended. 1.123 goes on with what it had. 2.0.0 goes on as soon
 * as the child pauses for the second time, with the child's state in place of the results: seen in a real n8n 2.0.0. Later
 * versions 2.0 have it right, but nothing tells them from 2.0.0; these names came with 2.1 and 2.36.
 */
export const HANDS_OVER_RESULTS = hasOneOf(
	'getNodeFeatures',
	'hasCredentialChanges',
	'redactedHeaders',
);

/**
 * A parent fails when its child has failed. In n8n 2.30. No name came with it, but some went: the first of these came with
 * 2.29, and those behind it were in every n8n up to 2.29. The later ones came with 2.31 and 2.36.
 */
export const FAILS_WHEN_RESUMED =
	(hasOneOf('evaluateJmespathQuery') && !hasOneOf('createResultOk', 'createDeferredPromise')) ||
	hasOneOf('summarizeDynamicCredentialsUsage', 'runDataUsedDynamicCredentials', 'redactedHeaders');

/**
 * In queue mode the main process deletes a waiting execution that is not to be kept when it ends well, as if it had ended:
 * its tasks are paid and its results reach nobody. Seen with n8n 2.20.0 and 2.33.7; 2.34 has it right. These names came with
 * 2.34 and 2.36.
 */
export const MAY_LOSE_WAITING_EXECUTIONS = !hasOneOf(
	'n8nOAuth2Auth',
	'getCredentialActivationParameters',
	'redactedHeaders',
);
