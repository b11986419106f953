import axios from 'axios';
import type { IDataObject } from 'n8n-workflow';

import type { EmulatorTask, WebhookOverrides } from '../emulator/types.mts';
import { readStored } from './harness/engine.mts';
import { jsonOf, makeRow, makeRows, type Rig, startRig } from './harness/rig.mts';
import { startTrigger, type TriggerOptions, type TriggerRig } from './harness/triggerRig.mts';

let rig: Rig;
let trigger: TriggerRig;
const triggers: TriggerRig[] = [];

const openTrigger = async (options: Partial<TriggerOptions> = {}): Promise<TriggerRig> => {
	const opened = await startTrigger({ credential: rig.credential, ...options });
	triggers.push(opened);
	return opened;
};

beforeEach(async () => {
	rig = await startRig({ taskSeconds: 3600 });
	trigger = await openTrigger();
});
afterEach(async () => {
	await Promise.all(triggers.splice(0).map(async (one) => await one.close()));
	await rig.close();
});

const steps = (step: string) => rig.emulator.requests().filter((request) => request.step === step);

const submitTask = async (options: IDataObject = {}): Promise<string> => {
	const result = await rig.run({
		items: [await makeRow()],
		parameters: { operation: 'submit', options },
	});
	return String(result.items[0]?.json.taskId);
};

const submitFinished = async (): Promise<string> => {
	const id = await submitTask();
	rig.emulator.finishTask(id);
	return id;
};

const deliver = async (id: string, overrides: WebhookOverrides = {}): Promise<number> => {
	const sent = await rig.emulator.deliverWebhook(id, { url: trigger.url, ...overrides });
	return sent[0]?.status ?? 0;
};

/** As above, with time going on while the trigger tries again. */
const deliverInTime = async (id: string, overrides: WebhookOverrides = {}): Promise<number> =>
	await rig.clock.runUntil(deliver(id, overrides), rig.emulator);

const passTime = async (seconds: number): Promise<void> =>
	await rig.clock.runUntil(rig.clock.sleep(seconds * 1000), rig.emulator);

const nowSeconds = (): number => Math.floor(rig.clock.now() / 1000);

const activateFailing = async (): Promise<Error & { description?: string }> =>
	await rig.clock.runUntil(
		trigger.activate().then(
			() => {
				throw new Error('it was activated');
			},
			(error: unknown) => error as Error,
		),
		rig.emulator,
	);

describe('activation', () => {
	test('fetches the secret, and a callback then needs no other request than that for its task', async () => {
		expect(await trigger.activate()).toBe(true);
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
			rig.emulator.addFault({ step: 'secret', kind, times: Infinity, ...more });
			const error = await activateFailing();
			expect(error.message).toMatch(message);
			expect(error.description).toMatch(/could not tell WaveSpeed's callbacks from forged ones/);
			expect(error.description).not.toMatch(/7 days/);
		},
	);

	test('fails with a clear error for a wrong key, and for a node without a credential', async () => {
		trigger = await openTrigger({ credential: { ...rig.credential, apiKey: 'other' } });
		expect((await activateFailing()).message).toMatch(/doesn't accept the API key/);
		trigger = await openTrigger({ credential: undefined });
		expect((await activateFailing()).message).toMatch(/Credential not found/);
	});

	test.each([0, -1, 86_401, 'soon'])('fails for a tolerance of %j', async (toleranceSeconds) => {
		trigger = await openTrigger({ parameters: { options: { toleranceSeconds } } });
		expect((await activateFailing()).message).toMatch(/"Signature Tolerance \(Seconds\)" must be/);
		expect(steps('secret')).toHaveLength(0);
	});

	test('asks each time, as the account behind the credential may be another one', async () => {
		await trigger.activate();
		await trigger.activate('update');
		expect(steps('secret')).toHaveLength(2);
	});

	test('does not switch the trigger off when n8n starts while WaveSpeed is down', async () => {
		rig.emulator.addFault({ step: 'secret', kind: 'status', times: Infinity });
		const activating = trigger.activate('init');
		expect(await rig.clock.runUntil(activating, rig.emulator)).toBe(true);
		expect(trigger.logs.join()).toMatch(/WaveSpeed can't be reached/);
		rig.emulator.clearFaults();
		expect(await deliver(await submitFinished())).toBe(200);
		expect(trigger.started).toHaveLength(1);
	});

	test('fails also when n8n starts if the key is refused', async () => {
		trigger = await openTrigger({ credential: { ...rig.credential, apiKey: 'other' } });
		await expect(trigger.activate('init')).rejects.toThrow(/doesn't accept the API key/);
	});

	test('works for a test run in the editor', async () => {
		trigger = await openTrigger({ mode: 'manual' });
		expect(await trigger.activate('manual')).toBe(true);
		const id = await submitFinished();
		expect(await deliver(id, { signature: 'v3,00' })).toBe(401);
		expect(await deliver(id)).toBe(200);
		expect(trigger.started).toHaveLength(1);
		expect(await trigger.deactivate()).toBe(true);
	});

	test('ends without a request, and the secret goes', async () => {
		await trigger.activate();
		expect(await trigger.deactivate()).toBe(true);
		expect(steps('secret')).toHaveLength(1);
		await deliver(await submitFinished());
		expect(steps('secret')).toHaveLength(2);
	});
});

describe('the end of a task', () => {
	test('starts the workflow of the URL that it was submitted with, with the item that Get Task gives', async () => {
		const id = await submitTask({ webhookUrl: trigger.url });
		rig.emulator.finishTask(id);
		await rig.emulator.idle();
		expect(rig.emulator.webhookDeliveries()).toMatchObject([{ taskId: id, status: 200 }]);
		const got = await rig.run({ parameters: { operation: 'get', taskId: id } });
		expect(jsonOf(trigger.started)).toEqual(jsonOf(got.items));
		expect(trigger.started[0]?.json).toMatchObject({
			status: 'completed',
			videoUrl: expect.any(String),
		});
		expect(trigger.thrown).toEqual([]);
	});

	test("gives the API's own object without Simplify", async () => {
		trigger = await openTrigger({ parameters: { simplify: false } });
		const id = await submitFinished();
		await deliver(id);
		const got = await rig.run({ parameters: { operation: 'get', taskId: id, simplify: false } });
		expect(jsonOf(trigger.started)).toEqual(jsonOf(got.items));
		expect(trigger.started[0]?.json).toMatchObject({ id, outputs: [expect.any(String)] });
	});

	test('without a video says why', async () => {
		const id = await submitTask();
		rig.emulator.failTask(id, { code: 1402, error: 'Failed to download image' });
		await deliver(id);
		expect(trigger.started[0]?.json).toMatchObject({
			taskId: id,
			status: 'failed',
			videoUrl: null,
			failureReason: 'Failed to download image',
			failureCode: 1402,
		});
	});

	test.each([
		['completed', 'completed', 1],
		['completed', 'failed', 0],
		['failed', 'completed', 0],
		['failed', 'failed', 1],
		['failed', 'cancelled', 1],
		['finished', 'completed', 1],
		['finished', 'failed', 1],
		['finished', 'timeout', 1],
	])('Trigger On %s, status %s: %d', async (event, status, starts) => {
		trigger = await openTrigger({ parameters: { event } });
		const id = await submitTask();
		rig.emulator.setTask(id, { status });
		expect(await deliver(id)).toBe(200);
		expect(trigger.started).toHaveLength(starts);
	});

	test('brings the file if asked to', async () => {
		const options = { downloadVideo: true, outputBinaryPropertyName: 'video' };
		trigger = await openTrigger({ parameters: { options } });
		const id = await submitFinished();
		expect(await deliver(id)).toBe(200);
		const binary = trigger.started[0]?.binary?.video;
		expect(binary?.mimeType).toBe('video/mp4');
		expect((await readStored(binary!)).subarray(4, 8).toString()).toBe('ftyp');
		expect(
			rig.emulator
				.requests()
				.filter(({ origin, headers }) => origin === 'media' && headers.authorization),
		).toEqual([]);
	});

	test('starts the workflow also when the file can not be fetched, with its URL and the reason', async () => {
		trigger = await openTrigger({ parameters: { options: { downloadVideo: true } } });
		rig.emulator.addFault({ step: 'download', kind: 'status', times: Infinity });
		const id = await submitFinished();
		expect(await deliverInTime(id)).toBe(200);
		expect(trigger.started).toHaveLength(1);
		const [item] = trigger.started;
		expect(item?.binary).toBeUndefined();
		expect(item?.json).toMatchObject({
			taskId: id,
			videoUrl: expect.any(String),
			downloadError: expect.stringMatching(/could not be downloaded.*503.*exists and is paid for/),
		});
	});
});

describe('a callback that WaveSpeed did not send', () => {
	const forgeries: [string, (id: string) => WebhookOverrides][] = [
		['without a signature', () => ({ signature: null })],
		['with a made-up signature', () => ({ signature: `v3,${'0'.repeat(64)}` })],
		['with a signature that was cut off', () => ({ signature: 'v3,00' })],
		['with another version alone', () => ({ signature: `v1,${'0'.repeat(64)}` })],
		['signed with another secret', () => ({ secret: 'whsec_other' })],
		['signed with the API key', () => ({ secret: rig.credential.apiKey })],
		['that is too old', () => ({ timestamp: nowSeconds() - 301 })],
		['that is from the future', () => ({ timestamp: nowSeconds() + 301 })],
		['with no time', () => ({ timestamp: 'now' })],
		['with an ID that is too long', () => ({ id: 'x'.repeat(500) })],
	];

	test.each(forgeries)('%s gets 401 and starts nothing', async (_what, overrides) => {
		const id = await submitFinished();
		expect(await deliver(id, overrides(id))).toBe(401);
		expect(trigger.started).toEqual([]);
		expect(steps('result')).toEqual([]);
		expect(trigger.logs.join()).toMatch(/refused a callback/);
		expect(trigger.stored()).toBe('{}');
	});

	test('whose body was changed by one byte gets 401', async () => {
		const id = await submitFinished();
		const headers = await captureCallback(id);
		const body = JSON.stringify({ id, status: 'completed' });
		expect(await post(body, headers)).toBe(401);
		expect(await post(`${headers.body} `, headers)).toBe(401);
		expect(await post(headers.body, headers)).toBe(200);
		expect(trigger.started).toHaveLength(1);
	});

	test('whose ID was changed, so that it looks new, gets 401', async () => {
		const id = await submitFinished();
		const headers = await captureCallback(id);
		expect(await post(headers.body, { ...headers, 'webhook-id': 'msg_other' })).toBe(401);
		expect(trigger.started).toEqual([]);
	});

	test('whose raw bytes n8n does not give gets 401', async () => {
		const id = await submitFinished();
		const headers = await captureCallback(id);
		expect(
			await post(headers.body, { ...headers, 'content-type': 'multipart/form-data; boundary=x' }),
		).toBe(401);
		expect(await post('', headers)).toBe(401);
	});

	test('makes the trigger ask for the secret once a minute at most', async () => {
		const id = await submitFinished();
		await Promise.all(
			Array.from({ length: 20 }, async () => await deliver(id, { secret: 'whsec_other' })),
		);
		// One because there was none, one because it didn't fit.
		expect(steps('secret')).toHaveLength(2);
		await deliver(id, { secret: 'whsec_other' });
		expect(steps('secret')).toHaveLength(2);
		await passTime(60);
		await deliver(id, { secret: 'whsec_other' });
		await deliver(id, { secret: 'whsec_other' });
		expect(steps('secret')).toHaveLength(3);
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
	const answer = await axios.post(trigger.url, Buffer.from(body), {
		headers,
		proxy: false,
		validateStatus: () => true,
	});
	return answer.status;
}

describe('a signed callback', () => {
	test('is not believed: the item is what the API says', async () => {
		const id = await submitTask();
		rig.emulator.failTask(id, { code: 1200, error: 'moderation' });
		const body = { id, status: 'completed', outputs: ['https://evil.example/x.mp4'] };
		expect(await deliver(id, { body })).toBe(200);
		expect(trigger.started[0]?.json).toMatchObject({ status: 'failed', videoUrl: null });
		expect(JSON.stringify(trigger.started)).not.toMatch(/evil/);
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
		expect(trigger.started).toEqual([]);
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
		expect(trigger.started).toEqual([]);
	});

	test('of some MB is refused before anything is computed or asked for', async () => {
		const id = await submitFinished();
		const body = JSON.stringify({ id, more: 'x'.repeat(1024 ** 2) });
		expect(await deliver(id, { body })).toBe(401);
		expect(steps('secret')).toEqual([]);
		expect(trigger.logs.join()).toContain('too large');
	});

	test('is asked for again while the API does not know of the end yet', async () => {
		const id = await submitTask();
		expect(await deliver(id, { id: 'msg_1' })).toBe(503);
		rig.emulator.finishTask(id);
		expect(await deliver(id, { id: 'msg_1' })).toBe(200);
		expect(trigger.started).toHaveLength(1);
	});

	test.each(['status', 'html', 'truncatedJson', 'resetBefore', 'tooManyRequests', 'hang'] as const)(
		'gets 503 while the API answers with %s, and is used when it comes again',
		async (kind) => {
			await trigger.activate();
			const id = await submitFinished();
			rig.emulator.addFault({ step: 'result', kind, times: Infinity });
			expect(await deliverInTime(id, { id: 'msg_1' })).toBe(503);
			expect(trigger.started).toEqual([]);
			expect(trigger.logs.join()).toMatch(new RegExp(`Could not read task ${id}`));
			rig.emulator.clearFaults();
			expect(await deliver(id, { id: 'msg_1' })).toBe(200);
			expect(trigger.started).toHaveLength(1);
		},
	);

	test('outlives a passing failure of the API', async () => {
		rig.emulator.addFault({ step: 'secret', kind: 'status', times: 2 });
		rig.emulator.addFault({ step: 'result', kind: 'status', times: 2 });
		expect(await deliverInTime(await submitFinished())).toBe(200);
		expect(trigger.started).toHaveLength(1);
	});

	test('gets 503 while the secret can not be had', async () => {
		const id = await submitFinished();
		rig.emulator.addFault({ step: 'secret', kind: 'status', times: Infinity });
		expect(await deliverInTime(id, { id: 'msg_1' })).toBe(503);
		rig.emulator.clearFaults();
		expect(await deliver(id, { id: 'msg_1' })).toBe(200);
	});

	test("gets 503 when credential or parameters don't work, and nothing is thrown into n8n", async () => {
		const id = await submitFinished();
		for (const options of [
			{ credential: undefined },
			{ credential: { ...rig.credential, apiKey: 'other' } },
			{ credential: { ...rig.credential, baseUrl: 'http://example.com' } },
			{ parameters: { event: 'sometimes' } },
			{ parameters: { options: { toleranceSeconds: '={{ $json.body.status }}' } } },
		]) {
			trigger = await openTrigger(options);
			expect(await deliver(id)).toBe(503);
			expect(trigger.started).toEqual([]);
			expect(trigger.thrown).toEqual([]);
		}
	});

	test('may be older if the tolerance allows it', async () => {
		trigger = await openTrigger({ parameters: { options: { toleranceSeconds: 900 } } });
		const id = await submitFinished();
		expect(await deliver(id, { timestamp: nowSeconds() - 901 })).toBe(401);
		expect(await deliver(id, { timestamp: nowSeconds() - 899 })).toBe(200);
	});
});

describe('a new secret', () => {
	test("is fetched when a signature doesn't fit", async () => {
		await trigger.activate();
		const id = await submitFinished();
		const old = rig.emulator.webhookSecret;
		rig.emulator.rotateWebhookSecret();
		expect(await deliver(id, { id: 'msg_1' })).toBe(200);
		expect(steps('secret')).toHaveLength(2);
		expect(await deliver(id, { id: 'msg_2', secret: old })).toBe(401);
		expect(trigger.started).toHaveLength(1);
	});

	test('is fetched once for callbacks that come together, and none of them is lost', async () => {
		await trigger.activate();
		const id = await submitFinished();
		rig.emulator.rotateWebhookSecret();
		const sent = Array.from({ length: 50 }, async (_, n) => await deliver(id, { id: `msg_${n}` }));
		expect(new Set(await Promise.all(sent))).toEqual(new Set([200]));
		expect(steps('secret')).toHaveLength(2);
		expect(trigger.started).toHaveLength(50);
	});

	test('puts an end to the old one within ten minutes, also if nothing is signed with the new one', async () => {
		await trigger.activate();
		const id = await submitFinished();
		const stolen = rig.emulator.webhookSecret;
		rig.emulator.rotateWebhookSecret();
		await passTime(600);
		expect(await deliver(id, { secret: stolen })).toBe(401);
	});

	test('that can not be fetched: the callback is asked for again', async () => {
		await trigger.activate();
		const id = await submitFinished();
		rig.emulator.rotateWebhookSecret();
		rig.emulator.addFault({ step: 'secret', kind: 'status', times: Infinity });
		expect(await deliverInTime(id, { id: 'msg_1' })).toBe(503);
		rig.emulator.clearFaults();
		await passTime(60);
		expect(await deliver(id, { id: 'msg_1' })).toBe(200);
	});
});

describe('a repeated callback', () => {
	test('gets 200 and starts nothing, also with a fresh signature', async () => {
		const id = await submitFinished();
		expect(await deliver(id, { id: 'msg_1' })).toBe(200);
		expect(await deliver(id, { id: 'msg_1' })).toBe(200);
		await passTime(120);
		expect(await deliver(id, { id: 'msg_1' })).toBe(200);
		expect(trigger.started).toHaveLength(1);
		expect(steps('result')).toHaveLength(1);
	});

	test('is known after a restart of n8n', async () => {
		const id = await submitFinished();
		await deliver(id, { id: 'msg_1' });
		await deliver(id, { id: 'msg_3' });
		await deliver(id, { id: 'msg_3' });
		await trigger.idle();
		trigger = await openTrigger({ stored: trigger.stored() });
		expect(await deliver(id, { id: 'msg_3' })).toBe(200);
		expect(await deliver(id, { id: 'msg_1' })).toBe(200);
		expect(trigger.started).toEqual([]);
		expect(await deliver(id, { id: 'msg_2' })).toBe(200);
		expect(trigger.started).toHaveLength(1);
	});

	test('is forgotten after a day', async () => {
		const id = await submitFinished();
		await deliver(id, { id: 'msg_1' });
		await passTime(24 * 60 * 60 + 1);
		await deliver(id, { id: 'msg_1' });
		expect(trigger.started).toHaveLength(2);
	});

	test('comes together with the first: one starts the workflow, and both get the same answer', async () => {
		const id = await submitFinished();
		const both = async () =>
			await rig.clock.runUntil(
				Promise.all([deliver(id, { id: 'msg_1' }), deliver(id, { id: 'msg_1' })]),
				rig.emulator,
			);
		await trigger.activate();
		rig.emulator.addFault({ step: 'result', kind: 'status', times: Infinity });
		expect(await both()).toEqual([503, 503]);
		rig.emulator.clearFaults();
		expect(await both()).toEqual([200, 200]);
		expect(trigger.started).toHaveLength(1);
	});

	test('starts the workflow if n8n could not start it at first', async () => {
		const id = await submitFinished();
		trigger.failStarts(1);
		expect(await deliver(id, { id: 'msg_1' })).toBe(500);
		expect(trigger.started).toEqual([]);
		expect(await deliver(id, { id: 'msg_1' })).toBe(200);
		expect(trigger.started).toHaveLength(1);
	});

	test('of a test run takes nothing from production', async () => {
		const id = await submitFinished();
		const test = await openTrigger({ mode: 'manual' });
		await deliver(id, { id: 'msg_1', url: test.url });
		expect(await deliver(id, { id: 'msg_1' })).toBe(200);
		expect(trigger.started).toHaveLength(1);
	});
});

describe('a burst of 200 callbacks', () => {
	const submitMany = async (): Promise<EmulatorTask[]> => {
		await rig.run({ items: await makeRows(200), parameters: { operation: 'submit' } });
		for (const { id } of rig.emulator.tasks()) rig.emulator.finishTask(id);
		return rig.emulator.tasks();
	};

	test('starts the workflow once for each, though all are sent three times', async () => {
		const tasks = await submitMany();
		const send = async (round: number) =>
			await Promise.all(
				tasks.map(
					async ({ id }) => await deliver(id, { id: `msg_${id}`, timestamp: nowSeconds() + round }),
				),
			);
		const statuses = await Promise.all([send(0), send(1), send(2)]);
		expect(new Set(statuses.flat())).toEqual(new Set([200]));
		const ids = jsonOf(trigger.started).map((json) => json.taskId);
		expect(ids).toHaveLength(200);
		expect(new Set(ids)).toEqual(new Set(tasks.map(({ id }) => id)));
		expect(steps('secret')).toHaveLength(1);
		expect(steps('result')).toHaveLength(200);
		expect(trigger.thrown).toEqual([]);
		// The last one stores what the others know too, however n8n's copies overwrite each other.
		expect(await deliver(tasks[0]!.id, { id: `msg_${tasks[0]!.id}` })).toBe(200);
		await trigger.idle();
		const { wan22Deliveries } = JSON.parse(trigger.stored())['node:Trigger'];
		expect(Object.keys(wan22Deliveries)).toHaveLength(200);
	}, 60_000);

	test('loses none when the API is down for a part of them and the service sends again', async () => {
		const tasks = await submitMany();
		await trigger.activate();
		rig.emulator.addFault({ step: 'result', kind: 'status', times: 250 });
		const send = async () =>
			await rig.clock.runUntil(
				Promise.all(tasks.map(async ({ id }) => await deliver(id, { id: `msg_${id}` }))),
				rig.emulator,
			);
		for (let round = 0; round < 4; round += 1) await send();
		const ids = jsonOf(trigger.started).map((json) => json.taskId);
		expect(ids).toHaveLength(200);
		expect(new Set(ids).size).toBe(200);
	}, 60_000);
});

test('neither the secret nor the key is in anything that can be read', async () => {
	const secrets = [rig.emulator.webhookSecret, rig.emulator.apiKey];
	const texts: unknown[] = [];
	rig.emulator.addFault({ step: 'secret', kind: 'status', status: 500, times: 5 });
	const error = await activateFailing();
	texts.push(error.message, error.description, error.stack, { ...error });
	await trigger.activate();
	const id = await submitFinished();
	await deliver(id, { id: 'msg_1' });
	await deliver(id, { secret: 'whsec_other' });
	rig.emulator.addFault({ step: 'result', kind: 'status', times: Infinity });
	await deliverInTime(id, { id: 'msg_2' });
	rig.emulator.clearFaults();
	await passTime(60);
	secrets.push(rig.emulator.rotateWebhookSecret());
	await deliver(id, { id: 'msg_3' });
	await trigger.deactivate();
	expect(trigger.started).toHaveLength(2);
	texts.push(trigger.started, trigger.logs, trigger.answers, trigger.stored());
	const everything = JSON.stringify(texts);
	for (const secret of secrets) {
		expect(everything).not.toContain(secret);
		expect(everything).not.toContain(secret.replace('whsec_', ''));
	}
});
