import { SECOND, closeAll, send, startRig, type Rig } from './testTools.mts';

afterEach(closeAll);

/** One request for each of four steps, those of the file store included. */
const askEverything = ({ call, emulator }: Rig) => [
	call('GET', '/balance'),
	call('POST', '/predictions', { page: 1, page_size: 1 }),
	call('GET', '/models'),
	send({ url: emulator.uploads()[0]?.url ?? '' }),
];

const statusesOf = async (rig: Rig) =>
	(await Promise.all(askEverything(rig))).map(({ status }) => status);

test('a fault for `api` meets every endpoint of the API, one for `any` the file store too', async () => {
	const rig = await startRig();
	rig.emulator.addFault({ step: 'api', kind: 'html', status: 502, times: Infinity });
	expect(await statusesOf(rig)).toEqual([502, 502, 502, 200]);
	rig.emulator.clearFaults();
	rig.emulator.addFault({ step: 'any', kind: 'status', times: Infinity });
	expect(await statusesOf(rig)).toEqual([503, 503, 503, 503]);
	rig.emulator.clearFaults();
	expect(await statusesOf(rig)).toEqual([200, 200, 200, 200]);
});

test('an outage in the middle of a submit decides as the step does whether it was paid', async () => {
	const { emulator, submit } = await startRig();
	emulator.addFault({ step: 'api', kind: 'truncatedJson' });
	await submit();
	expect(emulator.paidTasks()).toBe(0);
	emulator.addFault({ step: 'api', kind: 'truncatedJson', afterAccept: true });
	await submit();
	expect(emulator.paidTasks()).toBe(1);
});

test('a service that is not reachable refuses connections, and remembers its tasks', async () => {
	const rig = await startRig();
	const { id } = (await rig.submit()).body.data;
	await rig.emulator.setReachable(false);
	const outcomes = await Promise.allSettled(askEverything(rig));
	const refused = { status: 'rejected', reason: { code: 'ECONNREFUSED' } };
	expect(outcomes).toMatchObject([refused, refused, refused, refused]);
	await rig.emulator.setReachable(true);
	expect((await rig.result(id)).body.data.id).toBe(id);
	expect(await statusesOf(rig)).toEqual([200, 200, 200, 200]);
});

test('a test can watch the requests of a step, and hold them, without spoiling them', async () => {
	const { emulator, submit, clock } = await startRig();
	const seen: unknown[] = [];
	let release = () => {};
	const held = new Promise<void>((resolve) => (release = resolve));
	const end = emulator.onRequest('submit', ({ body }) => {
		seen.push(body, emulator.paidTasks());
		return held;
	});
	const submitted = submit();
	while (seen.length === 0) await new Promise(setImmediate);
	await clock.advance(SECOND);
	expect(emulator.paidTasks()).toBe(0);
	release();
	expect((await submitted).status).toBe(200);
	end();
	await submit();
	expect(seen).toEqual([expect.objectContaining({ audio: expect.any(String) }), 0]);
	expect(emulator.paidTasks()).toBe(2);
});
