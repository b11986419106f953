import type { INodeProperties } from 'n8n-workflow';

export const taskIdField: INodeProperties = {
	displayName: 'Task ID',
	name: 'taskId',
	type: 'string',
	default: '={{ $json.taskId }}',
	required: true,
	description: 'The ID of the task, as "Submit" and "Generate" give it in "taskId"',
};

export const simplifyField: INodeProperties = {
	displayName: 'Simplify',
	name: 'simplify',
	type: 'boolean',
	default: true,
	description: 'Whether to return a simplified version of the response instead of the raw data',
};

export const waitModeField: INodeProperties = {
	displayName: 'Wait Mode',
	name: 'waitMode',
	type: 'options',
	default: 'polling',
	options: [
		{
			name: 'Parked',
			value: 'parked',
			description:
				'The execution is stored in the database of n8n and costs nothing while it waits. It goes on after a restart of n8n too. The end is seen up to a minute later.',
		},
		{
			name: 'While the Execution Runs',
			value: 'polling',
			description: 'The node checks the task now and then. A restart of n8n ends the execution.',
		},
	],
	description: 'How to wait for the end',
};
