import { useTriggerScene } from '../harness/triggerScene.mts';

const scene = useTriggerScene();
const {
	openTrigger,
	steps,
	submitTask,
	submitFinished,
	deliver,
	deliverInTime,
	passTime,
	nowSeconds,
} = scene;

describe('a signed callback', () => {
	test('is not believed: the item is what the API says', async () => {
		const id = await submitTask();
		scene.rig.emulator.failTask(id, { code: 1200, error: 'moderation' });
		const body = { id, status: 'completed', outputs: ['https://evil.example/x.mp4'] };
		expect(await deliver(id, { body })).toBe(200);
		expect(scene.trigger.started[0]?.json).toMatchObject({ status: 'failed', videoUrl: null });
		expect(JSON.stringify(scene.trigger.started)).not.toMatch(/evil/);
	});

	test.each([
		['no JSON', 'hello'],
		['a list', []],
		['no ID', { status: 'completed' }],
		['an ID that is no text', { id: 5 }],
		['an empty ID', { id: ' ' }],
		['an ID of 5,000 letters', { id: 'x'.repeat(5_000) }],
		['an ID that climbs', { id: '..' }],
		['an ID with half a character', { id: 'a\ud800' }],
	])('with %s gets 400 and starts nothing', async (_what, body) => {
		const id = await submitFinished();
		expect(await deliver(id, { body })).toBe(400);
		expect(scene.trigger.started).toEqual([]);
		expect(steps('result')).toEqual([]);
	});

	test.each([
		['that climbs', '../../balance'],
		['with a query', 'a/b?c=d#e'],
		['that is encoded', '%2e%2e/balance'],
	])('can not reach another endpoint by an ID %s', async (_what, hostile) => {
		const id = await submitFinished();
		expect(await deliverInTime(id, { body: { id: hostile } })).toBe(503);
		expect(steps('balance')).toEqual([]);
		expect(scene.trigger.started).toEqual([]);
	});

	test('of some MB is refused before anything is computed or asked for', async () => {
		const id = await submitFinished();
		const body = JSON.stringify({ id, more: 'x'.repeat(1024 ** 2) });
		expect(await deliver(id, { body })).toBe(401);
		expect(steps('secret')).toEqual([]);
		expect(scene.trigger.logs.join()).toContain('too large');
	});

	test('is asked for again while the API does not know of the end yet', async () => {
		const id = await submitTask();
		expect(await deliver(id, { id: 'msg_1' })).toBe(503);
		scene.rig.emulator.finishTask(id);
		expect(await deliver(id, { id: 'msg_1' })).toBe(200);
		expect(scene.trigger.started).toHaveLength(1);
	});

	test.each(['status', 'html', 'truncatedJson', 'resetBefore', 'tooManyRequests', 'hang'] as const)(
		'gets 503 while the API answers with %s, and is used when it comes again',
		async (kind) => {
			await scene.trigger.activate();
			const id = await submitFinished();
			scene.rig.emulator.addFault({ step: 'result', kind, times: Infinity });
			expect(await deliverInTime(id, { id: 'msg_1' })).toBe(503);
			expect(scene.trigger.started).toEqual([]);
			expect(scene.trigger.logs.join()).toMatch(
				new RegExp(`Could not read the task: .*Task ${id}`),
			);
			scene.rig.emulator.clearFaults();
			expect(await deliverInTime(id, { id: 'msg_1' })).toBe(200);
			expect(scene.trigger.started).toHaveLength(1);
		},
	);

	test('outlives a passing failure of the API', async () => {
		scene.rig.emulator.addFault({ step: 'result', kind: 'status', times: 2 });
		expect(await deliverInTime(await submitFinished())).toBe(200);
		expect(scene.trigger.started).toHaveLength(1);
	});

	test('gets 503 while the secret can not be had, and is used a minute later', async () => {
		const id = await submitFinished();
		scene.rig.emulator.addFault({ step: 'secret', kind: 'status', times: Infinity });
		expect(await deliverInTime(id, { id: 'msg_1' })).toBe(503);
		scene.rig.emulator.clearFaults();
		expect(await deliver(id, { id: 'msg_1' })).toBe(503);
		await passTime(60);
		expect(await deliver(id, { id: 'msg_1' })).toBe(200);
	});

	test("gets 503 when credential or parameters don't work, and nothing is thrown into n8n", async () => {
		const id = await submitFinished();
		for (const options of [
			{ credential: undefined },
			{ credential: { ...scene.rig.credential, apiKey: 'other' } },
			{ credential: { ...scene.rig.credential, baseUrl: 'http://example.com' } },
			{ parameters: { event: 'sometimes' } },
			{ parameters: { options: { toleranceSeconds: '={{ $json.body.status }}' } } },
		]) {
			scene.trigger = await openTrigger(options);
			expect(await deliver(id)).toBe(503);
			expect(scene.trigger.started).toEqual([]);
			expect(scene.trigger.thrown).toEqual([]);
		}
	});

	test('may be older if the tolerance allows it', async () => {
		scene.trigger = await openTrigger({ parameters: { options: { toleranceSeconds: 900 } } });
		const id = await submitFinished();
		expect(await deliver(id, { timestamp: nowSeconds() - 901 })).toBe(401);
		expect(await deliver(id, { timestamp: nowSeconds() - 899 })).toBe(200);
	});
});
