import type { INodeProperties } from 'n8n-workflow';

import type { OperationName } from './showFor';

const showIn = (...operations: OperationName[]): INodeProperties['displayOptions'] => ({
	show: { '/operation': operations },
});

/** One collection for all operations; each entry says where it applies. In the order of their labels. */
export const optionsField: INodeProperties = {
	displayName: 'Options',
	name: 'options',
	type: 'collection',
	placeholder: 'Add option',
	default: {},
	// Get Many has filters instead; an empty list would only raise questions.
	displayOptions: { hide: { operation: ['getAll'] } },
	options: [
		{
			displayName: 'Check Interval (Seconds)',
			name: 'pollIntervalSeconds',
			type: 'number',
			typeOptions: { minValue: 1 },
			default: 5,
			displayOptions: showIn('generate', 'wait'),
			description:
				'The shortest time between two checks of one task. It grows with the time waited, up to 30 seconds.',
		},
		{
			displayName: 'Download Video',
			name: 'downloadVideo',
			type: 'boolean',
			// n8n adds an option with its default, and who adds this one wants it.
			default: true,
			displayOptions: showIn('generate', 'get', 'wait'),
			description:
				'Whether to attach the video file to the item. Its URL is in the output in any case, for 7 days.',
		},
		{
			displayName: 'Existing Task ID',
			name: 'existingTaskId',
			type: 'string',
			default: '={{ $json.task_id }}',
			displayOptions: showIn('generate'),
			description:
				'A task that was started for this item before, such as the column "task_id" of a sheet. If there is one, nothing is uploaded, submitted or paid: the item goes on with that task and waits for its end. Empty: a new video is made. This makes a workflow safe to start again after any interruption.',
		},
		{
			displayName: 'If a Video Fails',
			name: 'failedTasks',
			type: 'options',
			default: 'error',
			options: [
				{
					name: 'It Is an Error',
					value: 'error',
					description: 'The setting On Error of this node decides what happens then',
				},
				{
					name: 'It Is an Item With Its Status',
					value: 'output',
					description: 'The item has a failureReason and no video',
				},
			],
			displayOptions: showIn('generate', 'get', 'wait'),
			description: 'What happens when WaveSpeed could not make a video',
		},
		{
			displayName: 'Include Input Fields',
			name: 'includeInputFields',
			type: 'boolean',
			default: true,
			description:
				'Whether to keep the fields of the incoming item, such as the columns of a sheet, in the output. They are never changed: what this node adds stands beside them where the name is free, and all of it under "task".',
		},
		{
			displayName: 'Max Cost per Run (USD)',
			name: 'maxCostPerRun',
			type: 'number',
			typeOptions: { minValue: 0, numberPrecision: 2 },
			default: 10,
			displayOptions: showIn('generate', 'submit'),
			description:
				'What all videos of one run of this node may cost together. The price is asked for before each submit; a row that would go beyond the limit fails and is not submitted. For an AI agent each call is a run of its own.',
		},
		{
			displayName: 'Max Cost per Video (USD)',
			name: 'maxCostPerVideo',
			type: 'number',
			typeOptions: { minValue: 0, numberPrecision: 2 },
			default: 1,
			displayOptions: showIn('generate', 'submit'),
			description:
				'What one video may cost. The price is asked for before each submit; a row above the limit fails and is not submitted.',
		},
		{
			displayName: 'Max New Videos per Minute',
			name: 'maxSubmitsPerMinute',
			type: 'number',
			typeOptions: { minValue: 1, numberPrecision: 0 },
			default: 2,
			displayOptions: showIn('generate', 'submit'),
			description:
				'How many videos this node may start in a minute. It only narrows: the limit of your account level, in the credential, holds besides.',
		},
		{
			displayName: 'Max Videos at Once',
			name: 'maxTasksInFlight',
			type: 'number',
			typeOptions: { minValue: 1, numberPrecision: 0 },
			default: 2,
			displayOptions: showIn('generate'),
			description:
				'How many videos of this node are made at the same time. It only narrows: the limit of your account level, in the credential, holds besides.',
		},
		{
			displayName: 'Output Data Field Name',
			name: 'outputBinaryPropertyName',
			type: 'string',
			default: 'data',
			displayOptions: showIn('generate', 'get', 'wait'),
			description: 'The name of the field for the downloaded video',
		},
		{
			displayName: 'Timeout (Minutes)',
			name: 'timeoutMinutes',
			type: 'number',
			typeOptions: { minValue: 0 },
			default: 60,
			displayOptions: showIn('generate', 'wait'),
			description:
				'The longest wait for one task. The task goes on at WaveSpeed afterwards, and the operation "Wait" picks it up again.',
		},
		{
			displayName: 'Webhook URL',
			name: 'webhookUrl',
			type: 'string',
			default: '',
			placeholder: 'e.g. {{ $execution.resumeUrl }}',
			displayOptions: showIn('submit'),
			description:
				'The address that WaveSpeed calls when the task ends. With <code>{{ $execution.resumeUrl }}</code> it wakes a Wait node of this workflow.',
		},
	],
};
