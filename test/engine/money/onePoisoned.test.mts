import { sampleFile } from '../harness/engine.mts';
import { GENERATE, jsonOf, makeRow, makeRows, type Rig } from '../harness/rig.mts';
import { GOES_ON, isOf, RETRY, startMoneyRig } from './support.mts';

/** One task, one file or one row that the service never answers: whoever else uses the account must not notice it. */

let rig: Rig;
beforeEach(async () => {
	rig = await startMoneyRig({ taskSeconds: 1 });
});
afterEach(async () => await rig.close());

const BROKEN = { kind: 'status', status: 500, times: Infinity } as const;

const onTask = async (operation: string, taskId: string, settings = {}) =>
	await rig.run({
		items: [{ json: {} }],
		parameters: { resource: 'task', operation, taskId },
		settings: { ...GOES_ON, ...settings },
	});

test.each(['get', 'delete'])(
	'a task that can not be read leaves %s of another one as it is, also when it is tried three times',
	async (operation) => {
		const made = await rig.run({ items: await makeRows(2), parameters: GENERATE });
		const [bad, good] = jsonOf(made.items).map(({ taskId }) => String(taskId));
		const when = ({ path }: { path: string }): boolean => path.includes(bad!);
		rig.emulator.addFault({ step: 'result', ...BROKEN, when });
		await onTask('get', bad!, { ...RETRY, onError: 'stopWorkflow' });
		const result = await onTask(operation, good!);
		expect(jsonOf(result.items)[0]).toMatchObject({ taskId: good });
		expect(jsonOf(result.items)[0]).not.toHaveProperty('error');
	},
);

test('a recording whose price can not be told leaves the price of another one as it is', async () => {
	const upload = async (name: string, type: string, sample: string): Promise<string> =>
		await rig.emulator.addUpload(name, type, sampleFile(sample));
	const imageUrl = await upload('p.png', 'image/png', 'portrait.png');
	const [bad, good] = [
		await upload('bad.mp3', 'audio/mpeg', 'speech.mp3'),
		await upload('good.mp3', 'audio/mpeg', 'speech.mp3'),
	];
	const when = ({ body }: { body: unknown }): boolean => JSON.stringify(body).includes(bad);
	rig.emulator.addFault({ step: 'price', ...BROKEN, when });
	const byUrl = { operation: 'generate', imageSource: 'url', imageUrl, audioSource: 'url' };
	const make = async (audioUrl: string) =>
		await rig.run({
			items: [{ json: {} }],
			parameters: { ...byUrl, audioUrl, options: { maxCostPerVideo: 5 } },
			settings: GOES_ON,
		});
	expect(jsonOf((await make(bad)).items)[0]).toHaveProperty('error');
	expect(jsonOf((await make(good)).items)[0]).toMatchObject({ status: 'completed' });
});

test('a row whose submit is never answered, tried three times, holds back no other row', async () => {
	rig.emulator.addFault({ step: 'submit', ...BROKEN, when: isOf('poison') });
	const items = [await makeRow({ prompt: 'poison' })];
	await rig.run({ items, parameters: GENERATE, settings: RETRY });
	const good = [await makeRow({ prompt: 'good' })];
	const result = await rig.run({ items: good, parameters: GENERATE, settings: GOES_ON });
	expect(jsonOf(result.items)[0]).toMatchObject({ status: 'completed' });
});
