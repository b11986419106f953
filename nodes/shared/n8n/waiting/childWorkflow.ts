import type { IExecuteFunctions, INode, IWorkflowBase } from 'n8n-workflow';

/** The steps of the child, which are this node again: a hidden parameter says which. */
export const STEP_PARAMETER = 'parkedStep';
const STEPS = ['pause', 'check', 'result'] as const;
export type StepName = (typeof STEPS)[number];

export const readStepName = (value: unknown): StepName | undefined =>
	STEPS.find((step) => step === value);

/**
 * The workflow that waits for a parked run, written on the spot. n8n stores it at each pause and wakes it, and hands what
 * its last node gives to the parent. It runs under the parent's workflow ID, with the parent's credential.
 *
 *     Start → Wait → Check → All Ended? ─yes→ Results
 *              └───────────────no─┘
 */
export function makeChildWorkflow(ctx: IExecuteFunctions): IWorkflowBase {
	const workflow = ctx.getWorkflow();
	const now = new Date();
	return {
		...{ id: workflow.id ?? '', name: workflow.name ?? 'Wait', active: false, isArchived: false },
		...{ createdAt: now, updatedAt: now, activeVersionId: null, nodes: makeNodes(ctx.getNode()) },
		connections: {
			Start: linkTo('Wait'),
			Wait: linkTo('Check'),
			Check: linkTo('All Ended?'),
			'All Ended?': linkTo('Results', 'Wait'),
		},
		settings: {
			executionOrder: 'v1',
			// Some versions of n8n lose a waiting execution that they are not to save when it ends well.
			saveDataSuccessExecution: 'all',
			saveDataErrorExecution: 'all',
			saveExecutionProgress: false,
			// A wait is longer than any time limit that the instance has for its workflows.
			executionTimeout: -1,
			callerPolicy: 'workflowsFromSameOwner',
		},
	};
}

function makeNodes(parent: INode): INode[] {
	const makeStep = (name: string, step: StepName, column: number): INode => ({
		...place(name, column),
		type: parent.type,
		typeVersion: parent.typeVersion,
		parameters: { [STEP_PARAMETER]: step },
		credentials: parent.credentials,
	});
	return [
		{
			...place('Start', 0),
			type: 'n8n-nodes-base.executeWorkflowTrigger',
			typeVersion: 1.1,
			parameters: { inputSource: 'passthrough' },
		},
		makeStep('Wait', 'pause', 1),
		makeStep('Check', 'check', 2),
		{
			...place('All Ended?', 3),
			type: 'n8n-nodes-base.if',
			typeVersion: 1,
			parameters: { conditions: { boolean: [{ value1: '={{ $json.ended }}', value2: true }] } },
		},
		makeStep('Results', 'result', 4),
	];
}

const place = (name: string, column: number): Pick<INode, 'id' | 'name' | 'position'> => ({
	id: `wan22-${column}`,
	name,
	position: [column * 220, 0],
});

const linkTo = (...outputs: string[]) => ({
	main: outputs.map((node) => [{ node, type: 'main' as const, index: 0 }]),
});
