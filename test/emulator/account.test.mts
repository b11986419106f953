import { closeAll, makeWav, MODEL, startRig } from './testTools.mts';

afterEach(closeAll);

describe('a quote', () => {
	test.each([
		[1, '480p', 0.09],
		[3, '480p', 0.09],
		[7.2, '480p', 0.24],
		[60, '480p', 1.8],
		[7.2, '720p', 0.48],
		[601, '480p', 18],
	])('for %d s at %s is $%d', async (seconds, resolution, price) => {
		const { call, upload } = await startRig();
		const audio = await upload('a.wav', 'audio/wav', makeWav(seconds));
		const reply = await call('POST', '/model/price', {
			model_id: MODEL,
			inputs: { audio, resolution },
		});
		expect(reply.body.data).toEqual({
			model_id: MODEL,
			price,
			discounted_price: price,
			currency: 'USD',
		});
		const legacy = await call('POST', '/model/pricing', {
			model_id: MODEL,
			inputs: { audio, resolution },
		});
		expect(legacy.body.data).toEqual({ model_id: MODEL, unit_price: price, currency: 'USD' });
	});

	test('is what the task then costs', async () => {
		const { call, upload, submit, emulator } = await startRig();
		const audio = await upload('a.wav', 'audio/wav', makeWav(10.2));
		const image = await upload('a.png', 'image/png', Buffer.from('any'));
		await submit({ image, audio, resolution: '720p' });
		expect(emulator.tasks()[0]?.priceUsd).toBe(0.66);
		expect((await call('GET', '/balance')).body.data).toEqual({ balance: 99.34 });
	});

	test('without the audio falls back to the base price', async () => {
		const { call } = await startRig();
		for (const inputs of [undefined, {}, { resolution: '720p' }]) {
			const reply = await call('POST', '/model/price', { model_id: MODEL, inputs });
			expect(reply.body.data.price).toBe(0.15);
		}
	});

	test('assumes the configured length for audio that it can not measure', async () => {
		const { call, upload } = await startRig({ audioSeconds: 20 });
		const audio = await upload('a.mp3', 'audio/mpeg', Buffer.from('ID3 any'));
		const reply = await call('POST', '/model/price', { model_id: MODEL, inputs: { audio } });
		expect(reply.body.data.price).toBe(0.6);
	});

	test.each([
		[{}, 400],
		[{ model_id: 'other', inputs: {} }, 404],
		[{ model_id: MODEL, inputs: [] }, 400],
		[{ model_id: MODEL, inputs: { audio: 5 } }, 400],
		[{ model_id: MODEL, inputs: { audio: 'http://127.0.0.1:1/a.mp3' } }, 400],
	])('for %j is refused with %i', async (body, status) => {
		const { call } = await startRig();
		expect((await call('POST', '/model/price', body)).status).toBe(status);
	});
});

test('the webhook secret is the one that is in use, also after it was rotated', async () => {
	const { call, emulator } = await startRig();
	const first = (await call('GET', '/webhook/secret')).body.data.secret;
	expect(first).toMatch(/^whsec_.+/);
	expect(first).toBe(emulator.webhookSecret);
	const second = emulator.rotateWebhookSecret();
	expect(second).not.toBe(first);
	expect((await call('GET', '/webhook/secret')).body.data.secret).toBe(second);
	expect(emulator.webhookSecret).toBe(second);
});
