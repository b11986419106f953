import {
	type IDataObject,
	type IExecuteFunctions,
	type INode,
	type INodeExecutionData,
	type INodeType,
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
	type RunResult,
	types,
	workflowPackage,
} from './engine.mts';

/** The node as a tool, called through n8n-core by a model that says what a test wants it to say. */

const TOOL_TYPE = `${NODE_TYPE}Tool`;
const AGENT_TYPE = 'test.agent';

/** What the agent hears from its tool. */
export type ToolAnswer = { video: IDataObject } | { error: Error };

export type CallTool = (args: IDataObject) => Promise<ToolAnswer>;

export interface AgentOptions {
	credential: Credential;
	/** Of the tool; `$fromAI` names what the model fills in. */
	parameters: IDataObject;
	/** Settings of the tool, such as retryOnFail. */
	settings?: Partial<INode>;
	/** What the model does. `getTool` connects the tool once more, as for a further item of the agent. */
	think(call: CallTool, getTool: () => Promise<CallTool>): Promise<void>;
}

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
		await (types[AGENT_TYPE] as Agent).think(await getTool(), getTool);
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
	const nodes = [
		makeNode('Start', 'test.passThrough'),
		makeNode('Agent', AGENT_TYPE),
		makeNode('Talk', TOOL_TYPE, {
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
			Start: { main: [[{ node: 'Agent', type: 'main', index: 0 }]] },
			Talk: { ai_tool: [[{ node: 'Agent', type: 'ai_tool', index: 0 }]] },
		},
		active: false,
		nodeTypes,
		settings: { executionOrder: 'v1' },
	});
	const data = workflowPackage.createRunExecutionData({
		executionData: {
			contextData: {},
			metadata: {},
			waitingExecution: {},
			waitingExecutionSource: {},
			nodeExecutionStack: [
				{
					node: workflow.getNode('Start') as INode,
					data: { main: [[{ json: { chatInput: 'a video, please' } }]] },
					source: null,
				},
			],
		},
	});
	const additionalData = makeAdditionalData(options.credential, workflow.id, nodes);
	const execution = new core.WorkflowExecute(additionalData, 'trigger', data);
	const logs: string[] = [];
	return await ownLogs.run(logs, async () =>
		describeRun(await execution.processRunExecutionData(workflow), logs),
	);
}
