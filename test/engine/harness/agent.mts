import {
	type EngineResponse,
	type IDataObject,
	type IExecuteFunctions,
	type INode,
	type INodeExecutionData,
	type INodeType,
	type IRun,
	NodeConnectionTypes,
} from 'n8n-workflow';

import {
	core,
	type Credential,
	describeRun,
	makeAdditionalData,
	makeNode,
	nodeTypes,
	NODE_TYPE,
	ownLogs,
	prepareRetry,
	type RunResult,
	type Server,
	types,
	workflowPackage,
} from './engine.mts';

/** The node as a tool, called through n8n-core by a model that says what a test wants it to say. */

const TOOL_TYPE = `${NODE_TYPE}Tool`;
const AGENT_TYPE = 'test.agent';
const RETRIED = { retryOnFail: true, maxTries: 3, waitBetweenTries: 1 };

/** What the agent hears from its tool. */
export type ToolAnswer = { video: IDataObject } | { error: Error };

export type CallTool = (args: IDataObject) => Promise<ToolAnswer>;

export interface AgentOptions {
	credential: Credential;
	/** Of the tool; `$fromAI` names what the model fills in. */
	parameters: IDataObject;
	/** Settings of the tool, such as retryOnFail. */
	settings?: Partial<INode>;
	/** The failed execution that this one is the Retry of. */
	retryOf?: IRun;
	/** What the agent gets, one after the other, each in a run of its own, as in a loop over customers. */
	customers?: IDataObject[];
	/** What the model does. `getTool` connects the tool once more, as for a further item of the agent. */
	think(call: CallTool, getTool: () => Promise<CallTool>, customer: IDataObject): Promise<void>;
}

const customerOf = (ctx: IExecuteFunctions): IDataObject => ctx.getInputData()[0]?.json ?? {};

interface ConnectedTool {
	invoke(args: IDataObject): Promise<string>;
}

/** Agents of the present take tools as LangChain objects, whose `invoke` runs the node. */
class Agent implements INodeType {
	description = {
		displayName: 'Agent',
		name: 'agent',
		group: ['transform' as const],
		version: 1,
		description: '',
		defaults: { name: 'Agent' },
		inputs: [NodeConnectionTypes.Main, NodeConnectionTypes.AiTool].map((type) => ({ type })),
		outputs: [NodeConnectionTypes.Main],
		properties: [],
	};
	constructor(private readonly think: AgentOptions['think']) {}

	async execute(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
		const getTool = async (): Promise<CallTool> => {
			const found = await this.getInputConnectionData(NodeConnectionTypes.AiTool, 0);
			const [tool] = found as ConnectedTool[];
			return async (args) => await ask(tool as ConnectedTool, args);
		};
		// n8n calls this with its context for `this`, so the agent itself has to be looked up.
		await (types[AGENT_TYPE] as Agent).think(await getTool(), getTool, customerOf(this));
		return [[{ json: {} }]];
	}
}

async function ask(tool: ConnectedTool, args: IDataObject): Promise<ToolAnswer> {
	try {
		const [video] = JSON.parse(await tool.invoke(args)) as IDataObject[];
		return { video: video ?? {} };
	} catch (error) {
		return { error: error as Error };
	}
}

/** What n8n makes of a node that is usable as a tool. (n8n: tool-generation/ai-tools.) */
function toTool(node: INodeType): INodeType {
	const { description } = node;
	return Object.create(node, {
		description: {
			value: {
				...description,
				name: `${description.name}Tool`,
				inputs: [],
				outputs: [NodeConnectionTypes.AiTool],
			},
		},
	}) as INodeType;
}

/** Start → Agent, with the tool hanging on the agent. */
export async function runAgent(options: AgentOptions): Promise<RunResult> {
	types[AGENT_TYPE] = new Agent(options.think);
	types[TOOL_TYPE] ??= toTool(nodeTypes.getByName(NODE_TYPE));
	return await runWithTool(options, TOOL_TYPE);
}

/** What n8n-core hands back to an agent that has asked for calls; nothing is in it when the agent begins. */
type ToolResponse = EngineResponse<{ round?: number }>;

export interface RoundsOptions extends Omit<AgentOptions, 'think'> {
	/** What the model fills in, call by call and round by round; a round's calls are asked for together. */
	rounds: IDataObject[][];
	/** So often the agent itself fails after its first answers, as if its model were not there. */
	failures?: number;
	/** n8n's server, where executions can be parked. */
	server?: Server;
}

/**
 * Newer agents ask n8n to run their tools as nodes of the workflow, and go on when it has done so. Returns what the
 * agent has heard, call by call, in the order of the rounds.
 */
export async function runAgentInRounds(
	options: RoundsOptions,
): Promise<RunResult & { heard: IDataObject[] }> {
	const heard: IDataObject[] = [];
	let failures = options.failures ?? 0;
	let calls = 0;
	class AgentInRounds extends Agent {
		override async execute(
			this: IExecuteFunctions,
			response?: ToolResponse,
		): Promise<INodeExecutionData[][]> {
			for (const { data } of response?.actionResponses ?? []) {
				heard.push(data.data?.ai_tool?.[0]?.[0]?.json ?? {});
			}
			const round = (response?.metadata?.round ?? -1) + 1;
			if (round > 0 && failures > 0) {
				failures -= 1;
				throw new Error('the model is not there');
			}
			const asked = options.rounds[round];
			if (!asked) return [[{ json: {} }]];
			const actions = asked.map((input) => ({
				...{ actionType: 'ExecutionNodeAction', nodeName: 'Talk', type: 'ai_tool' },
				...{ id: `call_${(calls += 1)}`, input, metadata: { itemIndex: 0 } },
			}));
			return { actions, metadata: { round } } as unknown as INodeExecutionData[][];
		}
	}
	types[AGENT_TYPE] = new AgentInRounds(async () => {});
	return { ...(await runWithTool(options, NODE_TYPE)), heard };
}

const linkTo = (node: string) => [{ node, type: 'main' as const, index: 0 }];

/** A node that has one customer's data. */
function makeTurn(name: string, customer: IDataObject): INode {
	const type = `test.${name}`;
	types[type] = {
		description: { ...types['test.passThrough']!.description, name },
		execute: async () => await Promise.resolve([[{ json: customer, pairedItem: 0 }]]),
	};
	return makeNode(name, type);
}

async function runWithTool(
	options: Omit<AgentOptions, 'think'> & Pick<RoundsOptions, 'failures' | 'server'>,
	toolType: string,
): Promise<RunResult> {
	const { customers = [{ chatInput: 'a video, please' }] } = options;
	const turns = customers.map((customer, index) => makeTurn(`Turn ${index}`, customer));
	const nodes = [
		makeNode('Start', 'test.passThrough'),
		...turns,
		makeNode('Customer', 'test.passThrough'),
		makeNode('Agent', AGENT_TYPE, options.failures ? RETRIED : {}),
		makeNode('Talk', toolType, {
			parameters: options.parameters as INode['parameters'],
			credentials: { waveSpeedApi: { id: '1', name: 'WaveSpeed' } },
			...options.settings,
		}),
	];
	const workflow = new workflowPackage.Workflow({
		id: 'test-workflow',
		name: 'Test',
		nodes,
		connections: {
			Start: { main: [turns.flatMap(({ name }) => linkTo(name))] },
			...Object.fromEntries(turns.map(({ name }) => [name, { main: [linkTo('Customer')] }])),
			Customer: { main: [linkTo('Agent')] },
			Talk: { ai_tool: [[{ node: 'Agent', type: 'ai_tool', index: 0 }]] },
		},
		active: false,
		nodeTypes,
		settings: { executionOrder: 'v1' },
	});
	const stack = [
		{
			node: workflow.getNode('Start') as INode,
			data: { main: [[{ json: {} }]] },
			source: null,
		},
	];
	const waiting = { waitingExecution: {}, waitingExecutionSource: {} };
	const begun = { contextData: {}, metadata: {}, ...waiting, nodeExecutionStack: stack };
	const data = options.retryOf
		? prepareRetry(options.retryOf, nodes)
		: workflowPackage.createRunExecutionData({ executionData: begun });
	const ofRetry = { executionId: '2', resumeBase: 'http://127.0.0.1:1/webhook-waiting' };
	const { credential, server = options.retryOf && ofRetry } = options;
	const additionalData = makeAdditionalData(credential, workflow.id, nodes, server);
	const execution = new core.WorkflowExecute(additionalData, 'trigger', data);
	const logs: string[] = [];
	return await ownLogs.run(logs, async () =>
		describeRun(await execution.processRunExecutionData(workflow), logs),
	);
}
