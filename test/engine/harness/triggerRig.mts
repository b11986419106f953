import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate } from 'node:timers/promises';

import type {
	IDataObject,
	INode,
	INodeExecutionData,
	INodeType,
	IWebhookData,
	IWebhookResponseData,
	WorkflowActivateMode,
} from 'n8n-workflow';

import {
	built,
	captureLogs,
	core,
	type Credential,
	makeAdditionalData,
	makeNode,
	nodeTypes,
	types,
	workflowPackage,
} from './engine.mts';

const TRIGGER_TYPE = 'n8n-nodes-wavespeed-speech-to-video.wan22SpeechToVideoTrigger';
const { Wan22SpeechToVideoTrigger } = built<{ Wan22SpeechToVideoTrigger: new () => INodeType }>(
	'nodes/Wan22SpeechToVideoTrigger/Wan22SpeechToVideoTrigger.node.js',
);
types[TRIGGER_TYPE] = new Wan22SpeechToVideoTrigger();

export interface TriggerOptions {
	credential: Credential | undefined;
	parameters?: IDataObject;
	/** `manual` is a test run in the editor. */
	mode?: 'webhook' | 'manual';
	/** What n8n has stored of the workflow before, as JSON. */
	stored?: string;
}

export interface TriggerRig {
	/** The production URL of the node. */
	url: string;
	activate(activation?: WorkflowActivateMode): Promise<unknown>;
	deactivate(): Promise<unknown>;
	/** From now on what n8n has not read by itself never ends. */
	holdBodies(): void;
	/** The items that workflows were started with. */
	started: INodeExecutionData[];
	logs: string[];
	/** The requests as they came: headers, and the body as a text. */
	received: Record<string, string>[];
	/** The bodies of the node's own answers. */
	answers: string[];
	/** The errors that the node has thrown into n8n. */
	thrown: unknown[];
	/** n8n's static data in the database. */
	stored(): string;
	/** n8n can't start the workflow for the next so many callbacks. */
	failStarts(times: number): void;
	/** Resolves when no request is under way. */
	idle(): Promise<void>;
	close(): Promise<void>;
}

let triggerCount = 0;

/**
 * The trigger as n8n's server calls it: for each request a copy of the workflow with what is stored, written back as a
 * whole when the request is answered. (n8n: live-webhooks, webhook-helpers.)
 */
export async function startTrigger(options: TriggerOptions): Promise<TriggerRig> {
	const mode = options.mode ?? 'webhook';
	triggerCount += 1;
	const type = nodeTypes.getByName(TRIGGER_TYPE);
	const node: INode = makeNode('Trigger', TRIGGER_TYPE, {
		typeVersion: type.description.defaultVersion ?? 1,
		// Each test is a process of its own: what one remembers belongs to a node's ID.
		id: `trigger ${triggerCount}`,
		webhookId: 'hook',
		parameters: (options.parameters ?? {}) as INode['parameters'],
		credentials: { waveSpeedApi: { id: '1', name: 'WaveSpeed' } },
	});
	let stored = options.stored ?? '{}';
	let failures = 0;
	const started: INodeExecutionData[] = [];
	let holdsBodies = false;
	const answers: string[] = [];
	const thrown: unknown[] = [];
	const logs: string[] = [];
	const received: Record<string, string>[] = [];

	type StaticData = IDataObject | undefined;
	const createWorkflow = (staticData: StaticData) =>
		new workflowPackage.Workflow({
			id: 'test-workflow',
			name: 'Test',
			nodes: [node],
			connections: {},
			active: true,
			nodeTypes,
			staticData,
			settings: { executionOrder: 'v1' },
		});
	const load = (more: object = {}) => {
		const staticData = (stored === '{}' ? undefined : JSON.parse(stored)) as StaticData;
		const workflow = createWorkflow(staticData);
		const additionalData = {
			...makeAdditionalData(options.credential, workflow.id, [node]),
			...more,
		};
		// There is no execution yet.
		delete (additionalData as { executionId?: string }).executionId;
		return { workflow, staticData, additionalData, node: workflow.getNode('Trigger') as INode };
	};
	const description = type.description.webhooks?.[0];
	if (!description) throw new Error('the trigger has no webhook');
	const webhookData = {
		httpMethod: 'POST',
		node: node.name,
		path: description.path,
		webhookDescription: description,
		workflowId: 'test-workflow',
		isTest: mode === 'manual',
	} as unknown as IWebhookData;
	const save = async (workflow: ReturnType<typeof load>['workflow']): Promise<void> => {
		const { staticData } = workflow;
		if (staticData.__dataChanged !== true) return;
		const text = JSON.stringify(staticData);
		await setImmediate();
		stored = text;
	};
	const callHook = async (
		method: 'create' | 'delete',
		activation: WorkflowActivateMode,
	): Promise<unknown> => {
		captureLogs(logs);
		const { workflow, additionalData, node: own } = load();
		const context = new core.HookContext(
			workflow,
			own,
			additionalData,
			mode === 'manual' ? 'manual' : 'trigger',
			activation,
			webhookData,
		);
		const methods = type.webhookMethods?.default;
		if (method === 'delete') return await methods?.delete.call(context as never);
		const exists = await methods?.checkExists.call(context as never);
		const result = exists ? true : await methods?.create.call(context as never);
		await save(workflow);
		return result;
	};

	let underWay = 0;
	const server = createServer((request, response) => {
		underWay += 1;
		receive(request, response)
			.catch((error: unknown) => {
				thrown.push(error);
				response.writeHead(500).end();
			})
			.finally(() => (underWay -= 1));
	});

	async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
		captureLogs(logs);
		const chunks: Buffer[] = [];
		for await (const chunk of request) chunks.push(chunk as Buffer);
		const rawBody = Buffer.concat(chunks);
		received.push({ ...(request.headers as Record<string, string>), body: rawBody.toString() });
		// For nodes of a version above 1 n8n reads some types only; the node may ask for others, but not for forms.
		const contentType = request.headers['content-type'] ?? '';
		const isRead = contentType.startsWith('application/json');
		const httpRequest = Object.assign(request, {
			...(isRead ? { rawBody, body: tryParse(rawBody) } : { body: {} }),
			async readRawBody() {
				await setImmediate();
				if (contentType.startsWith('multipart/')) throw new Error('stream is not readable');
				if (holdsBodies) await new Promise(() => {});
				Object.assign(request, { rawBody });
			},
		});
		const {
			workflow,
			staticData,
			additionalData,
			node: own,
		} = load({
			httpRequest,
			httpResponse: withExpress(response, answers),
		});
		await setImmediate();
		const context = new core.WebhookContext(
			workflow,
			own,
			additionalData,
			mode,
			webhookData,
			[],
			null,
		);
		const outcome = (await type.webhook?.call(context as never)) as IWebhookResponseData;
		if (!outcome.workflowData) {
			await save(workflow);
			if (!outcome.noWebhookResponse) response.writeHead(200).end('{}');
			return;
		}
		await setImmediate();
		if (failures > 0) {
			failures -= 1;
			response.writeHead(500).end('There was a problem executing the workflow');
			return;
		}
		started.push(...outcome.workflowData.flat());
		// The execution gets the same stored data, which marks it as unchanged before n8n saves it (2.40).
		createWorkflow(staticData);
		await save(workflow);
		response.writeHead(200).end('{"message":"Workflow was started"}');
	}

	captureLogs(logs);
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	return {
		url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhook/hook/webhook`,
		activate: async (activation = 'activate') => await callHook('create', activation),
		deactivate: async () => await callHook('delete', 'update'),
		holdBodies: () => void (holdsBodies = true),
		started,
		logs,
		received,
		answers,
		thrown,
		stored: () => stored,
		failStarts: (times) => void (failures = times),
		idle: async () => {
			while (underWay > 0) await setImmediate();
		},
		close: async () => {
			server.closeAllConnections();
			await new Promise<void>((resolve) => server.close(() => resolve()));
		},
	};
}

/** The two functions of Express that a node answers with. */
function withExpress(response: ServerResponse, answers: string[]): ServerResponse {
	return Object.assign(response, {
		status(code: number) {
			response.statusCode = code;
			return response;
		},
		json(body: unknown) {
			answers.push(JSON.stringify(body));
			response.end(JSON.stringify(body));
			return response;
		},
	});
}

function tryParse(body: Buffer): unknown {
	try {
		return JSON.parse(body.toString());
	} catch {
		return {};
	}
}
