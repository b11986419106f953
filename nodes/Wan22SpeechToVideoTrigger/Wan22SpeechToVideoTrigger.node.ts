import {
	type IHookFunctions,
	type INodeType,
	type INodeTypeDescription,
	type IWebhookFunctions,
	type IWebhookResponseData,
	NodeConnectionTypes,
} from 'n8n-workflow';

import { activate, deactivate } from './activate';
import { receiveCallback } from './receiveCallback';

export class Wan22SpeechToVideoTrigger implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'Wan 2.2 Speech To Video Trigger',
		name: 'wan22SpeechToVideoTrigger',
		icon: {
			light: 'file:../../icons/wavespeed.svg',
			dark: 'file:../../icons/wavespeed.dark.svg',
		},
		group: ['trigger'],
		// For a node of version 1 n8n evaluates an expression at each request to its webhook, be it forged.
		version: [1, 1.1],
		defaultVersion: 1.1,
		subtitle:
			'={{ ({ completed: "Task Completed", failed: "Task Failed", finished: "Task Finished" })[$parameter["event"]] }}',
		// n8n's search shows this text for the trigger and for the node alike.
		description:
			'Turn a picture and a voice recording into a talking video with WaveSpeedAI, or start a workflow when one is finished',
		eventTriggerDescription: 'Waiting for WaveSpeed to report the end of a task',
		activationMessage:
			'Tasks that are submitted with the production URL of this node as their Webhook URL start this workflow when they end.',
		defaults: { name: 'Wan 2.2 Speech To Video Trigger' },
		inputs: [],
		outputs: [NodeConnectionTypes.Main],
		credentials: [{ name: 'waveSpeedApi', required: true }],
		webhooks: [
			{ name: 'default', httpMethod: 'POST', responseMode: 'onReceived', path: 'webhook' },
		],
		properties: [
			{
				displayName:
					'Copy the production URL of this node into <b>Webhook URL</b>, an option of <b>Submit</b>. WaveSpeed calls it over the internet: if n8n stands behind a proxy or a tunnel, set <code>WEBHOOK_URL</code> to its public address first. The credential must be of the account that submits.',
				name: 'setupNotice',
				type: 'notice',
				default: '',
			},
			{
				displayName: 'Trigger On',
				name: 'event',
				type: 'options',
				default: 'finished',
				options: [
					{
						name: 'Task Completed',
						value: 'completed',
						description: 'A video is ready',
					},
					{
						name: 'Task Failed',
						value: 'failed',
						description: 'A task has ended without a video',
					},
					{
						name: 'Task Finished',
						value: 'finished',
						description: 'A task has ended, with a video or without',
					},
				],
				description: 'Which ends of a task start the workflow',
			},
			{
				displayName: 'Simplify',
				name: 'simplify',
				type: 'boolean',
				default: true,
				description:
					'Whether to return a simplified version of the response instead of the raw data',
			},
			{
				displayName: 'Options',
				name: 'options',
				type: 'collection',
				placeholder: 'Add option',
				default: {},
				options: [
					{
						displayName: 'Download Video',
						name: 'downloadVideo',
						type: 'boolean',
						default: false,
						description:
							'Whether to attach the video file to the item. Its URL is in the output in any case, for 7 days.',
					},
					{
						displayName: 'Output Data Field Name',
						name: 'outputBinaryPropertyName',
						type: 'string',
						default: 'data',
						description: 'The name of the field for the downloaded video',
					},
					{
						displayName: 'Signature Tolerance (Seconds)',
						name: 'toleranceSeconds',
						type: 'number',
						typeOptions: { minValue: 1, maxValue: 86400, numberPrecision: 0 },
						default: 300,
						description:
							'How old the signature of a callback may be. WaveSpeed signs anew each time that it sends.',
					},
				],
			},
		],
	};

	webhookMethods = {
		default: {
			// There is nothing at the service that could exist already, and each activation has to check the secret.
			async checkExists(this: IHookFunctions): Promise<boolean> {
				return false;
			},
			async create(this: IHookFunctions): Promise<boolean> {
				return await activate(this);
			},
			async delete(this: IHookFunctions): Promise<boolean> {
				return await deactivate(this);
			},
		},
	};

	async webhook(this: IWebhookFunctions): Promise<IWebhookResponseData> {
		return await receiveCallback(this);
	}
}
