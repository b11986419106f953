import {
	type Answer,
	Deliveries,
	DeliveriesByTrigger,
	type Delivery,
	type DeliveryMemory,
	REPEATED,
	toDeliveryMemory,
} from '../../nodes/Wan22SpeechToVideoTrigger/deliveries';

const DAY_MS = 24 * 60 * 60_000;
const START = Date.parse('2026-11-22T08:00:00.000Z');

const OK: Answer = { status: 200, message: 'done' };

/** n8n's static data, as it is after a trip to the database. */
function createStore(data: Record<string, unknown> = {}) {
	return {
		/** `tookMs`: how long ago the copy was read when it is written. */
		at: (nowMs: number, tookMs = 0): DeliveryMemory => {
			let readings = 0;
			const now = (): number => ((readings += 1) === 1 ? 0 : tookMs);
			return toDeliveryMemory(data, { now, wallTime: () => nowMs });
		},
		ids: () =>
			Object.keys((data.wan22Deliveries ?? {}) as object)
				.filter((key) => key.startsWith('id '))
				.map((key) => key.slice('id '.length)),
		data,
	};
}

/** A callback of a task of its own. */
const of = (id: string, taskId = `task of ${id}`): Delivery => ({ id, taskId });

const count = (answer: Answer = OK) => {
	const work = jest.fn(async () => answer);
	return work;
};

/** Work that reads this end of the task, and starts something unless it was dealt with before. */
const ending = (status: string, answer: Answer = OK) =>
	jest.fn(async (isRepeated: (status: string) => boolean) =>
		isRepeated(status) ? REPEATED : answer,
	);

describe('deliveries', () => {
	const startedLater = () => {
		let tell: (isStarted: boolean) => void = () => {};
		const started = new Promise<boolean>((resolve) => (tell = resolve));
		return { answer: { ...OK, started }, tell };
	};

	test('one that n8n has not started yet is not stored by another, so that it can come again', async () => {
		const deliveries = new Deliveries();
		const store = createStore();
		const { answer, tell } = startedLater();
		await deliveries.once(of('a'), ending('completed', answer), store.at(START));
		await deliveries.once(of('b'), ending('failed'), store.at(START));
		expect(store.ids()).toEqual(['b']);
		// n8n was killed, or could not start it, and the second delivery comes to another process.
		const again = ending('completed');
		await new Deliveries().once(of('a'), again, store.at(START));
		expect(again).toHaveBeenCalledTimes(1);
		tell(true);
		await new Promise(setImmediate);
		await deliveries.once(of('c'), ending('failed'), store.at(START));
		expect(store.ids().sort()).toEqual(['a', 'b', 'c']);
	});

	test('nothing is written into a copy that was read seconds ago: other nodes store there too', async () => {
		const deliveries = new Deliveries();
		const store = createStore();
		const work = ending('failed');
		await deliveries.once(of('a'), work, store.at(START, 5_000));
		expect(store.data).toEqual({});
		await deliveries.once(of('a'), work, store.at(START));
		expect(work).toHaveBeenCalledTimes(1);
		expect(store.ids()).toEqual(['a']);
	});

	test('a repetition is answered without working again', async () => {
		const deliveries = new Deliveries();
		const store = createStore();
		const work = count();
		expect(await deliveries.once(of('a'), work, store.at(START))).toBe(OK);
		expect(await deliveries.once(of('a'), work, store.at(START + 5_000))).toMatchObject({
			status: 200,
		});
		expect(work).toHaveBeenCalledTimes(1);
		await deliveries.once(of('b'), work, store.at(START));
		expect(work).toHaveBeenCalledTimes(2);
	});

	test.each([503, 500, 400])('one that ended with %d is done again', async (status) => {
		const deliveries = new Deliveries();
		const store = createStore();
		await deliveries.once(of('a'), count({ status, message: '' }), store.at(START));
		expect(store.data).toEqual({});
		const work = count();
		expect(await deliveries.once(of('a'), work, store.at(START))).toBe(OK);
		expect(work).toHaveBeenCalledTimes(1);
	});

	test('one that comes while the first is being worked on shares its outcome', async () => {
		for (const status of [200, 503]) {
			const deliveries = new Deliveries();
			const store = createStore();
			let finish: (answer: Answer) => void = () => {};
			const work = jest.fn(async () => await new Promise<Answer>((resolve) => (finish = resolve)));
			const first = deliveries.once(of('a'), work, store.at(START));
			const second = deliveries.once(of('a'), work, store.at(START));
			finish({ status, message: '' });
			expect((await first).status).toBe(status);
			expect((await second).status).toBe(status);
			expect(work).toHaveBeenCalledTimes(1);
		}
	});

	test('one whose work throws can come again', async () => {
		const deliveries = new Deliveries();
		const store = createStore();
		const failing = deliveries.once(
			of('a'),
			async () => await Promise.reject(new Error('no')),
			store.at(START),
		);
		await expect(failing).rejects.toThrow('no');
		expect(await deliveries.once(of('a'), count(), store.at(START))).toBe(OK);
	});

	test('are remembered for a day', async () => {
		const deliveries = new Deliveries();
		const store = createStore();
		const work = count();
		await deliveries.once(of('a'), work, store.at(START));
		await deliveries.once(of('a'), work, store.at(START + DAY_MS));
		expect(work).toHaveBeenCalledTimes(1);
		await deliveries.once(of('a'), work, store.at(START + DAY_MS + 1));
		expect(work).toHaveBeenCalledTimes(2);
	});

	test('are remembered a thousand at most, the latest', async () => {
		const deliveries = new Deliveries();
		const store = createStore();
		for (let at = 0; at < 1_010; at += 1)
			await deliveries.once(of(`id ${at}`), ending('completed'), store.at(START + at));
		expect(store.ids()).toHaveLength(1_000);
		const forgotten = count();
		await deliveries.once(of('id 9'), forgotten, store.at(START));
		expect(forgotten).toHaveBeenCalledTimes(1);
		const known = count();
		await deliveries.once(of('id 1009'), known, store.at(START));
		expect(known).not.toHaveBeenCalled();
	});

	test('are known to a process that has just started', async () => {
		const store = createStore();
		await new Deliveries().once(of('a'), count(), store.at(START));
		const restarted = createStore(
			JSON.parse(JSON.stringify(store.data)) as Record<string, unknown>,
		);
		const work = count();
		await new Deliveries().once(of('a'), work, restarted.at(START + 1_000));
		expect(work).not.toHaveBeenCalled();
	});

	test('none is lost when a request writes back an older copy of what is stored', async () => {
		const deliveries = new Deliveries();
		const older = createStore();
		const newer = createStore();
		await deliveries.once(of('a'), count(), older.at(START));
		await deliveries.once(of('b'), count(), newer.at(START));
		expect(newer.ids().sort()).toEqual(['a', 'b']);
	});

	test('an undone one can come again', async () => {
		const deliveries = new Deliveries();
		await deliveries.once(of('a'), count(), createStore().at(START));
		deliveries.forget(of('a'));
		const work = count();
		await deliveries.once(of('a'), work, createStore().at(START));
		expect(work).toHaveBeenCalledTimes(1);
	});

	test('one whose workflow n8n could not start can come again, and others that wait are told so', async () => {
		const deliveries = new Deliveries();
		let told: (hasStarted: boolean) => void = () => {};
		const started = new Promise<boolean>((resolve) => (told = resolve));
		const work = jest.fn(async () => await Promise.resolve({ ...OK, started }));
		const first = deliveries.once(of('a'), work, createStore().at(START));
		const repetition = deliveries.once(of('a'), work, createStore().at(START));
		await first;
		// Also those that come while n8n starts the workflow, whatever they are called.
		const store = createStore();
		const late = [of('a'), of('b', 'task of a')].map(
			async (delivery) => await deliveries.once(delivery, work, store.at(START)),
		);
		await Promise.resolve();
		told(false);
		for (const answer of await Promise.all([repetition, ...late])) {
			expect(answer).toMatchObject({ status: 503 });
		}
		expect(store.data).toEqual({});
		expect(await deliveries.once(of('a'), count(), createStore().at(START))).toBe(OK);
		expect(work).toHaveBeenCalledTimes(1);
	});

	test('a few repetitions wait for the first one, and the others are to come again', async () => {
		const deliveries = new Deliveries();
		let finish: () => void = () => {};
		const waiting = new Promise<void>((resolve) => (finish = resolve));
		const work = async (): Promise<Answer> => {
			await waiting;
			return OK;
		};
		const answers = Array.from(
			{ length: 300 },
			async () => await deliveries.once(of('a'), work, createStore().at(START)),
		);
		const atOnce = answers.slice(11);
		for (const answer of await Promise.all(atOnce)) expect(answer).toMatchObject({ status: 503 });
		finish();
		expect(await Promise.all(answers.slice(0, 11))).toEqual([OK, ...Array(10).fill(REPEATED)]);
	});

	test.each([null, 'text', 5, [], [['a', 1]], { a: 'soon', b: null }])(
		'what is stored may be anything: %j',
		async (stored) => {
			const store = createStore({ wan22Deliveries: stored });
			expect(await new Deliveries().once(of('a'), count(), store.at(START))).toBe(OK);
			expect(store.ids()).toContain('a');
		},
	);

	test('an ID may be any text', async () => {
		const deliveries = new Deliveries();
		for (const id of ['__proto__', 'constructor', 'toString', ' ']) {
			const work = count();
			await deliveries.once(of(id), work, createStore().at(START));
			await deliveries.once(of(id), work, createStore().at(START));
			expect(work).toHaveBeenCalledTimes(1);
		}
		expect({}).not.toHaveProperty('polluted');
	});
});

describe('the end of a task', () => {
	test('is dealt with once, whatever the callback that tells it is called', async () => {
		const deliveries = new Deliveries();
		const store = createStore();
		const tell = async (id: string, status: string, taskId = 'task') =>
			await deliveries.once(of(id, taskId), ending(status), store.at(START));
		expect(await tell('a', 'completed')).toBe(OK);
		expect(await tell('b', 'completed')).toBe(REPEATED);
		expect(await tell('c', 'Completed')).toBe(REPEATED);
		expect(await tell('d', 'deleted')).toBe(OK);
		expect(await tell('e', 'completed', 'task 2')).toBe(OK);
		expect(await tell('f', '2" completed', 'task "')).toBe(OK);
	});

	test('is dealt with once, though two callbacks with other names come together', async () => {
		const deliveries = new Deliveries();
		const store = createStore();
		let finish: () => void = () => {};
		const waiting = new Promise<void>((resolve) => (finish = resolve));
		const work = jest.fn(async (isRepeated: (status: string) => boolean) => {
			await waiting;
			return isRepeated('completed') ? REPEATED : OK;
		});
		const both = ['a', 'b'].map(
			async (id) => await deliveries.once(of(id, 'task'), work, store.at(START)),
		);
		finish();
		expect(await Promise.all(both)).toEqual([OK, REPEATED]);
		expect(work).toHaveBeenCalledTimes(1);
	});

	test('is known to a process that has just started, for a day', async () => {
		const store = createStore();
		await new Deliveries().once(of('a', 'task'), ending('completed'), store.at(START));
		const tell = async (at: number) =>
			await new Deliveries().once(
				of('b', 'task'),
				ending('completed'),
				createStore(JSON.parse(JSON.stringify(store.data)) as Record<string, unknown>).at(at),
			);
		expect(await tell(START + DAY_MS)).toBe(REPEATED);
		expect(await tell(START + DAY_MS + 1)).toBe(OK);
	});

	test('is dealt with again if that was not done, or was undone', async () => {
		const deliveries = new Deliveries();
		const store = createStore();
		const failing = ending('completed', { status: 503, message: '' });
		await deliveries.once(of('a', 'task'), failing, store.at(START));
		expect(await deliveries.once(of('b', 'task'), ending('completed'), store.at(START))).toBe(OK);
		deliveries.forget(of('b', 'task'));
		expect(await deliveries.once(of('c', 'task'), ending('completed'), store.at(START))).toBe(OK);
	});

	test('of the last thousand is remembered, and no more', async () => {
		const deliveries = new Deliveries();
		const store = createStore();
		for (let at = 0; at < 1_100; at += 1) {
			await deliveries.once(of(`id ${at}`), ending('completed'), store.at(START + at));
		}
		expect(Object.keys(store.data.wan22Deliveries as object)).toHaveLength(2_000);
		const tell = async (number: number) =>
			await deliveries.once(
				of('other', `task of id ${number}`),
				ending('completed'),
				createStore().at(START + 2_000),
			);
		expect(await tell(100)).toBe(REPEATED);
	});
});

describe('the deliveries of a trigger', () => {
	const receive = async (
		all: DeliveriesByTrigger,
		trigger: string,
		at: number,
		work = count(),
	): Promise<typeof work> => {
		await all.open(trigger, at).once(of('a'), work, createStore().at(at));
		return work;
	};

	test('go a day after the last one, when another trigger gets one', async () => {
		const all = new DeliveriesByTrigger();
		for (let removed = 0; removed < 60; removed += 1) await receive(all, `t${removed}`, START);
		await receive(all, 'other', START + DAY_MS);
		expect(all.size).toBe(61);
		await receive(all, 'other', START + DAY_MS + 1);
		expect(all.size).toBe(1);
	});

	test('stay known for a day without it, as it may be switched on again', async () => {
		const all = new DeliveriesByTrigger();
		await receive(all, 'trigger', START);
		await receive(all, 'other', START + DAY_MS);
		expect(await receive(all, 'trigger', START + DAY_MS)).not.toHaveBeenCalled();
	});

	test('stay as long as one is being dealt with', async () => {
		const all = new DeliveriesByTrigger();
		let finish: (answer: Answer) => void = () => {};
		const hanging = jest.fn(async () => await new Promise<Answer>((done) => (finish = done)));
		const first = receive(all, 'trigger', START, hanging);
		await receive(all, 'other', START + 2 * DAY_MS);
		const second = receive(all, 'trigger', START + 2 * DAY_MS);
		finish(OK);
		await first;
		expect(await second).not.toHaveBeenCalled();
	});
});
