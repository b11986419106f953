import { SubmitBreaker } from '../../nodes/shared/account/submitBreaker';
import { Cancellation } from '../../nodes/shared/async/cancellation';
import type { Waiter } from '../../nodes/shared/async/waiter';
import { failureFrom, stopped } from './support/api.mts';
import { createVirtualTime, flush, type VirtualTime } from './support/virtualTime.mts';

/** Which submits are kept back while rows fail without an answer or a task. */

const MINUTE = 60_000;

let time: VirtualTime;
let breaker: SubmitBreaker;
beforeEach(() => {
	time = createVirtualTime();
	breaker = new SubmitBreaker();
});

const createWaiter = (cancellation = new Cancellation()): Waiter => ({
	clock: time.clockFor(cancellation),
	cancellation,
});

/** A row's submit is lost, and no task of it is found. */
function failRow(row: unknown, isSilent = false, sentAt = time.now()): void {
	breaker.noteNothingFound(
		createWaiter().clock,
		{ said: 'HTTP status 500', isSilent, sentAt },
		row,
	);
}

function failRows(count: number, isSilent = false): void {
	for (let row = 0; row < count; row += 1) failRow({}, isSilent);
}

/** Submits that want to leave; `left` names those that may, in their order. */
function sendAll(names: string[], waiter = createWaiter()) {
	const left: string[] = [];
	const submits = names.map((name) => ({ name }));
	const ended = submits.map(async (submit) => {
		await breaker.enterInTurn(waiter, submit);
		left.push(submit.name);
	});
	return { left, submits, ended };
}

const isHeldBack = async (): Promise<boolean> => {
	const failure = await breaker.enter(createWaiter()).then(
		() => undefined,
		() => 'held back',
	);
	return failure !== undefined;
};

describe('after a few rows without an answer or a task', () => {
	it('all others go on, up to the third', async () => {
		failRows(2);
		const { left } = sendAll(['a', 'b', 'c']);
		await flush();
		expect(left).toEqual(['a', 'b', 'c']);
	});

	it('one submit at a time tries, in the order of coming', async () => {
		failRows(3);
		const { left, submits } = sendAll(['a', 'b', 'c']);
		await flush();
		expect(left).toEqual(['a']);
		failRow('a');
		breaker.leave(submits[0]!);
		await flush();
		expect(left).toEqual(['a', 'b']);
	});

	it('one that has come in before waits as well', () => {
		const [early, probe] = [{}, {}];
		expect(breaker.takeTurn(early, time.now())).toBe(true);
		failRows(3);
		expect(breaker.takeTurn(probe, time.now())).toBe(true);
		expect(breaker.takeTurn(early, time.now())).toBe(false);
		breaker.leave(early);
		expect(breaker.takeTurn(early, time.now())).toBe(false);
		breaker.leave(probe);
		expect(breaker.takeTurn(early, time.now())).toBe(true);
	});

	it('a task lets all go on immediately', async () => {
		failRows(3);
		const { left } = sendAll(['a', 'b', 'c']);
		await flush();
		breaker.noteAccepted(time.now());
		await flush();
		expect(left).toEqual(['a', 'b', 'c']);
	});

	it('Stop ends the wait', async () => {
		failRows(3);
		sendAll(['a']);
		const cancellation = new Cancellation();
		const { ended } = sendAll(['b'], createWaiter(cancellation));
		const failing = failureFrom(ended[0]!);
		cancellation.cancel(stopped());
		expect((await failing).kind).toBe('stopped');
	});
});

describe('all are held back for a minute', () => {
	it('by more than ten rows that were answered with an error', async () => {
		failRows(10);
		await time.advance(9 * MINUTE);
		expect(await isHeldBack()).toBe(false);
		failRow({});
		expect(await isHeldBack()).toBe(true);
		await time.advance(MINUTE);
		expect(await isHeldBack()).toBe(false);
		// One more is enough, and those who wait for their turn hear of it.
		const { ended } = sendAll(['a', 'b']);
		await flush();
		failRow({});
		expect((await failureFrom(ended[1]!)).kind).toBe('unavailable');
	});

	it('by three rows that nobody answered for four minutes, and one more after that', async () => {
		failRow('a', true, time.now() - 2 * MINUTE);
		await time.advance(MINUTE);
		failRow('b', true);
		failRow('c', true);
		expect(await isHeldBack()).toBe(false);
		await time.advance(MINUTE);
		failRow('c', true);
		expect(await isHeldBack()).toBe(true);
		await time.advance(MINUTE);
		const { left, ended } = sendAll(['d', 'e']);
		await flush();
		expect(left).toEqual(['d']);
		failRow('d', true);
		expect((await failureFrom(ended[1]!)).kind).toBe('unavailable');
	});

	it('not by one row alone, however often it tries', async () => {
		for (let tries = 0; tries < 30; tries += 1) failRow('the same', true, time.now() - 5 * MINUTE);
		expect(await isHeldBack()).toBe(false);
	});

	it('not by what was ten minutes ago', async () => {
		failRows(10);
		await time.advance(10 * MINUTE);
		failRow({});
		expect(await isHeldBack()).toBe(false);
		expect([breaker.takeTurn({}, time.now()), breaker.takeTurn({}, time.now())]).toEqual([
			true,
			true,
		]);
	});
});

describe('while there is no connection', () => {
	const fail = (submit: object, sentAt = time.now()): boolean =>
		breaker.noteNotSent(createWaiter().clock, { said: 'refused', sentAt }, submit);

	/** Tries as submits do, one after the other; when each left, in seconds. */
	async function tryUntilGivenUp(): Promise<number[]> {
		const tries: number[] = [];
		for (let goesOn = true; goesOn; ) {
			const submit = {};
			await time.run(breaker.enterInTurn(createWaiter(), submit));
			tries.push(time.elapsed() / 1_000);
			goesOn = fail(submit);
			breaker.leave(submit);
		}
		return tries;
	}

	it('one submit tries with growing pauses, and all fail together after a minute and a half', async () => {
		expect(await tryUntilGivenUp()).toEqual([0, 1, 3, 7, 15, 30, 45, 60, 75, 90]);
		expect(await isHeldBack()).toBe(true);
		await time.advance(1_000);
		expect(await isHeldBack()).toBe(false);
		// Those that come then need not wait again.
		expect(await tryUntilGivenUp()).toEqual([91]);
		expect(await isHeldBack()).toBe(true);
	});

	it('a gap does not count for a submit that has waited for its turn since the one before', async () => {
		const submit = {};
		expect(fail(submit)).toBe(true);
		breaker.noteReached();
		await time.advance(20 * 60_000);
		expect(fail(submit)).toBe(true);
		await time.advance(89_000);
		expect(fail(submit)).toBe(true);
		await time.advance(1_000);
		expect(fail(submit)).toBe(false);
	});

	it('one that never gets a connection, while others do, is given up in the end', async () => {
		const submit = {};
		let tries = 1;
		for (; fail(submit); tries += 1) {
			breaker.noteReached();
			await time.advance(5 * 60_000);
		}
		expect(tries).toBe(30);
	});

	it('those that could not leave together cause one pause', async () => {
		for (let submit = 0; submit < 50; submit += 1) expect(fail({})).toBe(true);
		const { left, submits } = sendAll(['a', 'b']);
		await time.advance(999);
		expect(left).toEqual([]);
		await time.advance(1);
		expect(left).toEqual(['a']);
		breaker.noteReached();
		breaker.leave(submits[0]!);
		await flush();
		expect(left).toEqual(['a', 'b']);
	});

	it('one that was on its way when another could not leave waits too', () => {
		fail({});
		expect(breaker.takeTurn({}, time.now())).toBe(false);
	});

	it('a submit that never gets one fails, also if others do', async () => {
		const submit = {};
		for (let second = 0; second < 90; second += 10) {
			expect(fail(submit)).toBe(true);
			breaker.noteReached();
			await time.advance(10_000);
		}
		expect(fail(submit)).toBe(false);
		expect(await isHeldBack()).toBe(false);
	});

	it('a gap of yesterday does not cut that of today short, and makes no row suspect that was sent', async () => {
		await tryUntilGivenUp();
		await time.advance(10 * MINUTE);
		expect(fail({})).toBe(true);
		breaker.noteReached();
		failRows(2);
		expect([breaker.takeTurn({}, time.now()), breaker.takeTurn({}, time.now())]).toEqual([
			true,
			true,
		]);
	});
});
