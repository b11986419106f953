import { type RoundsOptions, runAgentInRounds } from '../harness/agent.mts';
import { testSince } from '../harness/n8nVersion.mts';
import type { Rig } from '../harness/rig.mts';
import { hideTasksFor, idsOf, parametersByUrl, startMoneyRig, submitsOf } from './support.mts';

/**
 * As a tool of n8n's newer agents, which have their tools run as nodes of the workflow: no context tells such a run, the
 * run index counts up with each call, and n8n gives each call a name of its own.
 */

let rig: Rig;
let parameters: Record<string, unknown>;
beforeEach(async () => {
	rig = await startMoneyRig();
	parameters = {
		operation: 'generate',
		...(await parametersByUrl(rig)),
		prompt: "={{ $fromAI('prompt', 'what the person does', 'string') }}",
	};
});
afterEach(async () => await rig.close());

const CALL = { prompt: 'smiles' };

const run = async (rounds: RoundsOptions['rounds'], more: Partial<RoundsOptions> = {}) => {
	const { credential } = rig;
	const options = { credential, parameters: parameters as RoundsOptions['parameters'], rounds };
	return await rig.until(runAgentInRounds({ ...options, ...more }));
};

/** Before 2.25 a failed call ends the agent's execution, unless the tool's *On Error* says Continue: none is repeated. */
const testOfFailedCalls = testSince('2.25.0', 'n8n ends the execution when a tool has failed');
const CONTINUES = { onError: 'continueRegularOutput' } as const;

const repeatsAfterTimeOut = (settings: RoundsOptions['settings']) => async () => {
	await rig.close();
	rig = await startMoneyRig({ taskSeconds: 300 });
	const { heard } = await run([[CALL], [CALL]], {
		parameters: { ...parameters, options: { timeoutMinutes: 3 } } as never,
		settings,
	});
	expect(heard[0]?.error).toContain(idsOf(rig)[0]);
	expect(JSON.stringify(heard[1])).toContain(idsOf(rig)[0]);
	expect(rig.emulator.paidTasks()).toBe(1);
};

const repeatsAfterLostAnswer = (settings: RoundsOptions['settings']) => async () => {
	rig.emulator.addFault({ step: 'submit', kind: 'resetAfter' });
	hideTasksFor(rig, 30_000);
	const { heard } = await run([[CALL], [CALL]], { settings });
	expect(heard[0]?.error).toMatch(/shows no new task/);
	expect(heard[1]).toMatchObject({ status: 'completed', taskId: idsOf(rig)[0] });
	expect(submitsOf(rig)).toHaveLength(1);
};

test(
	'a call that is repeated after a time-out goes on with the task of the first, with On Error on Continue',
	repeatsAfterTimeOut(CONTINUES),
);
testOfFailedCalls(
	'a call that is repeated after a time-out goes on with the task of the first',
	repeatsAfterTimeOut({}),
);

test(
	'a call that is repeated after a lost answer looks for the task before it sends anything, with On Error on Continue',
	repeatsAfterLostAnswer(CONTINUES),
);
testOfFailedCalls(
	'a call that is repeated after a lost answer looks for the task before it sends anything',
	repeatsAfterLostAnswer({}),
);

test('two calls on purpose with the same words are two videos', async () => {
	const { heard } = await run([[CALL], [CALL]]);
	expect(heard.map(({ taskId }) => taskId)).toEqual(idsOf(rig));
	expect(rig.emulator.paidTasks()).toBe(2);
});

test('two calls of one round with other words are two videos, each with its own words', async () => {
	const { heard } = await run([[CALL, { prompt: 'looks sad' }]]);
	expect(heard.map(({ prompt }) => prompt)).toEqual(['smiles', 'looks sad']);
	expect(rig.emulator.paidTasks()).toBe(2);
});

test('an agent that fails after a call and is tried again does not have the call made again', async () => {
	const { error } = await run([[CALL]], { failures: 1 });
	expect(error).toBeUndefined();
	expect(rig.emulator.paidTasks()).toBe(1);
});

test('a call is never parked, since the agent waits for it', async () => {
	let parked = 0;
	const server: RoundsOptions['server'] = {
		executionId: '7',
		resumeBase: 'http://127.0.0.1:1/webhook-waiting',
		executeWorkflow: async () => {
			parked += 1;
			return await Promise.reject(new Error('not in this test'));
		},
	};
	const { heard } = await run([[CALL]], {
		server,
		parameters: { ...parameters, waitMode: 'parked' } as never,
	});
	expect(heard[0]).toMatchObject({ status: 'completed', taskId: idsOf(rig)[0] });
	expect(parked).toBe(0);
});

test('a call that is repeated after a time-out, with its arguments in another order, goes on with the task', async () => {
	await rig.close();
	rig = await startMoneyRig({ taskSeconds: 300 });
	const { imageUrl: image, ...rest } = await parametersByUrl(rig);
	const prompt = parameters.prompt;
	const options = { timeoutMinutes: 3 };
	const asked = {
		operation: 'generate',
		...rest,
		imageUrl: "={{ $fromAI('image') }}",
		prompt,
		options,
	};
	await run([[{ prompt: 'smiles', image }], [{ image, prompt: 'smiles' }]], {
		parameters: asked as never,
		settings: CONTINUES,
	});
	expect(rig.emulator.paidTasks()).toBe(1);
});
