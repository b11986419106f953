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
	it('is thrown with what happened and what is known', () => {
		const facts = { costUsd: 0.3, limitUsd: 0.2 };
		const error = caught(() =>
			fail('costLimit', 'aboveCostPerVideo', facts, { details: { costUsd: 0.3 } }),
		);
		expect(error).toBeInstanceOf(FailureError);
		expect(failureOf(error)).toEqual({
			kind: 'costLimit',
			reason: 'aboveCostPerVideo',
			facts,
			details: { costUsd: 0.3 },
			paid: 'nothing',
		});
	});

	it('is told from a mistake in the program', () => {
		expect(failureOf(new TypeError('x'))).toBeUndefined();
		expect(failureOf(undefined)).toBeUndefined();
		expect(failureOf({ failure: {} })).toBeUndefined();
	});

	it('takes on what the caller knows, but keeps what was known already', () => {
		const error = caught(() =>
			fail('taskFailed', 'taskWithoutVideo', {}, { details: { taskId: 'inner' } }),
		);
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
