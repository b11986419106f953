import { useTriggerScene } from '../harness/triggerScene.mts';

const scene = useTriggerScene();
const { openTrigger, steps, submitFinished, deliver, activateFailing } = scene;

describe('activation', () => {
	test('fetches the secret, and a callback then needs no other request than that for its task', async () => {
		expect(await scene.trigger.activate()).toBe(true);
		expect(steps('secret')).toHaveLength(1);
		const id = await submitFinished();
		expect(await deliver(id)).toBe(200);
		expect(steps('secret')).toHaveLength(1);
		expect(steps('result')).toHaveLength(1);
	});

	test.each([
		['status', { status: 503 }, /Could not fetch the secret/],
		['status', { status: 403 }, /doesn't allow this with the API key/],
		['status', { status: 404 }, /Could not fetch the secret/],
		['tooManyRequests', {}, /Could not fetch the secret/],
		['wrongShape', {}, /not what the API promises/],
		[
			'wrongShape',
			{ body: { code: 200, data: { secret: 'whsec_' } } },
			/not what the API promises/,
		],
		['wrongShape', { body: { code: 200, data: { secret: 5 } } }, /not what the API promises/],
	] as const)(
		'fails with a clear error when the secret can not be had: %s %j',
		async (kind, more, message) => {
			scene.rig.emulator.addFault({ step: 'secret', kind, times: Infinity, ...more });
			const error = await activateFailing();
			expect(error.message).toMatch(message);
			expect(error.description).toMatch(/could not tell WaveSpeed's callbacks from forged ones/);
			expect(error.description).not.toMatch(/7 days/);
		},
	);

	test('asks the API again when it is tried again right after a failure', async () => {
		scene.rig.emulator.addFault({ step: 'secret', kind: 'status', times: Infinity });
		await activateFailing();
		scene.rig.emulator.clearFaults();
		expect(await scene.trigger.activate()).toBe(true);
	});

	test('fails with a clear error for a wrong key, and for a node without a credential', async () => {
		scene.trigger = await openTrigger({ credential: { ...scene.rig.credential, apiKey: 'other' } });
		expect((await activateFailing()).message).toMatch(/doesn't accept the API key/);
		scene.trigger = await openTrigger({ credential: undefined });
		expect((await activateFailing()).message).toMatch(/Credential not found/);
	});

	test.each([0, -1, 86_401, 'soon'])('fails for a tolerance of %j', async (toleranceSeconds) => {
		scene.trigger = await openTrigger({ parameters: { options: { toleranceSeconds } } });
		expect((await activateFailing()).message).toMatch(/"Signature Tolerance \(Seconds\)" must be/);
		expect(steps('secret')).toHaveLength(0);
	});

	test('fails for a Simplify that is neither yes nor no', async () => {
		scene.trigger = await openTrigger({ parameters: { simplify: 'perhaps' } });
		expect((await activateFailing()).message).toMatch(/"Simplify" must be true or false/);
	});

	test('asks each time, as the account behind the credential may be another one', async () => {
		await scene.trigger.activate();
		await scene.trigger.activate('update');
		expect(steps('secret')).toHaveLength(2);
	});

	test('does not switch the trigger off when n8n starts while WaveSpeed is down', async () => {
		scene.rig.emulator.addFault({ step: 'secret', kind: 'status', times: Infinity });
		const activating = scene.trigger.activate('init');
		expect(await scene.rig.clock.runUntil(activating, scene.rig.emulator)).toBe(true);
		expect(scene.trigger.logs.join()).toMatch(/WaveSpeed can't be reached/);
		scene.rig.emulator.clearFaults();
		expect(await deliver(await submitFinished())).toBe(200);
		expect(scene.trigger.started).toHaveLength(1);
	});

	test('fails also when n8n starts if the key is refused', async () => {
		scene.trigger = await openTrigger({ credential: { ...scene.rig.credential, apiKey: 'other' } });
		await expect(scene.trigger.activate('init')).rejects.toThrow(/doesn't accept the API key/);
	});

	test('works for a test run in the editor', async () => {
		scene.trigger = await openTrigger({ mode: 'manual' });
		expect(await scene.trigger.activate('manual')).toBe(true);
		const id = await submitFinished();
		expect(await deliver(id, { signature: 'v3,00' })).toBe(401);
		expect(await deliver(id)).toBe(200);
		expect(scene.trigger.started).toHaveLength(1);
		expect(await scene.trigger.deactivate()).toBe(true);
	});

	test('ends without a request, and the secret goes', async () => {
		await scene.trigger.activate();
		expect(await scene.trigger.deactivate()).toBe(true);
		expect(steps('secret')).toHaveLength(1);
		await deliver(await submitFinished());
		expect(steps('secret')).toHaveLength(2);
	});
});
