import { testSince } from '../harness/n8nVersion.mts';
import { GENERATE, jsonOf, makeRow, makeRows, type Rig } from '../harness/rig.mts';
import { startWaiting } from '../harness/waitingRig.mts';
import { GOES_ON, idsOf, minutesOf, startMoneyRig, textOf } from './support.mts';

/**
 * Submits work and results can't be read: what is submitted then is paid for, and nobody gets a video. A new account has
 * two places, so that each pair of rows would hold them for an hour.
 */

let rig: Rig;
afterEach(async () => await rig.close());

const startBronze = async (): Promise<void> => {
	rig = await startMoneyRig({ taskSeconds: 30, accountLevel: 'bronze' });
};

/** `taskId`: of that task only. */
const loseResults = (kind: 'hang' | 'status' = 'status', taskId = ''): void =>
	rig.emulator.addFault({
		...{ step: 'result', kind, times: Infinity },
		...(kind === 'status' ? { status: 503 } : {}),
		when: ({ path }) => path.includes(taskId),
	});

const errorsOf = (items: { json: { error?: unknown } }[]): string[] =>
	items.map(({ json }) => String(json.error));

test.each(['status', 'hang'] as const)(
	'only the first two of eight rows are paid for, and the others say so within minutes (%s)',
	async (kind) => {
		await startBronze();
		loseResults(kind);
		const items = await makeRows(8);
		let texts: string[] = [];
		const minutes = await minutesOf(rig, async () => {
			texts = errorsOf((await rig.run({ items, parameters: GENERATE, settings: GOES_ON })).items);
		});
		// The two that are paid for are looked for up to their time limit of an hour.
		expect(minutes).toBeLessThan(62);
		expect(rig.emulator.paidTasks()).toBe(2);
		const named = texts.filter((text) => idsOf(rig).some((id) => text.includes(id)));
		expect(named).toHaveLength(2);
		const denied = texts.filter((text) => /submitted before could not be read/.test(text));
		expect(denied).toHaveLength(6);
		for (const text of denied) expect(text).toContain('Nothing was paid.');
	},
);

test('in stop mode the run ends within minutes, and names both tasks', async () => {
	await startBronze();
	loseResults();
	const items = await makeRows(8);
	let text = '';
	const minutes = await minutesOf(rig, async () => {
		text = textOf(await rig.run({ items, parameters: GENERATE }));
	});
	expect(minutes).toBeLessThan(7);
	for (const id of idsOf(rig)) expect(text).toContain(id);
	expect(rig.emulator.paidTasks()).toBe(2);
});

testSince('2.5.0', 'n8n is too old to park in')(
	'a run that is to be parked is parked with what is submitted',
	async () => {
		await startBronze();
		const waiting = await startWaiting(rig);
		loseResults();
		const items = await makeRows(8);
		const parameters = { ...GENERATE, waitMode: 'parked' };
		const minutes = await minutesOf(rig, async () => {
			await waiting.start({ items, parameters, settings: GOES_ON });
		});
		expect(minutes).toBeLessThan(7);
		expect(waiting.status()).toBe('waiting');
		expect(rig.emulator.paidTasks()).toBe(2);
		await waiting.close();
	},
);

test('another execution pays nothing meanwhile, and one that submits only goes on', async () => {
	await startBronze();
	loseResults();
	const hanging = rig.start({ items: await makeRows(2), parameters: GENERATE, settings: GOES_ON });
	await rig.until(rig.clock.sleep(10 * 60_000));
	const items = [await makeRow({ prompt: 'late' })];
	const [other] = (await rig.run({ items, parameters: GENERATE, settings: GOES_ON })).items;
	expect(String(other?.json.error)).toContain('Nothing was paid.');
	expect(rig.emulator.paidTasks()).toBe(2);
	const submit = { ...GENERATE, resource: 'task', operation: 'submit' };
	const submitted = await rig.run({ items, parameters: submit });
	expect(jsonOf(submitted.items)[0]).toMatchObject({ status: 'created' });
	await rig.until(hanging);
});

test('a retry of many rows whose tasks can not be read names all of them within minutes', async () => {
	rig = await startMoneyRig({ taskSeconds: 30 });
	const items = await makeRows(20);
	rig.emulator.addFault({ step: 'result', kind: 'status', status: 403, times: Infinity });
	const failed = await rig.run({ items, parameters: GENERATE });
	rig.emulator.clearFaults();
	loseResults();
	const parameters = { ...GENERATE, options: { maxTasksInFlight: 2 } };
	const minutes = await minutesOf(rig, async () => {
		const retried = await rig.run({
			...{ items, parameters, retryOf: failed.run },
			settings: GOES_ON,
		});
		const texts = errorsOf(retried.items).join();
		for (const id of idsOf(rig)) expect(texts).toContain(id);
	});
	expect(minutes).toBeLessThan(62);
	expect(rig.emulator.paidTasks()).toBe(20);
});

test('a gap of two minutes costs no row', async () => {
	await startBronze();
	const items = await makeRows(6);
	const running = rig.start({ items, parameters: GENERATE });
	await rig.until(rig.clock.sleep(10_000));
	loseResults();
	await rig.until(rig.clock.sleep(2 * 60_000));
	rig.emulator.clearFaults();
	const result = await rig.until(running);
	expect(textOf(result)).toBe('');
	expect(result.items).toHaveLength(6);
});

test('after the outage a new execution is not kept waiting by what was found out in it', async () => {
	await startBronze();
	loseResults();
	const short = { ...GENERATE, options: { timeoutMinutes: 6 } };
	await rig.run({ items: await makeRows(4), parameters: short, settings: GOES_ON });
	expect(rig.emulator.paidTasks()).toBe(2);
	await rig.until(rig.clock.sleep(60_000));
	rig.emulator.clearFaults();
	const minutes = await minutesOf(rig, async () => {
		const result = await rig.run({ items: [await makeRow()], parameters: GENERATE });
		expect(jsonOf(result.items)[0]).toMatchObject({ status: 'completed' });
	});
	expect(minutes).toBeLessThan(1);
});

test('with a short time limit no more rows are paid for than with a long one', async () => {
	await startBronze();
	loseResults();
	const parameters = { ...GENERATE, options: { timeoutMinutes: 1 } };
	const items = await makeRows(20);
	const minutes = await minutesOf(rig, async () => {
		await rig.run({ items, parameters, settings: GOES_ON });
	});
	expect(minutes).toBeLessThan(8);
	expect(rig.emulator.paidTasks()).toBeLessThanOrEqual(4);
});

test('a time limit of a minute holds for 800 rows whose results are silent, and no task is lost', async () => {
	rig = await startMoneyRig({ taskSeconds: 30, balance: 1_000 });
	loseResults('hang');
	const items = await makeRows(800);
	const parameters = { ...GENERATE, options: { timeoutMinutes: 1 } };
	let texts: string[] = [];
	const minutes = await minutesOf(rig, async () => {
		texts = errorsOf((await rig.run({ items, parameters, settings: GOES_ON })).items);
	});
	expect(minutes).toBeLessThan(3);
	expect(texts).toHaveLength(800);
	for (const text of texts) {
		expect(text).toMatch(/^The task has not ended after \d+ seconds \(last status: created\)/);
	}
	const said = texts.join();
	for (const id of idsOf(rig)) expect(said).toContain(id);
});

test('one task that can not be read stops no other row', async () => {
	await startBronze();
	rig.emulator.onRequest('result', () => {
		const [bad] = idsOf(rig);
		rig.emulator.clearFaults();
		loseResults('status', bad);
	});
	const items = await makeRows(12);
	const result = await rig.run({ items, parameters: GENERATE, settings: GOES_ON });
	expect(jsonOf(result.items).filter(({ status }) => status === 'completed')).toHaveLength(11);
});

test.each([400, 401, 403])(
	'a key that may submit and not read (%i) does not buy the whole sheet',
	async (status) => {
		rig = await startMoneyRig({ taskSeconds: 30, accountLevel: 'bronze' });
		rig.emulator.addFault({ step: 'result', kind: 'status', status, times: Infinity });
		await rig.run({ items: await makeRows(12), parameters: GENERATE, settings: GOES_ON });
		expect(rig.emulator.paidTasks()).toBeLessThanOrEqual(4);
	},
);

test.each([403, 404])(
	"an ingress' own %i in the middle of an outage is no answer of the service",
	async (status) => {
		rig = await startMoneyRig({ taskSeconds: 30, accountLevel: 'bronze' });
		let checks = 0;
		const isTenth = (): boolean => (checks += 1) % 10 === 0;
		rig.emulator.addFault({ step: 'result', kind: 'html', status, times: Infinity, when: isTenth });
		rig.emulator.addFault({ step: 'result', kind: 'status', status: 503, times: Infinity });
		await rig.run({ items: await makeRows(12), parameters: GENERATE, settings: GOES_ON });
		expect(rig.emulator.paidTasks()).toBeLessThanOrEqual(4);
	},
);

test('too many requests for eight minutes cost no row', async () => {
	rig = await startMoneyRig({ taskSeconds: 30, accountLevel: 'bronze' });
	const until = rig.clock.now() + 8 * 60_000;
	const when = (): boolean => rig.clock.now() < until;
	rig.emulator.addFault({
		...{ step: 'result', kind: 'tooManyRequests', retryAfter: '20', times: Infinity, when },
	});
	const result = await rig.run({
		items: await makeRows(8),
		parameters: GENERATE,
		settings: GOES_ON,
	});
	expect(result.items.filter(({ json }) => json.status !== 'completed')).toEqual([]);
});

test.each([404, 429])(
	'results that are never answered but with %i do not cost the whole sheet',
	async (status) => {
		await startBronze();
		rig.emulator.addFault({ step: 'result', kind: 'status', status, times: Infinity });
		await rig.run({ items: await makeRows(12), parameters: GENERATE, settings: GOES_ON });
		expect(rig.emulator.paidTasks()).toBeLessThanOrEqual(4);
	},
);

test.each(['the key of another account', 'the same key, hours later'])(
	'tasks of a sheet that are not found stop no new row (%s)',
	async (how) => {
		rig = await startMoneyRig({ taskSeconds: 30, moreApiKeys: ['other-key'] });
		const first = await rig.run({ items: await makeRows(2), parameters: GENERATE });
		const old = jsonOf(first.items).map(({ taskId }) => String(taskId));
		const when = ({ path }: { path: string }): boolean => old.some((id) => path.includes(id));
		rig.emulator.addFault({ step: 'result', kind: 'status', status: 404, times: Infinity, when });
		const isOther = how.startsWith('the key');
		await rig.until(rig.clock.sleep(isOther ? 5 * 60_000 : 5 * 3_600_000));
		const rows = await makeRows(6);
		const items = rows.map((row, at) => ({ ...row, json: { ...row.json, task_id: old[at] } }));
		const result = await rig.run({
			...{ items, settings: GOES_ON },
			parameters: { ...GENERATE, options: { existingTaskId: '={{ $json.task_id }}' } },
			credential: isOther ? { ...rig.credential, apiKey: 'other-key' } : rig.credential,
		});
		const done = jsonOf(result.items).filter(({ status }) => status === 'completed');
		expect(done).toHaveLength(4);
	},
);

test('after an outage whose tasks are gone a service that works again is believed with the first new task', async () => {
	await startBronze();
	loseResults();
	const short = { ...GENERATE, options: { timeoutMinutes: 6 } };
	await rig.run({ items: await makeRows(2), parameters: short, settings: GOES_ON });
	const gone = idsOf(rig);
	rig.emulator.clearFaults();
	const when = ({ path }: { path: string }): boolean => gone.some((id) => path.includes(id));
	rig.emulator.addFault({ step: 'result', kind: 'status', status: 404, times: Infinity, when });
	await rig.until(rig.clock.sleep(60_000));
	for (const prompt of ['first', 'second']) {
		const items = [await makeRow({ prompt })];
		const result = await rig.run({ items, parameters: GENERATE, settings: GOES_ON });
		expect(jsonOf(result.items)).toMatchObject([{ status: 'completed' }]);
	}
});

test('tasks of a sheet that can not be read stop no new row', async () => {
	rig = await startMoneyRig({ taskSeconds: 30 });
	const bad = ['b', 'c'].map((letter) => letter.repeat(32));
	const when = ({ path }: { path: string }): boolean => bad.some((id) => path.includes(id));
	rig.emulator.addFault({ step: 'result', kind: 'status', status: 500, times: Infinity, when });
	const waiting = rig.start({
		items: bad.map((taskId) => ({ json: { taskId } })),
		parameters: { resource: 'task', operation: 'wait', taskId: '={{ $json.taskId }}' },
		settings: GOES_ON,
	});
	await rig.until(rig.clock.sleep(10 * 60_000));
	const result = await rig.run({
		items: await makeRows(3),
		parameters: GENERATE,
		settings: GOES_ON,
	});
	expect(result.items.map(({ json }) => json.status)).toEqual(Array(3).fill('completed'));
	await rig.until(waiting);
});

test('two tasks that will never be read stop the account for a quarter of an hour, and not for good', async () => {
	rig = await startMoneyRig({ taskSeconds: 30 });
	const isBroken = (prompt: unknown): boolean => String(prompt).startsWith('broken');
	const when = ({ path }: { path: string }): boolean =>
		rig.emulator.tasks().some(({ id, input }) => isBroken(input.prompt) && path.includes(id));
	rig.emulator.addFault({ step: 'result', kind: 'status', status: 500, times: Infinity, when });
	const broken = rig.start({
		items: await Promise.all([1, 2].map((row) => makeRow({ prompt: `broken ${row}` }))),
		parameters: GENERATE,
		settings: GOES_ON,
	});
	const statuses: unknown[] = [];
	for (let round = 0; round < 10; round += 1) {
		await rig.until(rig.clock.sleep(4 * 60_000));
		const items = [await makeRow({ prompt: `round ${round}` })];
		const result = await rig.run({ items, parameters: GENERATE, settings: GOES_ON });
		statuses.push(result.items[0]?.json.status);
	}
	expect(statuses.lastIndexOf(undefined)).toBeLessThan(4);
	await rig.until(broken);
});

test.each([404, 429])(
	'unreadable tasks that answer %i at last are not asked for without a pause',
	async (status) => {
		rig = await startMoneyRig({ taskSeconds: 30 });
		const parameters = { ...GENERATE, options: { timeoutMinutes: 2 } };
		loseResults();
		await rig.run({ items: await makeRows(2), parameters, settings: GOES_ON });
		rig.emulator.clearFaults();
		const first = new Set(idsOf(rig));
		const when = ({ path }: { path: string }): boolean =>
			[...first].some((id) => path.includes(id));
		rig.emulator.addFault({ step: 'result', kind: 'status', status, times: Infinity, when });
		await rig.until(rig.clock.sleep(60_000));
		let looks = 0;
		rig.emulator.onRequest('result', (request) => void (looks += Number(when(request))));
		await rig.run({ items: await makeRows(1), parameters: GENERATE, settings: GOES_ON });
		expect(looks).toBeLessThan(20);
	},
);
