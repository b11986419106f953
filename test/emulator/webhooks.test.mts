import { createHmac } from 'node:crypto';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { closeAll, closeLater, MINUTE, SECOND, START, startRig, type Rig } from './testTools.mts';

afterEach(closeAll);

interface Received {
	headers: IncomingHttpHeaders;
	body: string;
}

/** Answers with the statuses in turn, then 200. */
async function startReceiver(...statuses: number[]) {
	const received: Received[] = [];
	const server = createServer((request, response) => {
		let body = '';
		request.on('data', (chunk: Buffer) => (body += chunk.toString()));
		request.on('end', () => {
			received.push({ headers: request.headers, body });
			response.writeHead(statuses.shift() ?? 200).end();
		});
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	closeLater({
		close: async () => {
			server.closeAllConnections();
			server.close();
		},
	});
	return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook?a=1`, received };
}

const submitTo = async ({ submit }: Rig, url: string): Promise<string> =>
	(await submit(undefined, `?webhook=${encodeURIComponent(url)}`)).body.data.id;

/** The signature as the documentation describes it, written anew. */
function expectedSignature(secret: string, { headers, body }: Received): string {
	const key = Buffer.from(secret.slice('whsec_'.length), 'utf8');
	const signed = `${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${body}`;
	return `v3,${createHmac('sha256', key).update(signed).digest('hex')}`;
}

describe('a callback', () => {
	test('brings the bare prediction with its input when the task ends, signed', async () => {
		const rig = await startRig();
		const { url, received } = await startReceiver();
		const id = await submitTo(rig, url);
		await rig.clock.advance(59 * SECOND);
		await rig.emulator.idle();
		expect(received).toHaveLength(0);
		await rig.clock.advance(SECOND);
		await rig.emulator.idle();
		expect(received).toHaveLength(1);
		const [delivery] = received as [Received];
		expect(JSON.parse(delivery.body)).toMatchObject({
			id,
			status: 'completed',
			input: rig.emulator.tasks()[0]?.input,
			outputs: [expect.any(String)],
		});
		expect(delivery.headers['content-type']).toBe('application/json');
		expect(delivery.headers['webhook-timestamp']).toBe(String((START + MINUTE) / 1000));
		expect(delivery.headers['webhook-signature']).toBe(
			expectedSignature(rig.emulator.webhookSecret, delivery),
		);
		expect(delivery.headers.authorization).toBeUndefined();
	});

	test('is tried 3 more times with growing pauses, same id, fresh time and signature', async () => {
		const rig = await startRig({ webhookRetryDelaysSeconds: [5, 30, 120, 600] });
		const { url, received } = await startReceiver(500, 404, 302, 503);
		await submitTo(rig, url);
		for (const [pause, count] of [
			[60, 1],
			[5, 2],
			[29, 2],
			[1, 3],
			[120, 4],
			[3600, 4],
		] as const) {
			await rig.clock.advance(pause * SECOND);
			await rig.emulator.idle();
			expect(received).toHaveLength(count);
		}
		const column = (name: string) => new Set(received.map(({ headers }) => headers[name]));
		expect(column('webhook-id').size).toBe(1);
		expect(column('webhook-timestamp').size).toBe(4);
		expect(column('webhook-signature').size).toBe(4);
		expect(rig.emulator.webhookDeliveries()).toMatchObject([
			{ attempt: 1, status: 500 },
			{ attempt: 2, status: 404 },
			{ attempt: 3, status: 302 },
			{ attempt: 4, status: 503 },
		]);
	});

	test('ends with the first 2xx', async () => {
		const rig = await startRig();
		const { url, received } = await startReceiver(500, 204);
		await submitTo(rig, url);
		await rig.clock.advance(MINUTE);
		await rig.emulator.idle();
		await rig.clock.advance(60 * MINUTE);
		await rig.emulator.idle();
		expect(received).toHaveLength(2);
	});

	test('also reports a failure, and one that a hand made', async () => {
		const rig = await startRig();
		const { url, received } = await startReceiver();
		const failing = await submitTo(rig, url);
		const finished = await submitTo(rig, url);
		rig.emulator.failTask(failing, { code: 1200, error: 'moderation' });
		rig.emulator.finishTask(finished);
		await rig.emulator.idle();
		const bodies = received.map(({ body }) => JSON.parse(body));
		expect(bodies).toContainEqual(
			expect.objectContaining({ id: failing, status: 'failed', code: 1200, error: 'moderation' }),
		);
		expect(bodies).toContainEqual(expect.objectContaining({ id: finished, status: 'completed' }));
	});

	test('is not sent for a task that was cancelled', async () => {
		const rig = await startRig();
		const { url, received } = await startReceiver();
		const id = await submitTo(rig, url);
		rig.emulator.setTask(id, { status: 'cancelled' });
		await rig.clock.advance(5 * MINUTE);
		await rig.emulator.idle();
		expect(received).toHaveLength(0);
	});

	test('comes when a task that had to wait for a place ends', async () => {
		const rig = await startRig({ accountLevel: 'bronze', overLimit: 'queue', taskSeconds: 90 });
		const { url, received } = await startReceiver();
		await rig.submit();
		await rig.submit();
		await rig.clock.advance(MINUTE);
		await submitTo(rig, url);
		await rig.clock.advance(119 * SECOND);
		await rig.emulator.idle();
		expect(received).toHaveLength(0);
		await rig.clock.advance(SECOND);
		await rig.emulator.idle();
		expect(received).toHaveLength(1);
	});

	test('can be lost, or come twice because its answer was lost', async () => {
		const rig = await startRig();
		const { url, received } = await startReceiver();
		rig.emulator.addFault({ step: 'webhook', kind: 'resetBefore' });
		rig.emulator.addFault({ step: 'webhook', kind: 'resetAfter' });
		await submitTo(rig, url);
		for (const [pause, count] of [
			[60, 0],
			[5, 1],
			[30, 2],
		] as const) {
			await rig.clock.advance(pause * SECOND);
			await rig.emulator.idle();
			expect(received).toHaveLength(count);
		}
		expect(received[0]?.headers['webhook-id']).toBe(received[1]?.headers['webhook-id']);
	});
});

test.each([
	['truncatedJson', /^\{"id":.*[^}]$/],
	['emptyBody', /^$/],
	['wrongShape', /^\[\]$/],
	['missingId', /^\{"(?!id")/],
] as const)(
	'a callback with the fault %s has a bad body and a signature that fits it',
	async (kind, bad) => {
		const rig = await startRig();
		const { url, received } = await startReceiver(400);
		rig.emulator.addFault({ step: 'webhook', kind });
		await submitTo(rig, url);
		for (const pause of [MINUTE, 5 * SECOND]) {
			await rig.clock.advance(pause);
			await rig.emulator.idle();
		}
		const [spoiled, whole] = received as [Received, Received];
		expect(spoiled.body).toMatch(bad);
		expect(spoiled.headers['webhook-signature']).toBe(
			expectedSignature(rig.emulator.webhookSecret, spoiled),
		);
		expect(JSON.parse(whole.body)).toHaveProperty('id');
	},
);

describe('a callback by hand', () => {
	test('is valid by default and forged where told', async () => {
		const rig = await startRig();
		const { url, received } = await startReceiver(200, 401);
		const id = await submitTo(rig, url);
		const { emulator } = rig;
		expect(await emulator.deliverWebhook(id)).toEqual([{ status: 200 }]);
		expect(await emulator.deliverWebhook(id, { signature: 'v3,00' })).toEqual([{ status: 401 }]);
		await emulator.deliverWebhook(id, { timestamp: START / 1000 - 301, id: 'msg_old' });
		await emulator.deliverWebhook(id, { signature: null });
		await emulator.deliverWebhook(id, { body: { id: 'other' } });
		await emulator.deliverWebhook(id, { secret: 'whsec_other' });
		const [valid, forged, old, unsigned, other, foreign] = received as [
			Received,
			Received,
			Received,
			Received,
			Received,
			Received,
		];
		const signature = (one: Received) => one.headers['webhook-signature'];
		expect(signature(valid)).toBe(expectedSignature(emulator.webhookSecret, valid));
		expect(signature(forged)).toBe('v3,00');
		expect(old.headers).toMatchObject({
			'webhook-id': 'msg_old',
			'webhook-timestamp': String(START / 1000 - 301),
		});
		expect(signature(old)).toBe(expectedSignature(emulator.webhookSecret, old));
		expect(unsigned.headers).not.toHaveProperty('webhook-signature');
		expect(other.body).toBe('{"id":"other"}');
		expect(signature(other)).toBe(expectedSignature(emulator.webhookSecret, other));
		expect(signature(foreign)).toBe(expectedSignature('whsec_other', foreign));
	});
});
