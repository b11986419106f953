import type { Echo, EmulatorOptions } from '../../emulator/types.mts';
import { GENERATE, makeRow, makeRows, type Rig } from '../harness/rig.mts';
import { GOES_ON, idsOf, isOf, jsonOfRow, RETRY, startMoneyRig, submitsOf } from './support.mts';

/** Nobody has documented how the service repeats a task's inputs: another spelling proves nothing against a task. */

let rig: Rig;
afterEach(async () => await rig.close());

const SPELLINGS: [string, Echo][] = [
	['literally', {}],
	['without white space around the prompt', { trimPrompt: true }],
	['as an empty object', { keys: [] }],
	['with the prompt only', { keys: ['prompt'] }],
	['with the seed only', { keys: ['seed'] }],
	['without the seed', { keys: ['image', 'audio', 'prompt', 'resolution'] }],
	['with the seed as a text', { seedAsText: true }],
	['with files at another address', { rehostFiles: true }],
	['with all of it spelt otherwise', { trimPrompt: true, seedAsText: true, rehostFiles: true }],
];

describe.each(['input', 'inputs'] as const)('inputs that are repeated as "%s"', (name) => {
	test.each(SPELLINGS)(
		'%s: a lost answer is found, or named, and not paid twice',
		async (_, echo) => {
			rig = await startMoneyRig({ echoInput: true, echo: { ...echo, name } });
			rig.emulator.addFault({ step: 'submit', kind: 'resetAfter' });
			const result = await rig.run({
				items: [await makeRow({ prompt: '  smiles  ' })],
				parameters: GENERATE,
				settings: RETRY,
			});
			const [id] = idsOf(rig);
			expect(JSON.stringify([result.items, result.error?.message])).toContain(id);
			expect(rig.emulator.paidTasks()).toBe(1);
			expect(submitsOf(rig)).toHaveLength(1);
		},
	);
});

test.each<[string, Echo]>([
	['an equal seed', {}],
	['an equal seed alone', { keys: ['seed'] }],
	['an equal seed as a text, files at another address', { seedAsText: true, rehostFiles: true }],
])('the video is handed out by %s', async (_, echo) => {
	rig = await startMoneyRig({ echo });
	rig.emulator.addFault({ step: 'submit', kind: 'resetAfter' });
	const result = await rig.run({ items: [await makeRow()], parameters: GENERATE });
	expect(jsonOfRow(result.items)).toMatchObject({ status: 'completed', taskId: idsOf(rig)[0] });
});

test.each<[string, EmulatorOptions]>([
	['shorter than was asked for', { maxPageSize: 50 }],
	['much shorter', { maxPageSize: 7 }],
	['shorter, without an echo', { maxPageSize: 50, includeInputs: 'ignored' }],
])('pages that are %s hide no task', async (_, options) => {
	rig = await startMoneyRig(options);
	// The oldest of all, so it is on the last page.
	rig.emulator.addFault({ step: 'submit', kind: 'hangAfter', when: isOf('row 0') });
	rig.emulator.onRequest('submit', async (request) => {
		if (!isOf('row 0')(request)) while (rig.emulator.paidTasks() === 0) await pause();
	});
	const result = await rig.run({
		items: await makeRows(80),
		parameters: GENERATE,
		settings: { ...RETRY, onError: 'continueRegularOutput' },
	});
	const [id] = idsOf(rig);
	expect(JSON.stringify(jsonOfRow(result.items))).toContain(id);
	expect(rig.emulator.paidTasks()).toBe(80);
});

const pause = async (): Promise<void> => await new Promise((resolve) => setTimeout(resolve, 1));

describe('two rows with the same seed of the user, and an echo without their prompts', () => {
	const run = async (second: 'resetAfter' | 'resetBefore', settings = {}) => {
		rig = await startMoneyRig({ echo: { keys: ['image', 'audio', 'seed'] } });
		rig.emulator.addFault({ step: 'submit', kind: 'hangAfter', when: isOf('row 0') });
		rig.emulator.addFault({ step: 'submit', kind: second, when: isOf('row 1') });
		const parameters = { ...GENERATE, seed: 42 };
		return await rig.run({ items: await makeRows(2), parameters, settings });
	};
	const promptOf = (id: unknown): unknown =>
		rig.emulator.tasks().find((task) => task.id === id)?.input.prompt;

	test('never swap their videos when both answers are lost', async () => {
		const result = await run('resetAfter', GOES_ON);
		for (const { prompt, taskId, error } of result.items.map(({ json }) => json)) {
			if (error === undefined) expect(promptOf(taskId)).toBe(prompt);
		}
		expect(rig.emulator.paidTasks()).toBe(2);
	});

	test('never take the one task of the other, which is not paid for again', async () => {
		const result = await run('resetBefore', { ...RETRY, ...GOES_ON });
		for (const { prompt, taskId, error } of result.items.map(({ json }) => json)) {
			if (error === undefined) expect(promptOf(taskId)).toBe(prompt);
		}
		expect(rig.emulator.tasks().filter(({ input }) => input.prompt === 'row 0')).toHaveLength(1);
	});
});
