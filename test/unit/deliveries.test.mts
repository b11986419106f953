import {
	type Answer,
	createDeliveries,
	type DeliveryMemory,
	toDeliveryMemory,
} from '../../nodes/Wan22SpeechToVideoTrigger/deliveries';

const DAY_MS = 24 * 60 * 60_000;
const START = Date.parse('2026-11-22T08:00:00.000Z');

const OK: Answer = { status: 200, message: 'done' };

/** n8n's static data, as it is after a trip to the database. */
function createStore(data: Record<string, unknown> = {}) {
	return {
		at: (nowMs: number): DeliveryMemory => toDeliveryMemory(data, nowMs),
		ids: () => Object.keys((data.wan22Deliveries ?? {}) as object),
		data,
	};
}

const count = (answer: Answer = OK) => {
	const work = jest.fn(async () => answer);
	return work;
};

describe('deliveries', () => {
	test('a repetition is answered without working again', async () => {
		const deliveries = createDeliveries();
		const store = createStore();
		const work = count();
		expect(await deliveries.once('a', work, store.at(START))).toBe(OK);
		expect(await deliveries.once('a', work, store.at(START + 5_000))).toMatchObject({
			status: 200,
		});
		expect(work).toHaveBeenCalledTimes(1);
		await deliveries.once('b', work, store.at(START));
		expect(work).toHaveBeenCalledTimes(2);
	});

	test.each([503, 500, 400])('one that ended with %d is done again', async (status) => {
		const deliveries = createDeliveries();
		const store = createStore();
		await deliveries.once('a', count({ status, message: '' }), store.at(START));
		expect(store.data).toEqual({});
		const work = count();
		expect(await deliveries.once('a', work, store.at(START))).toBe(OK);
		expect(work).toHaveBeenCalledTimes(1);
	});

	test('one that comes while the first is being worked on shares its outcome', async () => {
		for (const status of [200, 503]) {
			const deliveries = createDeliveries();
			const store = createStore();
			let finish: (answer: Answer) => void = () => {};
			const work = jest.fn(async () => await new Promise<Answer>((resolve) => (finish = resolve)));
			const first = deliveries.once('a', work, store.at(START));
			const second = deliveries.once('a', work, store.at(START));
			finish({ status, message: '' });
			expect((await first).status).toBe(status);
			expect((await second).status).toBe(status);
			expect(work).toHaveBeenCalledTimes(1);
		}
	});

	test('one whose work throws can come again', async () => {
		const deliveries = createDeliveries();
		const store = createStore();
		const failing = deliveries.once(
			'a',
			async () => await Promise.reject(new Error('no')),
			store.at(START),
		);
		await expect(failing).rejects.toThrow('no');
		expect(await deliveries.once('a', count(), store.at(START))).toBe(OK);
	});

	test('are remembered for a day', async () => {
		const deliveries = createDeliveries();
		const store = createStore();
		const work = count();
		await deliveries.once('a', work, store.at(START));
		await deliveries.once('a', work, store.at(START + DAY_MS));
		expect(work).toHaveBeenCalledTimes(1);
		await deliveries.once('a', work, store.at(START + DAY_MS + 1));
		expect(work).toHaveBeenCalledTimes(2);
	});

	test('are remembered a thousand at most, the latest', async () => {
		const deliveries = createDeliveries();
		const store = createStore();
		for (let at = 0; at < 1_010; at += 1)
			await deliveries.once(`id ${at}`, count(), store.at(START + at));
		expect(store.ids()).toHaveLength(1_000);
		const forgotten = count();
		await deliveries.once('id 9', forgotten, store.at(START));
		expect(forgotten).toHaveBeenCalledTimes(1);
		const known = count();
		await deliveries.once('id 1009', known, store.at(START));
		expect(known).not.toHaveBeenCalled();
	});

	test('are known to a process that has just started', async () => {
		const store = createStore();
		await createDeliveries().once('a', count(), store.at(START));
		const restarted = createStore(
			JSON.parse(JSON.stringify(store.data)) as Record<string, unknown>,
		);
		const work = count();
		await createDeliveries().once('a', work, restarted.at(START + 1_000));
		expect(work).not.toHaveBeenCalled();
	});

	test('none is lost when a request writes back an older copy of what is stored', async () => {
		const deliveries = createDeliveries();
		const older = createStore();
		const newer = createStore();
		await deliveries.once('a', count(), older.at(START));
		await deliveries.once('b', count(), newer.at(START));
		expect(newer.ids().sort()).toEqual(['a', 'b']);
	});

	test('an undone one can come again', async () => {
		const deliveries = createDeliveries();
		await deliveries.once('a', count(), createStore().at(START));
		deliveries.forget('a');
		const work = count();
		await deliveries.once('a', work, createStore().at(START));
		expect(work).toHaveBeenCalledTimes(1);
	});

	test.each([null, 'text', 5, [], [['a', 1]], { a: 'soon', b: null }])(
		'what is stored may be anything: %j',
		async (stored) => {
			const store = createStore({ wan22Deliveries: stored });
			expect(await createDeliveries().once('a', count(), store.at(START))).toBe(OK);
			expect(store.ids()).toContain('a');
		},
	);

	test('an ID may be any text', async () => {
		const deliveries = createDeliveries();
		for (const id of ['__proto__', 'constructor', 'toString', ' ']) {
			const work = count();
			await deliveries.once(id, work, createStore().at(START));
			await deliveries.once(id, work, createStore().at(START));
			expect(work).toHaveBeenCalledTimes(1);
		}
		expect({}).not.toHaveProperty('polluted');
	});
});
