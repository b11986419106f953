import { GENERATE, jsonOf, makeRows, type Rig } from './harness/rig.mts';
import { startWaiting } from './harness/waitingRig.mts';
import { GOES_ON, startMoneyRig } from './money/support.mts';

/** An account has tasks of all models: the ID of one of another model is a mistake, and its picture is no video. */

const PICTURE = 'https://cdn.example.com/a.png';

let rig: Rig;
beforeEach(async () => {
	rig = await startMoneyRig();
});
afterEach(async () => await rig.close());

const answerAs = (model: unknown, status = 'completed'): void =>
	rig.emulator.addFault({
		...{ step: 'result', kind: 'status', status: 200, times: Infinity },
		body: {
			code: 200,
			message: 'success',
			data: {
				...{ id: 'given1', status, outputs: [PICTURE], has_nsfw_contents: [false], error: '' },
				...{ model, created_at: '2026-11-22T08:00:00Z' },
			},
		},
	});

const task = (operation: string, more: object = {}): object => ({
	...{ resource: 'task', operation, taskId: 'given1', ...more },
});

const CALLS: [string, object][] = [
	['Existing Task ID', { ...GENERATE, options: { existingTaskId: 'given1' } }],
	['Wait', task('wait')],
	['Get', task('get')],
	['Get without Simplify', task('get', { simplify: false })],
	['Delete', task('delete')],
];

const callWith = async (parameters: object) =>
	jsonOf(
		(
			await rig.run({
				...{ items: await makeRows(1), settings: GOES_ON },
				parameters: { ...parameters },
			})
		).items,
	)[0] ?? {};

test.each(CALLS)('%s refuses it by the name of its model, and touches nothing', async (_, call) => {
	answerAs('wavespeed-ai/flux-dev');
	const json = await callWith(call);
	expect(json.error).toMatch(/of another model \(wavespeed-ai\/flux-dev\).*Task given1\./);
	expect(JSON.stringify(json)).not.toContain(PICTURE);
	expect(rig.emulator.paidTasks()).toBe(0);
	expect(rig.emulator.requests().some(({ path }) => path.endsWith('/delete'))).toBe(false);
});

test('one that still runs is not waited for', async () => {
	answerAs('wavespeed-ai/flux-dev', 'processing');
	const before = rig.clock.now();
	expect((await callWith(task('wait'))).error).toMatch(/of another model/);
	expect(rig.clock.now() - before).toBeLessThan(1_000);
});

test('a run that would park for it fails at once', async () => {
	const waiting = await startWaiting(rig);
	answerAs('wavespeed-ai/flux-dev', 'processing');
	const result = await waiting.start({
		...{ items: await makeRows(1), settings: GOES_ON },
		parameters: { ...task('wait', { waitMode: 'parked' }) },
	});
	expect(jsonOf(result.items)[0]?.error).toMatch(/of another model/);
	await waiting.close();
});

test.each([
	['none', undefined],
	['an empty one', ''],
	['an object', { id: 'x' }],
	['other capitals', 'WaveSpeed-AI/Wan-2.2/Speech-To-Video'],
	['the spelling of the docs', 'wavespeed-ai/wan-2.2-speech-to-video'],
	['a name without the vendor', 'wan-2.2/speech-to-video'],
	['its last part', 'speech-to-video'],
	['a key', '0b7d3c58-9f42-4a63-8f5e-2f1f6d0e9c11'],
])('a model with %s is no contradiction', async (_, model) => {
	answerAs(model);
	expect(await callWith(task('get'))).toMatchObject({ status: 'completed', videoUrl: PICTURE });
});
