import type { IExecuteFunctions } from 'n8n-workflow';

import { limitOfWorkflow, isTool } from '../../nodes/shared/n8n/waiting/conditions';

/** As far as the question needs one; `more` is what the context of some version has besides. */
const contextOf = (more: object): IExecuteFunctions =>
	({ getNode: () => ({}), putExecutionToWait: async () => {}, ...more }) as never;

test.each<[string, object, boolean]>([
	['a node of the workflow', { isToolExecution: () => false }, false],
	['a node of the workflow in n8n 1.123 and 2.0', {}, false],
	['a tool', { isToolExecution: () => true, cloneWith: () => ({}) }, true],
	['a tool in n8n 1.123 and 2.0, which has no isToolExecution', { cloneWith: () => ({}) }, true],
])('a call is known as what it is: %s', (_, more, expected) => {
	expect(isTool(contextOf(more))).toBe(expected);
});

test.each<[number | undefined, boolean]>([
	[undefined, false],
	[-1, false],
	[600, true],
	[3_600, true],
	[3_601, false],
])(
	'a workflow that is stopped after %s s: parking for an hour is warned of: %s',
	(seconds, isWarned) => {
		const settings = seconds === undefined ? {} : { executionTimeout: seconds };
		const ctx = contextOf({ getWorkflowSettings: () => settings });
		expect(limitOfWorkflow(ctx, 3_600_000) !== undefined).toBe(isWarned);
	},
);
