import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import type {
	INode,
	IRun,
	IRunExecutionData,
	IWebhookData,
	IWebhookResponseData,
} from 'n8n-workflow';

import {
	core,
	describeRun,
	makeAdditionalData,
	makeWorkflow,
	nodeTypes,
	NODE_TYPE,
	type RunOptions,
	type RunResult,
} from './engine.mts';

/** n8n's server for parked executions: stores them as JSON, and brings callbacks to the node's `webhook`. */
export interface WaitingRig {
	/** The beginning of resume URLs. */
	base: string;
	/** Stores a run that is parked; callbacks before that get 409, as in n8n. */
	store(run: IRun, options: RunOptions): void;
	isParked(): boolean;
	timesResumed(): number;
	/** The resumed run, as soon as there is one. */
	resumed: Promise<RunResult>;
	/** The statuses of the answers to callbacks. */
	statuses: number[];
	/** The time limit: n8n doesn't run the node again, but hands on its input. */
	timeOut(): Promise<RunResult>;
	close(): Promise<void>;
}

export async function startWaiting(): Promise<WaitingRig> {
	let stored: string | undefined;
	let options: RunOptions | undefined;
	let timesResumed = 0;
	const statuses: number[] = [];
	let announce: (result: RunResult) => void = () => {};
	const resumed = new Promise<RunResult>((resolve) => (announce = resolve));

	/** What n8n does with a stored execution before it goes on. (n8n: waiting-webhooks, wait-tracker.) */
	const load = () => {
		const data = JSON.parse(stored ?? '{}') as IRunExecutionData;
		const given = options as RunOptions;
		const workflow = makeWorkflow(given);
		const [entry] = data.executionData?.nodeExecutionStack ?? [];
		if (!entry) throw new Error('nothing is parked');
		entry.node = { ...(workflow.getNode('Talk') as INode), disabled: true };
		data.waitTill = undefined;
		data.resultData.runData.Talk?.pop();
		const additionalData = makeAdditionalData(given.credential, workflow.id, [], base);
		return { data, entry, workflow, additionalData };
	};
	const goOn = async ({ data, workflow, additionalData }: ReturnType<typeof load>) => {
		stored = undefined;
		timesResumed += 1;
		const execution = new core.WorkflowExecute(additionalData, 'trigger', data);
		const result = describeRun(await execution.processRunExecutionData(workflow), []);
		announce(result);
		return result;
	};

	async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
		const chunks: Buffer[] = [];
		for await (const chunk of request) chunks.push(chunk as Buffer);
		response.on('finish', () => statuses.push(response.statusCode));
		if (stored === undefined) return void response.writeHead(409).end('not parked');
		const loaded = load();
		const { workflow, entry, data, additionalData } = loaded;
		const httpRequest = Object.assign(request, { rawBody: Buffer.concat(chunks) });
		const httpResponse = Object.assign(response, {
			status: (code: number) => Object.assign(response, { statusCode: code }),
			json: (body: unknown) => response.end(JSON.stringify(body)),
		});
		const type = nodeTypes.getByName(NODE_TYPE);
		const context = new core.WebhookContext(
			workflow,
			workflow.getNode('Talk') as INode,
			{ ...additionalData, httpRequest, httpResponse } as never,
			'trigger',
			{ webhookDescription: type.description.webhooks?.[0] } as unknown as IWebhookData,
			[],
			data,
		);
		const outcome = (await type.webhook?.call(context as never)) as IWebhookResponseData;
		if (!outcome.workflowData) return;
		entry.data.main = outcome.workflowData;
		entry.metadata = { ...entry.metadata, forwardAllOutputs: true } as never;
		await goOn(loaded);
		response.writeHead(200).end('{}');
	}
	const server = createServer((request, response) => {
		receive(request, response).catch(() => response.writeHead(500).end());
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhook-waiting`;

	return {
		base,
		store(run, given) {
			stored = JSON.stringify(run.data);
			options = given;
		},
		isParked: () => stored !== undefined,
		timesResumed: () => timesResumed,
		resumed,
		statuses,
		timeOut: async () => await goOn(load()),
		close: async () => {
			server.closeAllConnections();
			await new Promise<void>((resolve) => server.close(() => resolve()));
		},
	};
}
