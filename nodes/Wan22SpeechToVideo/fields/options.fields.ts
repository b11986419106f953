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
	displayOptions: { show: { operation: ['generate', 'get', 'submit', 'wait'] } },
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
			default: false,
			displayOptions: showIn('generate', 'get', 'wait'),
			description:
				'Whether to attach the video file to the item. Its URL is in the output in any case, for 7 days.',
		},
		{
			displayName: 'Failed Tasks',
			name: 'failedTasks',
			type: 'options',
			default: 'error',
			options: [
				{ name: 'Are Errors', value: 'error' },
				{ name: 'Are Output Items With Their Status', value: 'output' },
			],
			displayOptions: showIn('generate', 'get', 'wait'),
			description: 'What happens when WaveSpeed could not make a video',
		},
		{
			displayName: 'Include Input Fields',
			name: 'includeInputFields',
			type: 'boolean',
			default: false,
			displayOptions: showIn('generate', 'get', 'submit', 'wait'),
			description:
				'Whether to keep the fields of the incoming item, such as the columns of a spreadsheet row, in the output',
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
				'How many videos may be started in a minute. Replaces the limit that follows from the account level in the credential.',
		},
		{
			displayName: 'Max Videos at Once',
			name: 'maxTasksInFlight',
			type: 'number',
			typeOptions: { minValue: 1, numberPrecision: 0 },
			default: 2,
			displayOptions: showIn('generate'),
			description:
				'How many videos are made side by side. Replaces the limit that follows from the account level in the credential.',
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
			displayName: 'Quote Only',
			name: 'quoteOnly',
			type: 'boolean',
			default: false,
			displayOptions: showIn('generate', 'submit'),
			description:
				'Whether to check the inputs and ask for the price only. Nothing is submitted and nothing is paid.',
		},
		{
			displayName: 'Timeout (Minutes)',
			name: 'timeoutMinutes',
			type: 'number',
			typeOptions: { minValue: 0 },
			default: 60,
			displayOptions: showIn('generate', 'wait'),
			description:
				'The longest wait for one task. The task goes on at WaveSpeed afterwards, and "Wait for Task" picks it up again.',
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
