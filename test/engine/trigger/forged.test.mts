import { setImmediate } from 'node:timers/promises';

import axios from 'axios';

import type { WebhookOverrides } from '../../emulator/types.mts';
import { useTriggerScene } from '../harness/triggerScene.mts';

const scene = useTriggerScene();
const { openTrigger, steps, submitFinished, deliver, passTime, nowSeconds } = scene;

describe('a callback that WaveSpeed did not send', () => {
	const forgeries: [string, (id: string) => WebhookOverrides][] = [
		['without a signature', () => ({ signature: null })],
		['with a made-up signature', () => ({ signature: `v3,${'0'.repeat(64)}` })],
		['with a signature that was cut off', () => ({ signature: 'v3,00' })],
		['with another version alone', () => ({ signature: `v1,${'0'.repeat(64)}` })],
		['signed with another secret', () => ({ secret: 'whsec_other' })],
		['signed with the API key', () => ({ secret: scene.rig.credential.apiKey })],
		['that is too old', () => ({ timestamp: nowSeconds() - 301 })],
		['that is from the future', () => ({ timestamp: nowSeconds() + 301 })],
		['with no time', () => ({ timestamp: 'now' })],
		['with an ID that is too long', () => ({ id: 'x'.repeat(500) })],
	];

	test.each(forgeries)('%s gets 401 and starts nothing', async (_what, overrides) => {
		const id = await submitFinished();
		expect(await deliver(id, overrides(id))).toBe(401);
		expect(scene.trigger.started).toEqual([]);
		expect(steps('result')).toEqual([]);
		expect(scene.trigger.logs.join()).toMatch(/refused a callback/);
		expect(scene.trigger.stored()).toBe('{}');
	});

	test('whose body was changed by one byte gets 401', async () => {
		const id = await submitFinished();
		const headers = await captureCallback(id);
		const body = JSON.stringify({ id, status: 'completed' });
		expect(await post(body, headers)).toBe(401);
		expect(await post(`${headers.body} `, headers)).toBe(401);
		expect(await post(headers.body, headers)).toBe(200);
		expect(scene.trigger.started).toHaveLength(1);
	});

	test('whose ID was changed, so that it looks new, gets 401', async () => {
		const id = await submitFinished();
		const headers = await captureCallback(id);
		expect(await post(headers.body, { ...headers, 'webhook-id': 'msg_other' })).toBe(401);
		expect(scene.trigger.started).toEqual([]);
	});

	test('whose raw bytes n8n does not give gets 401', async () => {
		const id = await submitFinished();
		const headers = await captureCallback(id);
		expect(
			await post(headers.body, { ...headers, 'content-type': 'multipart/form-data; boundary=x' }),
		).toBe(401);
		expect(await post('', headers)).toBe(401);
	});

	test('is told from a genuine one also where n8n does not read the body for itself', async () => {
		const id = await submitFinished();
		const headers = await captureCallback(id);
		const plain = { ...headers, 'content-type': 'application/octet-stream' };
		expect(await post(`${headers.body} `, plain)).toBe(401);
		expect(await post(headers.body, plain)).toBe(200);
		expect(scene.trigger.started).toHaveLength(1);
	});

	test('whose body is larger than any callback is refused before it is read', async () => {
		const id = await submitFinished();
		const headers = await captureCallback(id);
		scene.trigger.holdBodies();
		const plain = { ...headers, 'content-type': 'application/octet-stream' };
		expect(await post('x'.repeat(2_000_000), plain)).toBe(401);
		expect(scene.trigger.started).toEqual([]);
	});

	test('whose body never ends is refused after a while', async () => {
		const id = await submitFinished();
		const headers = await captureCallback(id);
		scene.trigger.holdBodies();
		const plain = { ...headers, 'content-type': 'application/octet-stream' };
		const answered = post(headers.body, plain);
		await passTime(11);
		expect(await answered).toBe(401);
		expect(scene.trigger.started).toEqual([]);
	});

	test('makes the trigger ask for the secret once a minute at most', async () => {
		const id = await submitFinished();
		await Promise.all(
			Array.from({ length: 20 }, async () => await deliver(id, { secret: 'whsec_other' })),
		);
		expect(steps('secret')).toHaveLength(1);
		await deliver(id, { secret: 'whsec_other' });
		expect(steps('secret')).toHaveLength(1);
		await passTime(60);
		await deliver(id, { secret: 'whsec_other' });
		await deliver(id, { secret: 'whsec_other' });
		expect(steps('secret')).toHaveLength(2);
	});

	test.each([
		['404', { kind: 'status', status: 404 }],
		['503', { kind: 'status', status: 503 }],
		['"too many requests"', { kind: 'tooManyRequests', retryAfter: '1' }],
	] as const)('costs one request a minute while the API answers %s', async (_what, fault) => {
		const id = await submitFinished();
		scene.rig.emulator.addFault({ step: 'secret', times: Infinity, ...fault });
		const sendMany = async () =>
			await Promise.all(
				Array.from({ length: 30 }, async () => await deliver(id, { secret: 'whsec_other' })),
			);
		expect(new Set(await sendMany())).toEqual(new Set([503]));
		await passTime(50);
		expect(new Set(await sendMany())).toEqual(new Set([503]));
		expect(steps('secret')).toHaveLength(1);
		await passTime(10);
		await sendMany();
		expect(steps('secret')).toHaveLength(2);
		expect(scene.trigger.started).toEqual([]);
	});

	test('is not held while the API hangs: of 150 that come together few wait, for some seconds', async () => {
		const id = await submitFinished();
		scene.rig.emulator.addFault({ step: 'secret', kind: 'hang', times: Infinity });
		let answered = 0;
		const sending = Promise.all(
			Array.from({ length: 150 }, async () => {
				const status = await deliver(id, { secret: 'whsec_other' });
				answered += 1;
				return status;
			}),
		);
		const startedAt = scene.rig.clock.now();
		// Time stands still meanwhile.
		while (answered < 140) await setImmediate();
		expect(await scene.rig.clock.runUntil(sending, scene.rig.emulator)).toEqual(
			Array.from({ length: 150 }, () => 503),
		);
		expect(scene.rig.clock.now() - startedAt).toBeLessThanOrEqual(5_000);
		expect(steps('secret')).toHaveLength(1);
	});

	test('makes n8n read the credential once a minute, and not for each request', async () => {
		let reads = 0;
		const { apiKey, ...others } = scene.rig.credential;
		const credential = { ...others, apiKey };
		const get = () => {
			reads += 1;
			return apiKey;
		};
		Object.defineProperty(credential, 'apiKey', { get, enumerable: true });
		const id = await submitFinished();
		scene.trigger = await openTrigger({ credential });
		await deliver(id, { secret: 'whsec_other' });
		const readsOfOne = reads;
		for (let round = 0; round < 30; round += 1) await deliver(id, { secret: 'whsec_other' });
		expect(reads).toBe(readsOfOne);
		await passTime(60);
		await deliver(id, { secret: 'whsec_other' });
		expect(reads).toBeGreaterThan(readsOfOne);
	});

	test('does not keep the callbacks of another account from starting the workflow when the credential changes', async () => {
		const id = await submitFinished();
		const credential = { ...scene.rig.credential, apiKey: 'of-another-account' };
		scene.trigger = await openTrigger({ credential });
		expect(await deliver(id)).toBe(503);
		credential.apiKey = scene.rig.credential.apiKey;
		expect(await deliver(id)).toBe(503);
		await passTime(60);
		expect(await deliver(id)).toBe(200);
	});

	test('does not make it ask at all without a signature that could fit', async () => {
		const id = await submitFinished();
		await deliver(id, { signature: null });
		await deliver(id, { signature: 'v3,xyz' });
		await deliver(id, { timestamp: 1 });
		expect(steps('secret')).toEqual([]);
	});
});

interface Captured extends Record<string, string> {
	body: string;
}

/** A genuine callback, as somebody on the way could have copied it. */
async function captureCallback(id: string): Promise<Captured> {
	const elsewhere = await openTrigger({ credential: undefined });
	await deliver(id, { url: elsewhere.url });
	return elsewhere.received.at(-1) as Captured;
}

async function post(body: string, captured: Captured): Promise<number> {
	const headers = Object.fromEntries(
		Object.entries(captured).filter(([name]) => /^webhook-|^content-type$/.test(name)),
	);
	const answer = await axios.post(scene.trigger.url, Buffer.from(body), {
		headers,
		proxy: false,
		validateStatus: () => true,
	});
	return answer.status;
}
