import 'reflect-metadata';

import { AsyncLocalStorage } from 'node:async_hooks';
import { mkdtempSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';

import type {
	IAuthenticate,
	IBinaryData,
	ICredentialDataDecryptedObject,
	ICredentialType,
	IDataObject,
	IExecuteFunctions,
	IHttpRequestOptions,
	INode,
	INodeExecutionData,
	INodeType,
	IRun,
	IRunExecutionData,
	IWorkflowExecuteAdditionalData,
	IWorkflowSettings,
} from 'n8n-workflow';

/** Read by n8n-core when it is loaded. */
process.env.N8N_USER_FOLDER = mkdtempSync(path.join(tmpdir(), 'wan22-engine-'));
process.env.N8N_ENCRYPTION_KEY = 'only-for-tests';
process.env.N8N_LOG_LEVEL = 'silent';
process.env.N8N_DEFAULT_BINARY_DATA_MODE ??= 'filesystem';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
export const NODE_TYPE = 'n8n-nodes-wavespeed-speech-to-video.wan22SpeechToVideo';

/**
 * n8n-core must be loaded after its settings are in place, and as CommonJS: with jest's own `require` in a test,
 * else with one of Node.js.
 */
const load: NodeJS.Require =
	typeof require === 'function' ? require : createRequire(import.meta.url);
const core = load('n8n-core') as typeof import('n8n-core');
const workflowPackage = load('n8n-workflow') as typeof import('n8n-workflow');
/** The copies that n8n-core itself uses: other packages bring their own. */
const requireOfCore = <T,>(name: string): T =>
	load(load.resolve(name, { paths: [load.resolve('n8n-core')] })) as T;
type Class<T> = abstract new (...args: never[]) => T;
const { Container } = requireOfCore<{ Container: { get<T>(type: Class<T>): T } }>('@n8n/di');
const { Logger } = requireOfCore<{ Logger: Class<object> }>('@n8n/backend-common');
const built = <T,>(file: string): T => load(path.join(ROOT, 'dist', file)) as T;

/** Before 2.36 n8n sends rows with `details` to the regular output, so the node leaves them out on the error branch. */
export const routesDetails = 'redactedHeaders' in workflowPackage;

/** The clock module of the built node: a test puts its own functions here. */
export const { systemTime } = built<{
	systemTime: { now(): number; wallTime(): number; sleep(ms: number): Promise<void> };
}>('nodes/shared/n8n/session/clock.js');

const { accounts } = built<{ accounts: { clear(): void } }>('nodes/shared/n8n/session/openApi.js');

export const { liveLedgers } = built<{
	liveLedgers: { clear(): void; open(origin: string, stored: object): object };
}>('nodes/shared/n8n/run/storedContext.js');

/** As after a restart of n8n: nothing is known of any account or execution. */
export function forgetAll(): void {
	accounts.clear();
	liveLedgers.clear();
	STORAGE.noteStored();
}

const { STORAGE } = built<{ STORAGE: { noteStored(): void } }>(
	'nodes/shared/n8n/output/storageWatch.js',
);

const { Wan22SpeechToVideo } = built<{ Wan22SpeechToVideo: new () => INodeType }>(
	'nodes/Wan22SpeechToVideo/Wan22SpeechToVideo.node.js',
);

const { WaveSpeedApi } = built<{ WaveSpeedApi: new () => ICredentialType }>(
	'credentials/WaveSpeedApi.credentials.js',
);
/** As an object of expressions it would make n8n evaluate one for each request, at a webhook in an engine of its own. */
const authenticate = new WaveSpeedApi().authenticate as Extract<
	IAuthenticate,
	(...args: never[]) => unknown
>;

export interface Credential {
	apiKey: string;
	baseUrl: string;
	accountLevel: string;
}

export interface RunOptions {
	credential: Credential | undefined;
	items: INodeExecutionData[];
	parameters: IDataObject;
	/** Settings of the node, such as onError, retryOnFail. */
	settings?: Partial<INode>;
	workflowSettings?: IWorkflowSettings;
	/** The node runs twice in the execution, with the same items, as in a loop. */
	twice?: boolean;
	/** Goes on with the stored data of an earlier run, as Retry of an execution does. */
	retryOf?: IRun;
	/** A node of the type `test.between` stands before ours. */
	hasNodeBefore?: boolean;
	/** By another workflow, as a sub-workflow. */
	isCalled?: boolean;
	/** n8n's server around this execution, where it can be parked. */
	server?: Server;
	/** Gets a function that stops the execution, as the user's Stop does. */
	onStart?: (stop: () => void) => void;
}

/** What an execution has of the n8n that it runs in. */
export interface Server {
	executionId: string;
	/** The beginning of resume URLs. */
	resumeBase: string;
	executeWorkflow?: IWorkflowExecuteAdditionalData['executeWorkflow'];
}

export interface RunResult {
	run: IRun;
	/** Items on the regular output, and on the error branch. */
	items: INodeExecutionData[];
	errorItems: INodeExecutionData[];
	error: (Error & { description?: string; context?: IDataObject }) | undefined;
	/** What the node keeps with the execution. */
	context: IDataObject;
	logs: string[];
}

class TestCredentials extends workflowPackage.ICredentialsHelper {
	constructor(private readonly credential: Credential | undefined) {
		super();
	}
	getParentTypes(): string[] {
		return [];
	}
	isCredentialUsableByNode(): boolean {
		return true;
	}
	async authenticate(
		credentials: ICredentialDataDecryptedObject,
		_typeName: string,
		options: IHttpRequestOptions,
	): Promise<IHttpRequestOptions> {
		return await authenticate(credentials, options);
	}
	async preAuthentication(): Promise<undefined> {
		return undefined;
	}
	async runPreAuthentication(): Promise<undefined> {
		return undefined;
	}
	async getCredentials(): Promise<never> {
		throw new Error('not used');
	}
	async getDecrypted(): Promise<ICredentialDataDecryptedObject> {
		if (!this.credential) throw new Error('Credential not found');
		return { ...this.credential };
	}
	async updateCredentials(): Promise<void> {}
	async updateCredentialsOauthTokenData(): Promise<void> {}
	getCredentialsProperties(): never[] {
		return [];
	}
}

/** Hands on its input; stands for whatever comes before and after the node. */
class PassThrough implements INodeType {
	description = {
		displayName: 'Pass Through',
		name: 'passThrough',
		group: ['transform' as const],
		version: 1,
		description: '',
		defaults: { name: 'Pass Through' },
		inputs: ['main' as const],
		outputs: ['main' as const],
		properties: [],
	};
	async execute(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
		return [this.getInputData()];
	}
}

export const types: Record<string, INodeType> = {
	'test.passThrough': new PassThrough(),
	[NODE_TYPE]: new Wan22SpeechToVideo(),
};

const nodeTypes = {
	getByName: (name: string) => types[name] as INodeType,
	getByNameAndVersion: (name: string) => types[name] as INodeType,
	getKnownTypes: () => ({}),
};

/** Start → the node → two sinks, one for each branch. */
export function makeWorkflow(options: RunOptions) {
	const target = makeNode('Talk', NODE_TYPE, {
		parameters: options.parameters as INode['parameters'],
		credentials: { waveSpeedApi: { id: '1', name: 'WaveSpeed' } },
		...options.settings,
	});
	const nodes = [
		makeNode('Start', 'test.passThrough'),
		target,
		makeNode('Again', 'test.passThrough'),
		...(options.hasNodeBefore ? [makeNode('Between', 'test.between')] : []),
		makeNode('Good', 'test.passThrough'),
		makeNode('Bad', 'test.passThrough'),
	];
	const link = (node: string) => [{ node, type: 'main' as const, index: 0 }];
	return new workflowPackage.Workflow({
		id: 'test-workflow',
		name: 'Test',
		nodes,
		connections: {
			Start: {
				main: [
					options.twice
						? [...link('Talk'), ...link('Again')]
						: link(options.hasNodeBefore ? 'Between' : 'Talk'),
				],
			},
			...(options.hasNodeBefore ? { Between: { main: [link('Talk')] } } : {}),
			Again: { main: [link('Talk')] },
			Talk: { main: [link('Good'), link('Bad')] },
		},
		active: false,
		nodeTypes,
		// Kept, as by n8n's own default: where it isn't said, the node parks in some versions only.
		settings: {
			...{ executionOrder: 'v1', saveDataSuccessExecution: 'all' },
			...options.workflowSettings,
		},
	});
}

/** The node as users get it, in n8n's own engine. */
export async function runNode(options: RunOptions): Promise<RunResult> {
	const workflow = makeWorkflow(options);
	const nodes = Object.values(workflow.nodes);
	const logs: string[] = [];
	const data = options.retryOf
		? prepareRetry(options.retryOf, nodes)
		: workflowPackage.createRunExecutionData({
				executionData: {
					contextData: {},
					metadata: {},
					waitingExecution: {},
					waitingExecutionSource: {},
					nodeExecutionStack: [
						{
							node: workflow.getNode('Start') as INode,
							data: { main: [options.items] },
							source: null,
						},
					],
				},
			});
	const execution = new core.WorkflowExecute(
		makeAdditionalData(
			options.credential,
			workflow.id,
			nodes,
			options.server ?? nameExecution(options.retryOf),
		),
		options.isCalled ? 'integrated' : options.retryOf ? 'retry' : 'trigger',
		data,
	);
	return await ownLogs.run(logs, async () => {
		captureLogs(logs);
		const running = execution.processRunExecutionData(workflow);
		options.onStart?.(() => running.cancel());
		return describeRun(await running, logs);
	});
}

function makeNode(name: string, type: string, more: Partial<INode> = {}): INode {
	return { id: name, name, type, typeVersion: 1, position: [0, 0], parameters: {}, ...more };
}

/** What n8n stores goes through JSON; its Retry runs the stack that was left again, with the workflow as it is now. */
function prepareRetry(run: IRun, nodes: INode[]): IRunExecutionData {
	const data = JSON.parse(JSON.stringify(run.data)) as IRunExecutionData;
	data.resultData.error = undefined;
	const stack = data.executionData?.nodeExecutionStack ?? [];
	for (const entry of stack) {
		entry.node = nodes.find(({ name }) => name === entry.node.name) ?? entry.node;
	}
	const { lastNodeExecuted } = data.resultData;
	if (lastNodeExecuted) data.resultData.runData[lastNodeExecuted]?.pop();
	return data;
}

let retries = 0;

/** A retry is an execution with an ID of its own. */
function nameExecution(retryOf?: IRun): Server {
	if (retryOf) retries += 1;
	const executionId = retryOf ? `${1_000 + retries}` : '1';
	return { executionId, resumeBase: 'http://127.0.0.1:1/webhook-waiting' };
}

function makeAdditionalData(
	credential: Credential | undefined,
	workflowId: string,
	nodes: INode[],
	server: Server = nameExecution(),
): IWorkflowExecuteAdditionalData {
	const workflowData = { id: workflowId, name: 'Test', nodes, connections: {}, active: false };
	const hooks = new core.ExecutionLifecycleHooks('trigger', '1', workflowData as never);
	const address = 'http://127.0.0.1:1';
	return {
		credentialsHelper: new TestCredentials(credential),
		hooks,
		executionId: server.executionId,
		executeWorkflow: server.executeWorkflow,
		currentNodeExecutionIndex: 0,
		restApiUrl: address,
		instanceBaseUrl: `${address}/`,
		formWaitingBaseUrl: address,
		webhookBaseUrl: address,
		webhookWaitingBaseUrl: server.resumeBase,
		webhookTestBaseUrl: address,
		variables: {},
		setExecutionStatus: () => {},
		sendDataToUI: () => {},
		logAiEvent: () => {},
	} as unknown as IWorkflowExecuteAdditionalData;
}

/** Tells the lines of executions apart that run side by side; n8n has one logger for all. */
const ownLogs = new AsyncLocalStorage<string[]>();

/** What the node writes to n8n's log: an ID there is the last resort when nothing else is left. */
function captureLogs(into: string[]): void {
	const logger = Container.get(Logger) as unknown as Record<string, (message: string) => void>;
	for (const level of ['error', 'warn', 'info']) {
		logger[level] = (message) => (ownLogs.getStore() ?? into).push(message);
	}
}

export function describeRun(run: IRun, logs: string[]): RunResult {
	const { runData, error } = run.data.resultData;
	const outputs = runData.Talk?.at(-1)?.data?.main ?? [];
	const contextData = run.data.executionData?.contextData ?? {};
	return {
		run,
		items: outputs[0] ?? [],
		errorItems: outputs[1] ?? [],
		error: error as RunResult['error'],
		context: contextData['node:Talk'] ?? {},
		logs,
	};
}

/** Puts bytes where n8n keeps files, as a node before ours would have. */
export async function storeFile(
	content: Buffer | Readable,
	fileName: string,
	mimeType: string,
): Promise<IBinaryData> {
	const service = Container.get(core.BinaryDataService);
	const location = { type: 'execution' as const, workflowId: 'test-workflow', executionId: '1' };
	const data: IBinaryData = { data: '', mimeType, fileName };
	const extension = path.extname(fileName).slice(1);
	return await service.store(location as never, content, {
		...data,
		...(extension ? { fileExtension: extension } : {}),
	});
}

export async function readStored(binary: IBinaryData): Promise<Buffer> {
	return await Container.get(core.BinaryDataService).getAsBuffer(binary);
}

export async function initEngine(): Promise<void> {
	await Container.get(core.BinaryDataService).init();
}

export const sampleFile = (name: string): Buffer =>
	readFileSync(path.join(ROOT, 'test/media', name));

/** For the harnesses of the trigger and of agents. */
export {
	built,
	captureLogs,
	core,
	makeAdditionalData,
	makeNode,
	nodeTypes,
	ownLogs,
	prepareRetry,
	requireOfCore,
	workflowPackage,
};
