import { testParked, useParkedScene, withOptions, MINUTE } from '../harness/parkedScene.mts';
import { GENERATE, makeRows } from '../harness/rig.mts';
import type { RunResult } from '../harness/engine.mts';

/** What both ways to wait hand on, where one of them once handed on less. */

const scene = useParkedScene();
const MODES = ['polling', 'parked'] as const;
const settings = { onError: 'continueRegularOutput' as const };

async function run(mode: string, rows: number, options: object): Promise<RunResult> {
	if (mode === 'polling') {
		const parameters = { ...GENERATE, options } as never;
		return await scene.rig.run({ items: await makeRows(rows), settings, parameters });
	}
	await scene.park({ settings, parameters: withOptions(options as never) }, rows);
	return await scene.waiting.ended();
}

const numberOf = (prompt: unknown): number => Number(String(prompt).split(' ')[1]);
const rowOf = (path: string): number =>
	numberOf(scene.rig.emulator.tasks().find(({ id }) => path.includes(id))?.input.prompt);

testParked.each(MODES)(
	'an error row on the regular output has these two keys, without the fields of the row (%s)',
	async (mode) => {
		await scene.open({ taskSeconds: 90_000 });
		const { items } = await run(mode, 2, { timeoutMinutes: 5 });
		for (const { json } of items) expect(Object.keys(json).sort()).toEqual(['details', 'error']);
	},
);

testParked.each(MODES)(
	'at the time limit the videos of good rows are there, beside many that can not be read (%s)',
	async (mode) => {
		await scene.open({ taskSeconds: ({ prompt }) => (numberOf(prompt) < 80 ? 90_000 : 550) });
		scene.switchCallbacksOff();
		scene.rig.emulator.addFault({
			...{ step: 'result', kind: 'status', status: 503, times: Infinity },
			when: ({ path }) => rowOf(path) < 80,
		});
		const { items } = await run(mode, 100, { timeoutMinutes: 10 });
		expect(items.slice(80).map(({ json }) => json.status)).toEqual(Array(20).fill('completed'));
	},
);

testParked.each(MODES)(
	'a short gap of the service around the time limit loses no video (%s)',
	async (mode) => {
		await scene.open({ taskSeconds: 555 });
		scene.switchCallbacksOff();
		const limitAt = scene.rig.clock.now() + 10 * MINUTE;
		scene.rig.emulator.addFault({
			...{ step: 'result', kind: 'status', status: 503, times: Infinity },
			when: () => Math.abs(scene.rig.clock.now() - limitAt) <= 10_000,
		});
		const { items } = await run(mode, 3, { timeoutMinutes: 10 });
		expect(items.map(({ json }) => json.status)).toEqual(Array(3).fill('completed'));
	},
);

testParked.each(MODES)(
	'a long prompt that the service repeats is cut, and the rest is told (%s)',
	async (mode) => {
		await scene.open({ taskSeconds: 200, echoInput: true });
		const prompt = 'ä'.repeat(21_000);
		const submitted = await scene.rig.run({
			items: await makeRows(1),
			parameters: { ...GENERATE, prompt, resource: 'task', operation: 'submit' },
		});
		const { taskId } = submitted.items[0]?.json ?? {};
		const waiting = {
			items: [{ json: { taskId } }],
			parameters: { resource: 'task', operation: 'wait', waitMode: mode },
		};
		if (mode === 'parked') await scene.waiting.start(waiting);
		const { items } = await (mode === 'parked' ? scene.waiting.ended() : scene.rig.run(waiting));
		expect(items[0]?.json).toMatchObject({ taskId, seed: expect.any(Number) });
		expect(String(items[0]?.json.prompt)).toHaveLength(10_001);
	},
);

testParked.each(MODES)(
	'a time-out names the video of a task whose status is unknown, also if the last checks have no answer (%s)',
	async (mode) => {
		await scene.open({ taskSeconds: 90_000 });
		scene.switchCallbacksOff();
		const goneAt = scene.rig.clock.now() + 9 * MINUTE;
		const data = { id: '', status: 'succeeded', outputs: ['https://cdn.example/v.mp4'] };
		scene.rig.emulator.addFault({
			...{ step: 'result', kind: 'status', status: 200, times: Infinity },
			body: { code: 200, message: 'success', data },
			when: () => {
				data.id = scene.rig.emulator.tasks()[0]?.id ?? '';
				return scene.rig.clock.now() < goneAt;
			},
		});
		scene.rig.emulator.addFault({
			...{ step: 'result', kind: 'status', status: 503, times: Infinity },
			when: () => scene.rig.clock.now() >= goneAt,
		});
		const { items } = await run(mode, 1, { timeoutMinutes: 10 });
		expect(items[0]?.json.error).toContain('https://cdn.example/v.mp4');
	},
);

testParked.each(MODES)(
	'a node of an older workflow, with continueOnFail in place of onError, loses no other row (%s)',
	async (mode) => {
		await scene.open({ taskSeconds: ({ prompt }) => (numberOf(prompt) === 1 ? 90_000 : 200) });
		const old = { continueOnFail: true };
		const options = { timeoutMinutes: 10 };
		if (mode === 'parked') await scene.park({ settings: old, parameters: withOptions(options) });
		const { items } =
			mode === 'parked'
				? await scene.waiting.ended()
				: await scene.rig.run({
						...{ items: await makeRows(3), settings: old },
						parameters: { ...GENERATE, options },
					});
		expect(items.map(({ json }) => json.status ?? json.error)).toEqual([
			...['completed', expect.stringMatching(/10 minutes/), 'completed'],
		]);
	},
);

testParked.each(MODES)(
	'what the service repeats of a task that was submitted elsewhere is shown, also beside a picture as data (%s)',
	async (mode) => {
		const image = `data:image/png;base64,${'A'.repeat(30_000)}`;
		const input = { image, audio: 'https://a.example/v.mp3', prompt: 'hello', seed: 5 };
		await scene.open({ taskSeconds: 200 });
		await scene.rig.run({
			...{ items: await makeRows(1) },
			parameters: { ...GENERATE, resource: 'task', operation: 'submit' },
		});
		const { id } = scene.taskOf(0);
		const endsAt = scene.rig.clock.now() + 200_000;
		const answer = (end: object, when: () => boolean) => {
			const body = { code: 200, message: 'success', data: { id, input, ...end } };
			scene.rig.emulator.addFault({
				...{ step: 'result', kind: 'status', status: 200, times: Infinity, body, when },
			});
		};
		answer({ status: 'processing' }, () => scene.rig.clock.now() < endsAt);
		const outputs = ['https://a.example/v.mp4'];
		answer({ status: 'completed', outputs }, () => scene.rig.clock.now() >= endsAt);
		const parameters = { resource: 'task', operation: 'wait', waitMode: mode };
		const waiting = { items: [{ json: { taskId: id } }], parameters };
		if (mode === 'parked') await scene.waiting.start(waiting);
		const { items } = await (mode === 'parked' ? scene.waiting.ended() : scene.rig.run(waiting));
		expect(items[0]?.json).toMatchObject({
			...{ status: 'completed', prompt: 'hello', seed: 5, audioUrl: input.audio },
		});
	},
);
