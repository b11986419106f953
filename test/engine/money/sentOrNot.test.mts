import { runNode } from '../harness/engine.mts';
import { GENERATE, jsonOf, type Rig } from '../harness/rig.mts';
import { type Damage, type SecureGate, startSecureGate } from '../harness/secureGate.mts';
import { idsOf, parametersByUrl, RETRY, startMoneyRig, submitsOf, textOf } from './support.mts';

/** "Not sent" is only a connection that was never established; whatever breaks later may be paid for. */

let rig: Rig;
let gate: SecureGate | undefined;
beforeEach(async () => {
	rig = await startMoneyRig();
});
afterEach(async () => {
	await gate?.close();
	gate = undefined;
	await rig.close();
});

const SUBMIT = '/speech-to-video';

const makeParameters = async () => {
	return {
		...GENERATE,
		...(await parametersByUrl(rig)),
	};
};

const runThroughGate = async (through: SecureGate, settings = {}, baseUrl = through.url) => {
	const parameters = await makeParameters();
	const credential = { ...rig.credential, baseUrl };
	const running = runNode({ credential, parameters, settings, items: [{ json: {} }] });
	return await rig.clock.runUntil(running, through);
};

describe.each<[string, Damage]>([
	['a record that was damaged on its way', 'damagedAnswer'],
	['an answer without encryption', 'plainTextAnswer'],
	['an alert', 'alert'],
])('a secure connection that ends after sending, by %s,', (_, damage) => {
	test('leaves it open whether the submit is paid: its task is looked for, and found', async () => {
		gate = await startSecureGate(rig.emulator);
		gate.damageNext(SUBMIT, damage);
		const result = await runThroughGate(gate);
		expect(jsonOf(result.items)[0]).toMatchObject({ status: 'completed', taskId: idsOf(rig)[0] });
		expect(rig.emulator.paidTasks()).toBe(1);
	});

	test('is paid once with Retry On Fail, also if the list can not be read at first', async () => {
		gate = await startSecureGate(rig.emulator);
		gate.damageNext(SUBMIT, damage);
		const role = { code: 403, message: 'role' };
		rig.emulator.addFault({ step: 'list', kind: 'status', status: 403, body: role });
		const result = await runThroughGate(gate, RETRY);
		expect(jsonOf(result.items)[0]).toMatchObject({ status: 'completed', taskId: idsOf(rig)[0] });
		expect(rig.emulator.paidTasks()).toBe(1);
	});
});

test('a certificate that is not accepted means that nothing was sent', async () => {
	gate = await startSecureGate(rig.emulator);
	const { port } = new URL(gate.url);
	// The certificate is that of 127.0.0.1.
	const result = await runThroughGate(gate, {}, `https://localhost:${port}`);
	expect(textOf(result)).toMatch(/a certificate was not accepted.*Nothing was paid/);
	expect(submitsOf(rig)).toEqual([]);
});

test('a service that refuses connections has nothing: that is said, and a retry sends without a search', async () => {
	const parameters = await makeParameters();
	await rig.emulator.setReachable(false);
	const failed = await rig.run({ parameters });
	expect(textOf(failed)).toMatch(/the connection was refused.*Nothing was paid/);
	await rig.emulator.setReachable(true);
	await rig.until(rig.clock.sleep(1_000));
	const result = await rig.run({ parameters, retryOf: failed.run });
	expect(jsonOf(result.items)[0]).toMatchObject({ status: 'completed', taskId: idsOf(rig)[0] });
	expect(submitsOf(rig)).toHaveLength(1);
	expect(rig.emulator.requests().filter(({ step }) => step === 'list')).toEqual([]);
});

test.each([302, 303])(
	'a redirect (%i) to what has come of the submit leaves it open whether it is paid: its task is found',
	async (status) => {
		rig.emulator.addFault({ step: 'submit', kind: 'redirect', status, afterAccept: true });
		const result = await rig.run({ parameters: await makeParameters() });
		expect(jsonOf(result.items)[0]).toMatchObject({ status: 'completed', taskId: idsOf(rig)[0] });
		expect(rig.emulator.paidTasks()).toBe(1);
	},
);
