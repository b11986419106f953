import type { IDataObject } from 'n8n-workflow';

import type { EmulatorOptions } from '../../emulator/types.mts';
import { type AgentOptions, type CallTool, runAgent, type ToolAnswer } from '../harness/agent.mts';
import { sampleFile } from '../harness/engine.mts';
import type { Rig } from '../harness/rig.mts';
import { GOES_ON, isOf, parametersByUrl, RETRY, startMoneyRig } from './support.mts';

/** Promise 1 as a tool of an AI agent, by the emulator's count of accepted submits. */

let rig: Rig;
let parameters: Record<string, string>;
const start = async (options: EmulatorOptions = {}): Promise<void> => {
	rig = await startMoneyRig(options);
	parameters = {
		operation: 'generate',
		...(await parametersByUrl(rig)),
		prompt: "={{ $fromAI('prompt', 'what the person does', 'string') }}",
	};
};
beforeEach(async () => await start());
afterEach(async () => await rig.close());

const think = async (
	thoughts: (call: CallTool, getTool: () => Promise<CallTool>) => Promise<void>,
	settings = RETRY,
) => {
	const { credential } = rig;
	const result = await rig.until(runAgent({ credential, parameters, settings, think: thoughts }));
	expect(result.error).toBeUndefined();
	return result;
};
const idOf = (answer: ToolAnswer): unknown =>
	'error' in answer ? answer.error : answer.video.taskId;
const ids = () => rig.emulator.tasks().map(({ id }) => id);

/** The first check of a task is refused for good. */
const refuseFirstCheck = (): void =>
	rig.emulator.addFault({
		step: 'result',
		kind: 'status',
		status: 403,
		body: { code: 403, message: 'role' },
	});

test('a try after a lost answer finds the task of the failed one', async () => {
	rig.emulator.addFault({ step: 'submit', kind: 'resetAfter' });
	rig.emulator.addFault({ step: 'list', kind: 'status', status: 403, times: 1 });
	let answer: ToolAnswer | undefined;
	await think(async (call) => {
		answer = await call({ prompt: 'smiles' });
	});
	expect(idOf(answer!)).toBe(ids()[0]);
	expect(rig.emulator.paidTasks()).toBe(1);
});

test('a call that the agent repeats after its error goes on with the task', async () => {
	refuseFirstCheck();
	const answers: ToolAnswer[] = [];
	await think(
		async (call) => {
			answers.push(await call({ prompt: 'smiles' }));
			answers.push(await call({ prompt: 'smiles' }));
		},
		{ ...RETRY, retryOnFail: false },
	);
	expect(answers[0]).toHaveProperty('error.message', expect.stringContaining(ids()[0]!));
	expect(idOf(answers[1]!)).toBe(ids()[0]);
	expect(rig.emulator.paidTasks()).toBe(1);
});

test.each([
	['one after the other', false],
	['side by side', true],
])('two calls on purpose with the same words, %s, are two videos', async (_, together) => {
	const answers: ToolAnswer[] = [];
	await think(async (call) => {
		const first = call({ prompt: 'smiles' });
		if (!together) await first;
		answers.push(...(await Promise.all([first, call({ prompt: 'smiles' })])));
	});
	expect(new Set(answers.map(idOf))).toEqual(new Set(ids()));
	expect(rig.emulator.paidTasks()).toBe(2);
});

test('two calls with other words are two videos, each with its own words, also if the first one is tried again', async () => {
	refuseFirstCheck();
	const answers: ToolAnswer[] = [];
	await think(async (call) => {
		answers.push(
			...(await Promise.all([call({ prompt: 'smiles' }), call({ prompt: 'looks sad' })])),
		);
	});
	const asked = answers.map((answer) => ('video' in answer ? answer.video.prompt : answer.error));
	expect(asked).toEqual(['smiles', 'looks sad']);
	expect(rig.emulator.paidTasks()).toBe(2);
});

test('a call whose submit never arrived takes no task of another call, whose answer comes while the list is being read', async () => {
	await rig.close();
	await start({ includeInputs: 'ignored' });
	rig.emulator.addFault({ step: 'submit', kind: 'resetBefore', when: isOf('smiles') });
	rig.emulator.addFault({ step: 'submit', kind: 'slowBody', seconds: 3, when: isOf('looks sad') });
	rig.emulator.addFault({ step: 'list', kind: 'status', status: 503, times: 2 });
	const answers: ToolAnswer[] = [];
	await think(
		async (call) => {
			answers.push(
				...(await Promise.all([call({ prompt: 'smiles' }), call({ prompt: 'looks sad' })])),
			);
		},
		{ ...RETRY, retryOnFail: false },
	);
	expect(answers[0]).toHaveProperty('error.message', expect.stringMatching(/shows no new task/));
	expect(idOf(answers[1]!)).toBe(ids()[0]);
});

/** An agent that works on several items side by side connects its tools for each, before any of them is called. */
test.each([
	['together', 0],
	['one when the other has its task', 1],
])(
	'calls for two items of an agent, which n8n gives the same run index, are two videos (%s)',
	async (_, paid) => {
		const answers: ToolAnswer[] = [];
		await think(async (call, getTool) => {
			const other = await getTool();
			const first = call({ prompt: 'smiles' });
			while (rig.emulator.paidTasks() < paid) await rig.clock.sleep(1);
			answers.push(...(await Promise.all([first, other({ prompt: 'smiles' })])));
		});
		expect(new Set(answers.map(idOf)).size).toBe(2);
		expect(rig.emulator.paidTasks()).toBe(2);
	},
);

describe('Retry of an execution whose agent failed after its calls', () => {
	const retryAfter = async (calls: string[], again: string[]): Promise<ToolAnswer[]> => {
		const { credential } = rig;
		const settings = RETRY;
		const answers: ToolAnswer[] = [];
		const askFor = (prompts: string[], isFailing: boolean) => async (call: CallTool) => {
			for (const prompt of prompts) answers.push(await call({ prompt }));
			if (isFailing) throw new Error('the model is overloaded');
		};
		const failing = askFor(calls, true);
		const failed = await rig.until(runAgent({ credential, parameters, settings, think: failing }));
		expect(failed.error).toBeDefined();
		answers.length = 0;
		const retryOf = failed.run;
		const retried = askFor(again, false);
		await rig.until(runAgent({ credential, parameters, settings, think: retried, retryOf }));
		return answers;
	};

	test('goes on with the videos of these calls, each once', async () => {
		const answers = await retryAfter(['smiles', 'smiles'], ['smiles', 'smiles']);
		expect(answers.map(idOf).sort()).toEqual(ids().sort());
		expect(rig.emulator.paidTasks()).toBe(2);
	});

	test('pays for what is asked for besides', async () => {
		await retryAfter(['smiles'], ['smiles', 'smiles', 'nods']);
		expect(rig.emulator.paidTasks()).toBe(3);
	});
});

describe('an agent that works customer by customer, with a picture from their data', () => {
	const nameOf = ({ name }: IDataObject): string => String(name);
	let customers: IDataObject[];
	const begin = async (options: EmulatorOptions = {}, more: IDataObject = {}): Promise<void> => {
		await rig.close();
		await start(options);
		const addPhoto = async (name: string): Promise<IDataObject> => {
			const picture = Buffer.concat([sampleFile('portrait.png'), Buffer.from(name)]);
			return { name, photo: await rig.emulator.addUpload(`${name}.png`, 'image/png', picture) };
		};
		customers = [await addPhoto('Ann'), await addPhoto('Bob'), await addPhoto('Cid')];
		parameters = { ...parameters, imageUrl: '={{ $json.photo }}', ...(more as typeof parameters) };
	};

	/** The picture of the task that each customer's agent was handed. */
	const runFor = async (more: Partial<AgentOptions>, failsFor?: string) => {
		const pictures: Record<string, unknown> = {};
		const { credential } = rig;
		const think: AgentOptions['think'] = async (call, _, customer) => {
			if (nameOf(customer) === failsFor) throw new Error('the model is overloaded');
			const answer = await call({ prompt: 'talks' });
			const task = rig.emulator.tasks().find(({ id }) => id === idOf(answer));
			pictures[nameOf(customer)] = task?.input.image;
		};
		const options = { credential, parameters, customers, think, ...more };
		return { ...(await rig.until(runAgent(options))), pictures };
	};
	const photos = (): Record<string, unknown> =>
		Object.fromEntries(customers.map(({ name, photo }) => [name, photo]));

	test.each(['Ann', 'Bob', 'Cid'])(
		'hands each its own video after Retry of an execution that failed for %s',
		async (failing) => {
			await begin();
			const failed = await runFor({}, failing);
			expect(failed.error).toBeDefined();
			const { pictures } = await runFor({ retryOf: failed.run });
			const ofAll = { ...failed.pictures, ...pictures };
			expect(ofAll).toEqual(photos());
			expect(rig.emulator.paidTasks()).toBe(3);
		},
	);

	test('hands nobody the video of one whose time was up', async () => {
		await begin({ taskSeconds: 300 }, { options: { timeoutMinutes: 3 } });
		const { pictures } = await runFor({ settings: GOES_ON });
		const wrong = Object.entries(pictures).filter(
			([name, picture]) => picture !== undefined && picture !== photos()[name],
		);
		expect(wrong).toEqual([]);
		expect(rig.emulator.paidTasks()).toBe(3);
	});
});

test.each([
	['what is the same each time', {}],
	[
		'a clock and a die',
		{ prompt: "={{ $fromAI('prompt') }} {{ $now.toMillis() }}{{ Math.random() }}" },
	],
	['a seed that is drawn', { seed: '={{ Math.floor(Math.random() * 1e9) }}' }],
])(
	'a call that is tried again goes on with its task, although n8n counts the run index up, with %s',
	async (_, more) => {
		parameters = { ...parameters, ...more };
		refuseFirstCheck();
		let answer: ToolAnswer | undefined;
		await think(async (call) => {
			answer = await call({ prompt: 'smiles' });
		});
		expect(idOf(answer!)).toBe(ids()[0]);
		expect(rig.emulator.paidTasks()).toBe(1);
	},
);
