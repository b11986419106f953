import { createHalt, untilResumed } from '../../nodes/shared/wavespeed/halt';
import { failureFrom, stopped } from './support/api.mts';

describe('a halt', () => {
	it('counts the first reason only', () => {
		const halt = createHalt();
		const [first, second] = [stopped(), stopped()];
		expect(halt.reason()).toBeUndefined();
		expect(() => halt.check()).not.toThrow();
		halt.halt(first);
		halt.halt(second);
		expect(halt.reason()).toBe(first);
		expect(() => halt.check()).toThrow(first);
	});

	it('calls everyone back once who has not taken the call-back out again', () => {
		const halt = createHalt();
		const calls: string[] = [];
		halt.onHalt(() => void calls.push('a'));
		const forget = halt.onHalt(() => void calls.push('b'));
		halt.onHalt(() => void calls.push('c'));
		forget();
		halt.halt(stopped());
		halt.halt(stopped());
		expect(calls).toEqual(['a', 'c']);
	});

	it('calls back at once when it has happened already', () => {
		const halt = createHalt();
		const reason = stopped();
		halt.halt(reason);
		const calls: unknown[] = [];
		halt.onHalt((why) => void calls.push(why))();
		expect(calls).toEqual([reason]);
	});

	it('bears a call-back that takes another one out', () => {
		const halt = createHalt();
		let forget = (): void => {};
		halt.onHalt(() => forget());
		forget = halt.onHalt(() => {});
		expect(() => halt.halt(stopped())).not.toThrow();
	});

	it('calls nobody back that waited and was resumed', () => {
		const halt = createHalt();
		const calls: string[] = [];
		for (let count = 0; count < 10_000; count += 1) halt.onHalt(() => void calls.push('x'))();
		halt.halt(stopped());
		expect(calls).toEqual([]);
	});
});

describe('waiting for a resumption', () => {
	it('ends with it', async () => {
		await untilResumed(createHalt(), (resume) => resume());
		let resume = (): void => {};
		const waiting = untilResumed(createHalt(), (now) => void (resume = now));
		resume();
		await waiting;
	});

	it('ends with the reason of a halt, and takes the waiter out', async () => {
		const halt = createHalt();
		let isOut = false;
		const waiting = failureFrom(untilResumed(halt, () => () => void (isOut = true)));
		halt.halt(stopped());
		expect((await waiting).kind).toBe('stopped');
		expect(isOut).toBe(true);
	});

	it('does not begin after a halt', async () => {
		const halt = createHalt();
		halt.halt(stopped());
		expect((await failureFrom(untilResumed(halt, () => {}))).kind).toBe('stopped');
	});

	it('is not disturbed by a halt after its end', async () => {
		const halt = createHalt();
		let isOut = false;
		await untilResumed(halt, (resume) => {
			resume();
			return () => void (isOut = true);
		});
		halt.halt(stopped());
		expect(isOut).toBe(false);
	});
});
