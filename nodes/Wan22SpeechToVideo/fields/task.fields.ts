import type { INodeProperties } from 'n8n-workflow';

export const taskIdField: INodeProperties = {
	displayName: 'Task ID',
	name: 'taskId',
	type: 'string',
	default: '={{ $json.taskId }}',
	required: true,
	description: 'The ID of the task, as "Submit Task" and "Generate Video" give it',
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
			name: 'Callback',
			value: 'callback',
			description:
				'The execution is parked, costs nothing and survives a restart of n8n, until WaveSpeed calls back. n8n must be reachable from outside.',
		},
		{
			name: 'Polling',
			value: 'polling',
			description: 'The node checks the task now and then until it has ended',
		},
	],
	description:
		'How to wait for the end. For Callback, "Wait for Task" needs tasks that were submitted with <code>{{ $execution.resumeUrl }}</code> as their webhook URL.',
};
