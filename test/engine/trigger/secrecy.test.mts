import { useTriggerScene } from '../harness/triggerScene.mts';

const scene = useTriggerScene();
const { submitFinished, deliver, deliverInTime, passTime, activateFailing } = scene;

test('neither the secret nor the key is in anything that can be read', async () => {
	const secrets = [scene.rig.emulator.webhookSecret, scene.rig.emulator.apiKey];
	const texts: unknown[] = [];
	scene.rig.emulator.addFault({ step: 'secret', kind: 'status', status: 500, times: 5 });
	const error = await activateFailing();
	texts.push(error.message, error.description, error.stack, { ...error });
	await scene.trigger.activate();
	const id = await submitFinished();
	await deliver(id, { id: 'msg_1' });
	await deliver(id, { secret: 'whsec_other' });
	scene.rig.emulator.addFault({ step: 'result', kind: 'status', times: Infinity });
	await deliverInTime(id, { id: 'msg_2' });
	scene.rig.emulator.clearFaults();
	await passTime(60);
	secrets.push(scene.rig.emulator.rotateWebhookSecret());
	await deliver(await submitFinished(), { id: 'msg_3' });
	await scene.trigger.deactivate();
	expect(scene.trigger.started).toHaveLength(2);
	texts.push(
		scene.trigger.started,
		scene.trigger.logs,
		scene.trigger.answers,
		scene.trigger.stored(),
	);
	const everything = JSON.stringify(texts);
	for (const secret of secrets) {
		expect(everything).not.toContain(secret);
		expect(everything).not.toContain(secret.replace('whsec_', ''));
	}
});
