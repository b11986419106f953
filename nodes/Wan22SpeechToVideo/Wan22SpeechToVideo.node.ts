import {
	type IExecuteFunctions,
	type INodeExecutionData,
	type INodeType,
	type INodeTypeDescription,
	type IWebhookDescription,
	type IWebhookFunctions,
	type IWebhookResponseData,
	NodeConnectionTypes,
} from 'n8n-workflow';

import { runNode } from '../shared/n8n/run/runNode';
import { readStepName, STEP_PARAMETER } from '../shared/n8n/waiting/childWorkflow';
import { runParkedStep } from '../shared/n8n/waiting/childSteps';
import { receiveAtWaiting } from '../shared/n8n/waiting/wakeByCallback';
import { optionsField } from './fields/options.fields';
import { stepField } from './fields/step.fields';
import { findOperation, OPERATIONS } from './operations';

/** Callbacks of WaveSpeed to an execution that is parked here. A path of our own: see WAKE_PATH. */
const resumeWebhooks: IWebhookDescription[] = [
	{
		name: 'default',
		httpMethod: 'POST',
		responseMode: 'onReceived',
		path: 'wan22',
		restartWebhook: true,
	},
];

export class Wan22SpeechToVideo implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'Wan 2.2 Speech To Video',
		name: 'wan22SpeechToVideo',
		icon: {
			light: 'file:../../icons/wavespeed.svg',
			dark: 'file:../../icons/wavespeed.dark.svg',
		},
		group: ['transform'],
		// For a node of version 1 n8n evaluates an expression at each request to its webhook, be it forged.
		version: [1, 1.1],
		defaultVersion: 1.1,
		subtitle:
			'={{ ({ generate: "Generate Video", quote: "Get Price", delete: "Delete Task", get: "Get Task", getAll: "Get Many Tasks", submit: "Submit Task", wait: "Wait for Task", getBalance: "Get Balance" })[$parameter["operation"]] }}',
		description:
			'Make a talking video from a picture and a voice recording: avatar, lip sync, talking head (WaveSpeedAI)',
		defaults: { name: 'Wan 2.2 Speech To Video' },
		usableAsTool: true,
		inputs: [NodeConnectionTypes.Main],
		outputs: [NodeConnectionTypes.Main],
		credentials: [{ name: 'waveSpeedApi', required: true }],
		webhooks: resumeWebhooks,
		properties: [
			{
				displayName: 'Resource',
				name: 'resource',
				type: 'options',
				noDataExpression: true,
				default: 'video',
				options: [
					{ name: 'Account', value: 'account' },
					{ name: 'Task', value: 'task', description: 'A video that is being made or was made' },
					{ name: 'Video', value: 'video' },
				],
			},
			{
				displayName: 'Operation',
				name: 'operation',
				type: 'options',
				noDataExpression: true,
				default: 'generate',
				displayOptions: { show: { resource: ['video'] } },
				options: [
					{
						name: 'Generate',
						value: 'generate',
						action: 'Make a talking video and wait for it',
						description: 'Make a talking video from a picture and a recording, and wait for it',
					},
					{
						name: 'Get Price',
						value: 'quote',
						action: 'Get the price of a talking video without making it',
						description:
							'Check the inputs and ask what the video would cost. Nothing is made and nothing is paid.',
					},
				],
			},
			{
				displayName: 'Operation',
				name: 'operation',
				type: 'options',
				noDataExpression: true,
				default: 'get',
				displayOptions: { show: { resource: ['task'] } },
				options: [
					{
						name: 'Delete',
						value: 'delete',
						action: 'Delete a video from the service',
						description:
							'Remove the record and the video of a task at WaveSpeed. A task that still runs is not deleted.',
					},
					{
						name: 'Get',
						value: 'get',
						action: 'Check whether a started video is ready',
						description: 'Check a task once, and get its video if it is ready',
					},
					{
						name: 'Get Many',
						value: 'getAll',
						action: 'Get many videos of the last 7 days',
						description:
							'List the tasks of the last 7 days, also those that a stopped workflow has left behind',
					},
					{
						name: 'Submit',
						value: 'submit',
						action: 'Start a video without waiting for it',
						description: 'Start a talking video without waiting for it',
					},
					{
						name: 'Wait',
						value: 'wait',
						action: 'Wait for a video that was started before',
						description: 'Wait until a task that was submitted before has ended, and get its video',
					},
				],
			},
			{
				displayName: 'Operation',
				name: 'operation',
				type: 'options',
				noDataExpression: true,
				default: 'getBalance',
				displayOptions: { show: { resource: ['account'] } },
				options: [
					{
						name: 'Get Balance',
						value: 'getBalance',
						action: 'Get the money that is left on the account',
						description: 'The USD that are left on the WaveSpeed account',
					},
				],
			},
			...Object.values(OPERATIONS)
				.flatMap((operations) => Object.values(operations))
				.flatMap(({ fields }) => fields),
			optionsField,
			stepField,
		],
	};

	async execute(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
		const step = readStepName(this.getNodeParameter(STEP_PARAMETER, 0, ''));
		if (step) return [await runParkedStep(this, step)];
		const operation = findOperation(
			this.getNodeParameter('resource', 0, ''),
			this.getNodeParameter('operation', 0, ''),
		);
		return [await runNode(this, operation, this.continueOnFail())];
	}

	async webhook(this: IWebhookFunctions): Promise<IWebhookResponseData> {
		return await receiveAtWaiting(this);
	}
}
