import fc from 'fast-check';
import type { INodeExecutionData } from 'n8n-workflow';

import { forgetAll } from '../engine/harness/engine.mts';
import { makeRow } from '../engine/harness/rig.mts';
import { replyFor } from './support/arbitraries.mts';
import { type Step, STEPS } from './support/goodAnswers.mts';
import { type HostileRig, KEY, startHostileRig, watchUnheard } from './support/hostileRig.mts';
import { checkKeyHidden, checkRun, everything } from './support/invariants.mts';
import type { Reply } from './support/replies.mts';
import { howOften } from './support/runs.mts';

/** Whatever the API answers: no crash, no hang, no key in a text, nothing paid twice, no ID lost. */

let rig: HostileRig;
let watched: ReturnType<typeof watchUnheard>;
let files: INodeExecutionData['binary'];
beforeAll(async () => {
	watched = watchUnheard();
	rig = await startHostileRig();
	files = (await makeRow()).binary;
});
afterAll(async () => {
	await rig.close();
	watched.stop();
});

const repliesArbitrary = fc.record(
	Object.fromEntries(
		STEPS.map((step) => [step, fc.array(replyFor(step), { maxLength: 3 })]),
	) as Record<Step, fc.Arbitrary<Reply[]>>,
);

const scenarioArbitrary = fc.record({
	replies: repliesArbitrary,
	operation: fc.constantFrom('generate', 'generate', 'generate', 'submit', 'get', 'getAll', 'wait'),
	rows: fc.integer({ min: 1, max: 2 }),
	onError: fc.constantFrom('stopWorkflow', 'continueRegularOutput', 'continueErrorOutput' as const),
	simplify: fc.boolean(),
	options: fc.record(
		{
			downloadVideo: fc.constant(true),
			failedTasks: fc.constant('output'),
			maxCostPerVideo: fc.constant(1),
			includeInputFields: fc.constant(true),
		},
		{ requiredKeys: [] },
	),
});
type Scenario = typeof scenarioArbitrary extends fc.Arbitrary<infer T> ? T : never;

/** Replies after which the service has the task, and has said its ID where it belongs. */
function tellsId(reply: Reply | undefined): boolean {
	if (!reply || reply.kind === 'good') return true;
	// Headers that are too large, and answers above a megabyte, are not read: their task has to be looked for.
	if (reply.kind !== 'patched' || isLarge(reply.value)) return false;
	const [first, second] = reply.path;
	const isRefusal = first === 'code' && [404, 429, '404', '429'].includes(reply.value as number);
	return !isRefusal && (first !== 'data' || (second !== undefined && second !== 'id'));
}

const LARGE_BYTES = 900_000;

const isLarge = (value: unknown): boolean =>
	Buffer.byteLength(JSON.stringify(value) ?? '') > LARGE_BYTES;

async function play(scenario: Scenario): Promise<void> {
	const { server } = rig;
	const { operation, replies } = scenario;
	server.play(replies);
	// The server begins anew with its IDs.
	forgetAll();
	watched.unheard.length = 0;
	const prompts = Array.from({ length: scenario.rows }, (_, row) => `row ${row}`);
	const result = await rig.run({
		items: prompts.map((prompt) => ({ json: { prompt, taskId: 'task-7' }, binary: files })),
		parameters: {
			resource: operation === 'generate' ? 'video' : 'task',
			operation,
			prompt: '={{ $json.prompt }}',
			simplify: scenario.simplify,
			returnAll: true,
			options: { ...scenario.options, timeoutMinutes: 5 },
		},
		settings: { onError: scenario.onError as 'continueRegularOutput' },
	});
	checkRun(result, KEY);
	expect(watched.unheard).toEqual([]);
	checkKeyHidden(server.strangerSaw(), KEY);

	const submits = server.requests().filter(({ step }) => step === 'submit').length;
	for (const prompt of prompts) {
		const paid = server.accepted().filter((task) => task.prompt === prompt);
		const limited = (replies.submit ?? []).filter(
			(reply) => isPatchedTo429(reply) || (reply.kind === 'json' && reply.status === 429),
		);
		expect(paid.length).toBeLessThanOrEqual(1 + limited.length);
	}
	const seen = everything(result.run.data, result.error, result.logs);
	if (scenario.rows === 1 && submits === 1 && tellsId(replies.submit?.[0])) {
		for (const { id } of server.accepted())
			expect({ id, isKnown: seen.includes(id) }).toEqual({ id, isKnown: true });
	}
}

/** The answer says that nothing was accepted, in the envelope. */
const isPatchedTo429 = (reply: Reply): boolean =>
	reply.kind === 'patched' && reply.path[0] === 'code' && reply.value === 429;

const { runs, timeoutMs } = howOften(40);

test(
	'no answer of the API crashes, hangs, pays twice, loses a task or shows the key',
	async () => {
		await fc.assert(fc.asyncProperty(scenarioArbitrary, play), runs);
	},
	timeoutMs,
);
