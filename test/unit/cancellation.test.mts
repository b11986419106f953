import { Cancellation, untilResumed } from '../../nodes/shared/async/cancellation';
import { failureFrom, stopped } from './support/api.mts';

describe('a cancellation', () => {
	it('counts the first reason only', () => {
		const cancellation = new Cancellation();
		const [first, second] = [stopped(), stopped()];
		expect(cancellation.reason()).toBeUndefined();
		expect(() => cancellation.throwIfCancelled()).not.toThrow();
		cancellation.cancel(first);
		cancellation.cancel(second);
		expect(cancellation.reason()).toBe(first);
		expect(() => cancellation.throwIfCancelled()).toThrow(first);
	});

	it('calls everyone back once who has not taken the call-back out again', () => {
		const cancellation = new Cancellation();
		const calls: string[] = [];
		cancellation.onCancel(() => void calls.push('a'));
		const forget = cancellation.onCancel(() => void calls.push('b'));
		cancellation.onCancel(() => void calls.push('c'));
		forget();
		cancellation.cancel(stopped());
		cancellation.cancel(stopped());
		expect(calls).toEqual(['a', 'c']);
	});

	it('calls back at once when it has happened already', () => {
		const cancellation = new Cancellation();
		const reason = stopped();
		cancellation.cancel(reason);
		const calls: unknown[] = [];
		cancellation.onCancel((why) => void calls.push(why))();
		expect(calls).toEqual([reason]);
	});

	it('bears a call-back that takes another one out', () => {
		const cancellation = new Cancellation();
		let forget = (): void => {};
		cancellation.onCancel(() => forget());
		forget = cancellation.onCancel(() => {});
		expect(() => cancellation.cancel(stopped())).not.toThrow();
	});

	it('calls nobody back that waited and was resumed', () => {
		const cancellation = new Cancellation();
		const calls: string[] = [];
		for (let count = 0; count < 10_000; count += 1)
			cancellation.onCancel(() => void calls.push('x'))();
		cancellation.cancel(stopped());
		expect(calls).toEqual([]);
	});
});

describe('waiting for a resumption', () => {
	it('ends with it', async () => {
		await untilResumed(new Cancellation(), (resume) => resume());
		let resume = (): void => {};
		const waiting = untilResumed(new Cancellation(), (now) => void (resume = now));
		resume();
		await waiting;
	});

	it('ends with the reason of a cancellation, and takes the waiter out', async () => {
		const cancellation = new Cancellation();
		let isOut = false;
		const waiting = failureFrom(untilResumed(cancellation, () => () => void (isOut = true)));
		cancellation.cancel(stopped());
		expect((await waiting).kind).toBe('stopped');
		expect(isOut).toBe(true);
	});

	it('does not begin after a cancellation', async () => {
		const cancellation = new Cancellation();
		cancellation.cancel(stopped());
		expect((await failureFrom(untilResumed(cancellation, () => {}))).kind).toBe('stopped');
	});

	it('is not disturbed by a cancellation after its end', async () => {
		const cancellation = new Cancellation();
		let isOut = false;
		await untilResumed(cancellation, (resume) => {
			resume();
			return () => void (isOut = true);
		});
		cancellation.cancel(stopped());
		expect(isOut).toBe(false);
	});
});
