import { SigningSecret } from '../../nodes/shared/account/signingSecret';
import { settle } from '../../nodes/shared/async/settle';
import { preparationBudget } from '../../nodes/shared/wavespeed/http/request';
import {
	createRig,
	failureFrom,
	hang,
	noReply,
	ok,
	refusal,
	type Rig,
	type Step,
} from './support/api.mts';

const secretIs = (secret: string): Step => ok({ secret });

const open = (steps: Parameters<typeof createRig>[0]) => {
	const rig = createRig(steps);
	const secret = new SigningSecret();
	return {
		...rig,
		secret,
		/** A callback that is signed with this. */
		verify: async (signedWith: string) =>
			await rig.time.run(secret.verify(rig.api, (known) => known === signedWith)),
		refresh: async () =>
			await rig.time.run(secret.refresh(rig.api, preparationBudget(rig.api.clock))),
		/** How many of so many callbacks that come together are told what. */
		verifyMany: async (count: number, signedWith: string) => {
			const started = rig.api.clock.now();
			const told: Record<string, number> = {};
			const waits: number[] = [];
			const one = async (): Promise<void> => {
				const outcome = await settle(secret.verify(rig.api, (known) => known === signedWith));
				const word = outcome.ok ? String(outcome.value) : 'later';
				told[word] = (told[word] ?? 0) + 1;
				waits.push(rig.api.clock.now() - started);
			};
			await rig.time.run(Promise.all(Array.from({ length: count }, one)));
			return { told, waits };
		},
	};
};

const pass = async ({ time, api }: Pick<Rig, 'time' | 'api'>, ms: number): Promise<void> =>
	await time.run(api.clock.sleep(ms));

describe('the signing secret of an account', () => {
	it('is fetched by the first callback, and the next ones need no request', async () => {
		const { verify, requests } = open([secretIs('a')]);
		expect(await verify('a')).toBe(true);
		expect(await verify('a')).toBe(true);
		expect(requests).toHaveLength(1);
		expect(requests[0]).toMatchObject({
			method: 'GET',
			target: { path: '/api/v3/webhook/secret' },
		});
	});

	it('is fetched once a minute for whatever is not signed with it', async () => {
		const opened = open([secretIs('a')]);
		for (let n = 0; n < 30; n += 1) expect(await opened.verify('forged')).toBe(false);
		expect(opened.requests).toHaveLength(1);
		await pass(opened, 60_000);
		for (let n = 0; n < 30; n += 1) expect(await opened.verify('forged')).toBe(false);
		expect(opened.requests).toHaveLength(2);
	});

	it.each([
		['404', refusal(404)],
		['503', refusal(503)],
		['401', refusal(401)],
		['429', refusal(429)],
		['429 for a second', refusal(429, '', { 'retry-after': '1' })],
		['no answer', noReply],
		['another shape', ok({ secret: '' })],
	])('that can not be fetched (%s) costs one request a minute', async (_what, step) => {
		const opened = open([step]);
		for (let n = 0; n < 30; n += 1) {
			expect((await failureFrom(opened.verify('a'))).message).toMatch(/secret|API key/);
		}
		expect(opened.requests).toHaveLength(1);
		await pass(opened, 60_000);
		await failureFrom(opened.verify('a'));
		expect(opened.requests).toHaveLength(2);
	});

	it('lets few wait, and nobody long, while the API does not answer', async () => {
		const { verifyMany, requests } = open((time) => [hang(time)]);
		const { told, waits } = await verifyMany(150, 'a');
		expect(told).toEqual({ later: 150 });
		expect(waits.filter((ms) => ms > 0)).toHaveLength(10);
		expect(Math.max(...waits)).toBeLessThanOrEqual(5_100);
		expect(requests).toHaveLength(1);
		expect((await verifyMany(150, 'a')).waits.filter((ms) => ms > 0)).toEqual([]);
		expect(requests).toHaveLength(1);
	});

	it('lets all of a burst wait that fits the secret of before, which most likely is genuine', async () => {
		const opened = open([secretIs('a'), secretIs('a')]);
		await opened.refresh();
		await pass(opened, 600_000);
		expect((await opened.verifyMany(60, 'a')).told).toEqual({ true: 60 });
		expect(opened.requests).toHaveLength(2);
	});

	it('lets nobody wait long for a request that is not even sent', async () => {
		const opened = open([]);
		// As behind thousands of checks of tasks.
		const send = async (): Promise<never> => await new Promise(() => {});
		opened.api.send = send;
		const startedAt = opened.api.clock.now();
		await failureFrom(opened.verify('a'));
		expect(opened.api.clock.now() - startedAt).toBe(5_000);
	});

	it('checks what comes while a request hangs by the secret that is known', async () => {
		const opened = open((time) => [secretIs('a'), hang(time)]);
		await opened.refresh();
		const forged = opened.secret.verify(opened.api, () => false);
		const waitsFor = settle(forged);
		expect(await opened.secret.verify(opened.api, (known) => known === 'a')).toBe(true);
		expect(await opened.time.run(waitsFor)).toMatchObject({ ok: false });
	});

	it('is fetched anew when a signature does not fit, as it may have been replaced', async () => {
		const { refresh, verify, requests } = open([secretIs('a'), secretIs('b')]);
		await refresh();
		expect(await verify('b')).toBe(true);
		expect(await verify('a')).toBe(false);
		expect(requests).toHaveLength(2);
	});

	it('is not believed for longer than ten minutes, also if it can not be fetched', async () => {
		const opened = open([secretIs('a'), refusal(503)]);
		await opened.refresh();
		await pass(opened, 599_000);
		expect(await opened.verify('a')).toBe(true);
		await pass(opened, 1_000);
		await failureFrom(opened.verify('a'));
	});

	it('is asked for again within seconds for what fits the one of before, if the API has failed once', async () => {
		const opened = open([secretIs('a'), refusal(502), secretIs('a')]);
		await opened.refresh();
		await pass(opened, 600_000);
		await failureFrom(opened.verify('a'));
		await failureFrom(opened.verify('a'));
		await pass(opened, 5_000);
		for (let n = 0; n < 30; n += 1) await failureFrom(opened.verify('forged'));
		expect(opened.requests).toHaveLength(2);
		expect(await opened.verify('a')).toBe(true);
		expect(opened.requests).toHaveLength(3);
	});

	it('of before is never believed, and costs a request in five seconds while the API fails', async () => {
		const failing = Array.from({ length: 6 }, () => refusal(502));
		const opened = open([secretIs('a'), ...failing, secretIs('b')]);
		await opened.refresh();
		await pass(opened, 600_000);
		for (let second = 0; second < 30; second += 1) {
			for (let n = 0; n < 10; n += 1) await failureFrom(opened.verify('a'));
			await pass(opened, 1_000);
		}
		expect(opened.requests).toHaveLength(1 + 6);
		expect(await opened.verify('a')).toBe(false);
		expect(await opened.verify('b')).toBe(true);
		expect(opened.requests).toHaveLength(1 + 7);
	});

	it('that is too old to be believed is fetched once a minute for what does not fit it', async () => {
		const opened = open([secretIs('a'), refusal(502)]);
		await opened.refresh();
		await pass(opened, 600_000);
		for (let second = 0; second < 180; second += 1) {
			await failureFrom(opened.verify('forged'));
			await pass(opened, 1_000);
		}
		expect(opened.requests).toHaveLength(1 + 3);
	});

	it('is fetched at each activation, which tries more than once and forgets earlier failures', async () => {
		const opened = open([refusal(503), refusal(503), secretIs('a'), secretIs('b')]);
		await failureFrom(opened.verify('a'));
		await opened.refresh();
		expect(await opened.verify('a')).toBe(true);
		await opened.refresh();
		expect(await opened.verify('b')).toBe(true);
		expect(opened.requests).toHaveLength(4);
	});

	it('goes when it is forgotten, together with an answer that is still on its way', async () => {
		const opened = open([secretIs('a')]);
		const verifying = opened.secret.verify(opened.api, (known) => known === 'a');
		opened.secret.forget();
		expect(await opened.time.run(verifying)).toBe(true);
		expect(await opened.verify('a')).toBe(true);
		expect(opened.requests).toHaveLength(2);
	});

	it('is the one that was asked for last, whichever answer comes last', async () => {
		const slow: Step = async () => {
			await opened.time.delay(3_000);
			return ok({ secret: 'old' });
		};
		const opened = open([slow, secretIs('new')]);
		const verifying = settle(opened.secret.verify(opened.api, (known) => known === 'old'));
		await opened.refresh();
		await opened.time.run(verifying);
		expect(await opened.verify('new')).toBe(true);
		expect(opened.requests).toHaveLength(2);
	});
});
