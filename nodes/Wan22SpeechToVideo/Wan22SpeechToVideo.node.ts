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
import { runParkedStep } from '../shared/n8n/waiting/steps';
import { receiveAtWaiting } from '../shared/n8n/waiting/wake';
import { optionsField } from './fields/options.fields';
import { stepField } from './fields/step.fields';
import { OPERATIONS, planOf } from './operations';

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
		version: 1,
		subtitle:
			'={{ ({ generate: "Generate Video", getAll: "Get Many", get: "Get Task", submit: "Submit Task", wait: "Wait for Task" })[$parameter["operation"]] }}',
		description: 'Turn a picture and a voice recording into a talking video with WaveSpeedAI',
		defaults: { name: 'Wan 2.2 Speech To Video' },
		usableAsTool: true,
		inputs: [NodeConnectionTypes.Main],
		outputs: [NodeConnectionTypes.Main],
		credentials: [{ name: 'waveSpeedApi', required: true }],
		webhooks: resumeWebhooks,
		properties: [
			{
				displayName: 'Operation',
				name: 'operation',
				type: 'options',
				noDataExpression: true,
				default: 'generate',
				options: [
					{
						name: 'Generate Video',
						value: 'generate',
						action: 'Generate a talking video',
						description: 'Make a talking video from a picture and a recording, and wait for it',
					},
					{
						name: 'Get Many',
						value: 'getAll',
						action: 'Get many tasks',
						description:
							'List the tasks of the last 7 days, also those that a stopped workflow has left behind',
					},
					{
						name: 'Get Task',
						value: 'get',
						action: 'Get a task',
						description: 'Look at a task once, and get its video if it is ready',
					},
					{
						name: 'Submit Task',
						value: 'submit',
						action: 'Submit a task',
						description: 'Start a talking video without waiting for it',
					},
					{
						name: 'Wait for Task',
						value: 'wait',
						action: 'Wait for a task',
						description: 'Wait until a task that was submitted before has ended, and get its video',
					},
				],
			},
			...Object.values(OPERATIONS).flatMap((operation) => operation.fields),
			optionsField,
			stepField,
		],
	};

	async execute(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
		const step = readStepName(this.getNodeParameter(STEP_PARAMETER, 0, ''));
		if (step) return [await runParkedStep(this, step)];
		const name: unknown = this.getNodeParameter('operation', 0);
		const items = await runNode(this, name, planOf(name), this.continueOnFail());
		return [items];
	}

	async webhook(this: IWebhookFunctions): Promise<IWebhookResponseData> {
		return await receiveAtWaiting(this);
	}
}
