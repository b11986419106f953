import { createHmac } from 'node:crypto';
import { request } from 'node:http';

import fc from 'fast-check';

import { GENERATE, makeRows, type Rig, startRig } from '../engine/harness/rig.mts';
import { startTrigger, type TriggerRig } from '../engine/harness/triggerRig.mts';
import { CHILD, PARENT, startWaiting, type WaitingRig } from '../engine/harness/waitingRig.mts';
import { nastyJson, nastyText } from './support/arbitraries.mts';
import { watchUnheard } from './support/hostileRig.mts';
import { checkKeyHidden, checkNoPollution, checkText, everything } from './support/invariants.mts';
import { howOften } from './support/runs.mts';

/** Anybody can call the URLs of a trigger and of a parked execution, with anything. */

let rig: Rig;
let trigger: TriggerRig;
let waiting: WaitingRig;
let parkedUrl: string;
let watched: ReturnType<typeof watchUnheard>;
beforeAll(async () => {
	watched = watchUnheard();
	rig = await startRig({ taskSeconds: 3_600, apiKey: 'key-of-the-account' });
	trigger = await startTrigger({ credential: rig.credential });
	waiting = await startWaiting(rig);
	await waiting.start({
		items: await makeRows(2),
		parameters: { ...GENERATE, waitMode: 'parked' },
	});
	parkedUrl = rig.emulator.tasks()[0]?.webhookUrl ?? '';
});
afterAll(async () => {
	await trigger.close();
	await waiting.close();
	await rig.close();
	watched.stop();
});

const headerText = nastyText.map((text) =>
	text.replace(/[^\t\u0020-\u007e]/g, '?').slice(0, 3_000),
);

const bodyArbitrary = fc.oneof(
	nastyJson.map((value) => JSON.stringify(value) ?? ''),
	nastyJson.map((id) => JSON.stringify({ id })),
	fc.constantFrom('{', '', 'null', `${'['.repeat(50_000)}`, ' '.repeat(3 * 1024 ** 2)),
	fc.constant('{"id":"not-ours","status":"completed","outputs":["javascript:alert(1)"]}'),
	nastyText,
);

const signatureArbitrary = fc.oneof(
	fc.constantFrom<'right' | 'base64' | 'upper' | 'short' | 'cut'>(
		'right',
		'right',
		'right',
		'base64',
		'upper',
		'short',
		'cut',
	),
	headerText,
);

const deliveryArbitrary = fc.record({
	body: bodyArbitrary,
	id: fc.oneof(
		fc.uuid(),
		headerText.filter((text) => text !== ''),
	),
	/** Seconds before or after now, or a text. */
	timestamp: fc.oneof(
		fc.constant(0),
		fc.constantFrom(-301, 301, -1e12, 1e12, 0.5),
		fc.constantFrom('NaN', '', '-1', '1e9', '99999999999', '0x10', ' '),
	),
	signature: signatureArbitrary,
	signed: fc.boolean(),
	repeated: fc.constantFrom(undefined, 'webhook-id', 'webhook-timestamp', 'webhook-signature'),
	contentType: fc.constantFrom('application/json', 'text/plain', 'multipart/form-data', ''),
	to: fc.constantFrom('trigger', 'parked'),
});
type Delivery = typeof deliveryArbitrary extends fc.Arbitrary<infer T> ? T : never;

function sign(delivery: Delivery, timestamp: string): string {
	const { signature, id, body } = delivery;
	const key = rig.emulator.webhookSecret.replace('whsec_', '');
	const digest = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest();
	const forms: Record<string, string> = {
		right: `v3,${digest.toString('hex')}`,
		base64: `v3,${digest.toString('base64')}`,
		upper: `v3,${digest.toString('hex').toUpperCase()}`,
		short: `v3,${digest.toString('hex').slice(2)}`,
		cut: digest.toString('hex'),
	};
	return Object.hasOwn(forms, signature) ? (forms[signature] ?? '') : signature;
}

async function send(delivery: Delivery): Promise<{ status: number; text: string }> {
	const { timestamp: given, id, body, repeated } = delivery;
	const now = Math.floor(rig.clock.now() / 1000);
	const timestamp = typeof given === 'number' ? String(now + given) : given;
	const headers: [string, string][] = [
		['content-type', delivery.contentType],
		['webhook-id', id],
		['webhook-timestamp', timestamp],
		...(delivery.signed
			? [['webhook-signature', sign(delivery, timestamp)] as [string, string]]
			: []),
	];
	const url = delivery.to === 'trigger' ? trigger.url : parkedUrl;
	return await new Promise((resolve, reject) => {
		const outgoing = request(url, { method: 'POST' }, (response) => {
			let text = '';
			response.on('data', (chunk: Buffer) => (text += chunk.toString()));
			response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
		});
		outgoing.on('error', reject);
		for (const [name, value] of headers) {
			outgoing.setHeader(name, name === repeated ? [value, value] : value);
		}
		outgoing.end(body);
	});
}

async function play(delivery: Delivery): Promise<void> {
	watched.unheard.length = 0;
	trigger.started.length = 0;
	trigger.thrown.length = 0;
	trigger.logs.length = 0;
	const asked = rig.emulator.requests().length;
	// Time stands still, so that no task ends.
	const { status, text } = await send(delivery);
	const { signature, signed, timestamp, repeated, to } = delivery;
	const isRight = signed && (signature === 'right' || signature === 'upper') && timestamp === 0;
	// Of several signatures one has to fit.
	const isGenuine = isRight && (!repeated || repeated === 'webhook-signature');
	// Nothing of this is about a task that is ours, so nothing starts or goes on.
	expect([200, 400, 401, 503]).toContain(status);
	if (!isGenuine) expect(status).toBe(401);
	expect(to === 'trigger' ? trigger.started : []).toEqual([]);
	expect([waiting.status(PARENT), waiting.status(CHILD)]).toEqual(['waiting', 'waiting']);
	expect(trigger.thrown).toEqual([]);
	expect(watched.unheard).toEqual([]);
	checkText(text);
	trigger.logs.forEach(checkText);
	const { apiKey } = rig.credential;
	checkKeyHidden(everything(trigger.logs, trigger.stored(), text), apiKey);
	checkKeyHidden(everything(trigger.logs, trigger.stored(), text), rig.emulator.webhookSecret);
	checkNoPollution();
	// A forged request makes us ask for the secret at most, and once for all of them.
	const requests = rig.emulator.requests().slice(asked);
	if (!isGenuine) expect(requests.filter(({ step }) => step !== 'secret')).toEqual([]);
}

const { runs, timeoutMs } = howOften(150);

test(
	'no callback starts or resumes anything, throws, or shows the key or the secret',
	async () => {
		await fc.assert(fc.asyncProperty(deliveryArbitrary, play), runs);
	},
	timeoutMs,
);
