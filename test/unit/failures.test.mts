import { fail, FailureError, failureOf, withDetails } from '../../nodes/shared/wavespeed/failures';
import { settle } from '../../nodes/shared/async/settle';

const caught = (work: () => never): unknown => {
	try {
		return work();
	} catch (error) {
		return error;
	}
};

describe('a failure', () => {
	it('is thrown with what happened, what to do and what is known', () => {
		const error = caught(() =>
			fail('costLimit', 'too dear', 'raise it', { details: { costUsd: 0 } }),
		);
		expect(error).toBeInstanceOf(FailureError);
		expect(failureOf(error)).toEqual({
			kind: 'costLimit',
			message: 'too dear',
			advice: 'raise it',
			details: { costUsd: 0 },
			paid: 'nothing',
		});
		expect((error as Error).message).toBe('too dear');
	});

	it('is told from a mistake in the program', () => {
		expect(failureOf(new TypeError('x'))).toBeUndefined();
		expect(failureOf(undefined)).toBeUndefined();
		expect(failureOf({ failure: {} })).toBeUndefined();
	});

	it('takes on what the caller knows, but keeps what was known already', () => {
		const error = caught(() => fail('taskFailed', 'x', 'y', { details: { taskId: 'inner' } }));
		const richer = withDetails(error, { taskId: 'outer', status: 'failed' });
		expect(failureOf(richer)?.details).toEqual({ taskId: 'inner', status: 'failed' });
		expect(failureOf(error)?.details).toEqual({ taskId: 'inner' });
		const mistake = new Error('x');
		expect(withDetails(mistake, { taskId: 'x' })).toBe(mistake);
	});
});

describe('settling', () => {
	it('makes a value of either end', async () => {
		expect(await settle(Promise.resolve(undefined))).toEqual({ ok: true, value: undefined });
		const error = new Error('x');
		expect(await settle(Promise.reject(error))).toEqual({ ok: false, error });
	});
});
