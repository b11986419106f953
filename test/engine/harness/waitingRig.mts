import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import type {
	ExecuteWorkflowOptions,
	IExecuteFunctions,
	INode,
	INodeExecutionData,
	INodeType,
	IRun,
	IRunExecutionData,
	IWebhookData,
	IWebhookResponseData,
	IWorkflowBase,
	RelatedExecution,
	Workflow,
} from 'n8n-workflow';

import {
	core,
	describeRun,
	makeAdditionalData,
	makeWorkflow,
	nodeTypes,
	type RunOptions,
	type RunResult,
	types,
	workflowPackage,
} from './engine.mts';
import type { Rig } from './rig.mts';

/**
 * What n8n's server does for executions that wait: it stores them as JSON, wakes them by time and by webhook, runs
 * children, and hands what they give to their parents. Written after n8n 2.40.7 (wait-tracker, waiting-webhooks,
 * workflow-helpers, workflow-execute-additional-data); whether it is so in a real n8n is shown by the tests in test/e2e.
 */
export interface WaitingRig {
	/** Starts the node in an execution of its own; it may be parked when this returns. */
	start(options: Partial<RunOptions> & Pick<RunOptions, 'parameters'>): Promise<RunResult>;
	/** The parent's end, however long it takes. */
	ended(): Promise<RunResult>;
	/** Lets so much time pass. */
	pass(ms: number): Promise<void>;
	status(execution?: string): string | undefined;
	/** What n8n has stored of an execution, as JSON. */
	stored(execution?: string): string;
	/** Changes what n8n has stored. */
	rewrite(execution: string, change: (stored: string) => string): void;
	/** n8n is killed in the middle of this execution's next step: it never ends. */
	killNextStep(execution: string): void;
	stop(execution: string): void;
	/** The statuses of the answers to requests, with the execution that they were for. */
	answers: { execution: string; status: number }[];
	close(): Promise<void>;
}

export const PARENT = '1';
export const CHILD = '2';

interface Execution {
	id: string;
	status: 'running' | 'waiting' | 'success' | 'error' | 'crashed' | 'canceled';
	data: string;
	makeWorkflow(): Workflow;
	parent: RelatedExecution | undefined;
	mode: 'trigger' | 'integrated' | 'retry';
	scheduled: boolean;
	killed: boolean;
}

/** n8n looks once a minute for executions that are due within the next 70 s, and sets exact timers for them. */
const TICK_MS = 60_000;
const AHEAD_MS = 70_000;

/** n8n's If node of version 1, as far as the child uses it. */
class If implements INodeType {
	description = {
		...{ displayName: 'If', name: 'if', group: ['transform' as const], version: 1 },
		...{ description: '', defaults: { name: 'If' }, inputs: ['main' as const] },
		outputs: ['main' as const, 'main' as const],
		properties: [
			{ displayName: 'Conditions', name: 'conditions', type: 'json' as const, default: {} },
		],
	};
	async execute(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
		const conditions = this.getNodeParameter('conditions', 0) as {
			boolean: { value1: unknown; value2: unknown }[];
		};
		const [condition] = conditions.boolean;
		const items = this.getInputData();
		return condition?.value1 === condition?.value2 ? [items, []] : [[], items];
	}
}
types['n8n-nodes-base.if'] = new If();
types['n8n-nodes-base.executeWorkflowTrigger'] = types['test.passThrough'] as INodeType;

/** n8n refuses what it can't parse; here the node is to see it. */
function readJson(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		return {};
	}
}

/** n8n stores values that contain themselves, too; of an execution that has ended nothing is read back here. */
function toText(data: IRunExecutionData): string {
	try {
		return JSON.stringify(data);
	} catch {
		return '{}';
	}
}

export async function startWaiting(rig: Rig): Promise<WaitingRig> {
	const executions = new Map<string, Execution>();
	const answers: WaitingRig['answers'] = [];
	let credential = rig.credential as RunOptions['credential'];
	let lastResult: RunResult | undefined;
	let announceEnd = (): void => {};
	const isOpen = ({ status }: Execution): boolean => status === 'running' || status === 'waiting';
	let isClosed = false;
	let base = '';
	const get = (id: string): Execution => {
		const found = executions.get(id);
		if (!found) throw new Error(`there is no execution ${id}`);
		return found;
	};
	const open = (more: Pick<Execution, 'makeWorkflow' | 'parent' | 'mode'>): Execution => {
		const id = String(executions.size + 1);
		const made: Execution = {
			...{ id, status: 'running', data: '', scheduled: false, killed: false },
			...more,
		};
		executions.set(id, made);
		return made;
	};
	const serverOf = (id: string) => ({ executionId: id, resumeBase: base, executeWorkflow });

	/** Stores what a run has come to, and wakes the parent of one that has ended. */
	async function settleRun(execution: Execution, run: IRun): Promise<void> {
		if (execution.status === 'canceled') return;
		execution.data = run.waitTill ? JSON.stringify(run.data) : toText(run.data);
		execution.scheduled = false;
		const { error } = run.data.resultData;
		execution.status = run.waitTill ? 'waiting' : error ? 'error' : 'success';
		if (execution.id === PARENT) {
			lastResult = describeRun(run, []);
			if (!isOpen(execution)) announceEnd();
		}
		if (run.waitTill || !execution.parent?.shouldResume) return;
		handToParent(get(execution.parent.executionId), run);
		await resume(get(execution.parent.executionId));
	}

	/** n8n: updateParentExecutionWithChildResults */
	function handToParent(parent: Execution, run: IRun): void {
		if (parent.status !== 'waiting') return;
		const data = JSON.parse(parent.data) as IRunExecutionData;
		const [entry] = data.executionData?.nodeExecutionStack ?? [];
		const { error, lastNodeExecuted, runData } = run.data.resultData;
		const last = runData[lastNodeExecuted ?? '']?.at(-1)?.data;
		if (entry && error) {
			entry.metadata = { ...entry.metadata, resumeError: JSON.parse(JSON.stringify(error)) };
		} else if (entry && last) {
			entry.data = JSON.parse(JSON.stringify(last));
		}
		parent.data = JSON.stringify(data);
	}

	async function resume(execution: Execution, change?: (data: IRunExecutionData) => void) {
		if (execution.status !== 'waiting' || isClosed) return;
		execution.status = 'running';
		if (execution.killed) {
			execution.status = 'crashed';
			return;
		}
		const workflow = execution.makeWorkflow();
		const data = JSON.parse(execution.data) as IRunExecutionData;
		if (data.waitTill) data.waitTill = new Date(data.waitTill);
		change?.(data);
		const nodes = Object.values(workflow.nodes);
		const additionalData = makeAdditionalData(
			...([credential, workflow.id, nodes, serverOf(execution.id)] as const),
		);
		const running = new core.WorkflowExecute(additionalData, execution.mode, data);
		await settleRun(execution, await running.processRunExecutionData(workflow));
	}

	async function executeWorkflow(
		{ code }: { code?: IWorkflowBase },
		_additionalData: unknown,
		options: ExecuteWorkflowOptions,
	) {
		// What n8n stores is JSON.
		const stored = JSON.parse(JSON.stringify(code)) as IWorkflowBase;
		const child = open({
			makeWorkflow: () => {
				const { nodes, connections, settings } = JSON.parse(
					JSON.stringify(stored),
				) as IWorkflowBase;
				const id = options.parentWorkflowId;
				return new workflowPackage.Workflow({
					...{ id, name: 'Child', nodes, connections, active: false, nodeTypes, settings },
				});
			},
			parent: options.parentExecution,
			mode: 'integrated',
		});
		const workflow = child.makeWorkflow();
		const node = Object.values(workflow.nodes).find(({ type }) =>
			type.endsWith('executeWorkflowTrigger'),
		) as INode;
		const data = workflowPackage.createRunExecutionData({
			executionData: {
				nodeExecutionStack: [{ node, data: { main: [options.inputData ?? []] }, source: null }],
			},
			parentExecution: options.parentExecution,
		});
		const nodes = Object.values(workflow.nodes);
		const additionalData = makeAdditionalData(
			...([credential, workflow.id, nodes, serverOf(child.id)] as const),
		);
		const running = new core.WorkflowExecute(additionalData, 'integrated', data);
		const run = await running.processRunExecutionData(workflow);
		const parent = child.parent;
		child.parent = undefined;
		await settleRun(child, run);
		child.parent = parent;
		if (run.data.resultData.error) throw run.data.resultData.error;
		const last = run.data.resultData.runData[run.data.resultData.lastNodeExecuted ?? '']?.at(-1);
		return { executionId: child.id, data: last?.data?.main ?? [null], waitTill: run.waitTill };
	}

	async function track(): Promise<void> {
		while (!isClosed) {
			await rig.clock.sleep(TICK_MS);
			for (const execution of executions.values()) {
				if (execution.status !== 'waiting' || execution.scheduled) continue;
				const data = JSON.parse(execution.data) as { waitTill: string };
				const inMs = Date.parse(data.waitTill) - rig.clock.now();
				if (inMs > AHEAD_MS) continue;
				execution.scheduled = true;
				void rig.clock.sleep(Math.max(0, inMs)).then(async () => await resume(execution));
			}
		}
	}

	/** n8n: WaitingWebhooks.executeWebhook */
	async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
		const chunks: Buffer[] = [];
		for await (const chunk of request) chunks.push(chunk as Buffer);
		const url = new URL(request.url ?? '', base);
		const [id = '', suffix = ''] = url.pathname.split('/').slice(2);
		response.on('finish', () => answers.push({ execution: id, status: response.statusCode }));
		const execution = executions.get(id);
		if (!execution) return void response.writeHead(404).end('no such execution');
		if (execution.status !== 'waiting') {
			// In n8n's words, with the quotation mark that it forgets.
			const isRunning = execution.status === 'running';
			const message = isRunning
				? `The execution "${id}" is running already.`
				: `The execution "${id} has finished already.`;
			response.writeHead(409, { 'content-type': 'application/json' });
			return void response.end(JSON.stringify({ code: 409, message }));
		}
		const data = JSON.parse(execution.data) as IRunExecutionData;
		const workflow = execution.makeWorkflow();
		const [entry] = data.executionData?.nodeExecutionStack ?? [];
		const node = workflow.getNode(entry?.node.name ?? '') as INode;
		const type = nodeTypes.getByName(node.type);
		const webhook = type.description.webhooks?.find(({ path }) => path === suffix);
		if (!webhook) return void response.writeHead(404).end('no such webhook');
		const rawBody = Buffer.concat(chunks);
		const body = readJson(rawBody.toString());
		const httpRequest = Object.assign(request, { rawBody, body });
		const httpResponse = Object.assign(response, {
			status: (code: number) => Object.assign(response, { statusCode: code }),
			json: (value: unknown) => response.end(JSON.stringify(value)),
		});
		data.waitTill = undefined;
		data.resultData.runData[node.name]?.pop();
		const nodes = Object.values(workflow.nodes);
		const additionalData = makeAdditionalData(
			...([credential, workflow.id, nodes, serverOf(id)] as const),
		);
		const context = new core.WebhookContext(
			workflow,
			node,
			{ ...additionalData, httpRequest, httpResponse } as never,
			execution.mode,
			{ webhookDescription: webhook } as unknown as IWebhookData,
			[],
			data,
		);
		const outcome = (await type.webhook?.call(context as never)) as IWebhookResponseData;
		if (!outcome.workflowData) {
			if (!outcome.noWebhookResponse) response.writeHead(200).end('{}');
			return;
		}
		if (execution.status !== 'waiting') return void response.writeHead(500).end('resumed already');
		const items = outcome.workflowData;
		void resume(execution, (stored) => {
			const [first] = stored.executionData?.nodeExecutionStack ?? [];
			if (!first) throw new Error('nothing is parked');
			first.node = { ...first.node, disabled: true };
			first.data.main = items;
			first.metadata = { ...first.metadata, forwardAllOutputs: true } as never;
			stored.waitTill = undefined;
			stored.resultData.runData[node.name]?.pop();
		});
		response.writeHead(200).end('{}');
	}
	const server = createServer((request, response) => {
		receive(request, response).catch(() => response.writeHead(500).end());
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhook-waiting`;
	void track();

	return {
		async start(given) {
			const options: RunOptions = { credential, items: [{ json: {} }], ...given };
			credential = options.credential;
			// As in a retry, which is another execution of n8n; here the old one's place is free.
			executions.clear();
			const parent = open({
				makeWorkflow: () => makeWorkflow(options),
				parent: undefined,
				mode: 'trigger',
			});
			const result = await rig.run({ ...options, server: serverOf(PARENT) });
			await settleRun(parent, result.run);
			lastResult = result;
			return result;
		},
		async ended() {
			if (isOpen(get(PARENT))) {
				await rig.clock.runUntil(new Promise<void>((end) => (announceEnd = end)), rig.emulator);
			}
			return lastResult as RunResult;
		},
		async pass(ms) {
			await rig.clock.runUntil(rig.clock.sleep(ms), rig.emulator);
		},
		status: (id = PARENT) => executions.get(id)?.status,
		stored: (id = PARENT) => get(id).data,
		rewrite(id, change) {
			get(id).data = change(get(id).data);
		},
		killNextStep: (id) => void (get(id).killed = true),
		stop: (id) => void (get(id).status = 'canceled'),
		answers,
		async close() {
			isClosed = true;
			server.closeAllConnections();
			await new Promise<void>((resolve) => server.close(() => resolve()));
		},
	};
}
