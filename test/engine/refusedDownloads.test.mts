import { GOES_ON, type HostileRig, startHostileRig } from '../fuzz/support/hostileRig.mts';
import { jsonOf, makeRows } from './harness/rig.mts';

/** What a host goes on sending when nobody wants it any more. */

let rig: HostileRig;
beforeEach(async () => {
	rig = await startHostileRig();
});
afterEach(async () => await rig.close());

test.each([200, 404, 503])(
	'a body without an end, with HTTP status %i, holds no connection when it is refused',
	async (status) => {
		rig.server.play({ download: Array.from({ length: 8 }, () => ({ kind: 'endless', status })) });
		const result = await rig.run({
			items: await makeRows(2),
			parameters: {
				...{ resource: 'video', operation: 'generate', prompt: '={{ $json.prompt }}' },
				options: { downloadVideo: true },
			},
			settings: GOES_ON,
		});
		expect(jsonOf(result.items)).toEqual([
			expect.objectContaining({ error: expect.stringContaining('could not be downloaded') }),
			expect.objectContaining({ error: expect.stringContaining('could not be downloaded') }),
		]);
		const downloads = rig.server.requests().filter(({ step }) => step === 'download');
		expect(downloads.length).toBeGreaterThanOrEqual(2);
		// The server notes a status when the connection has ended.
		await rig.clock.runUntil(closed(), rig.server);
		expect(downloads.map((one) => one.status)).not.toContain(undefined);

		async function closed(): Promise<void> {
			while (downloads.some((one) => one.status === undefined)) {
				await new Promise((resolve) => setImmediate(resolve));
			}
		}
	},
	20_000,
);
