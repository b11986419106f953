import { FailureError, failureOf, makeFailure } from '../../nodes/shared/wavespeed/failures';
import { parseTask } from '../../nodes/shared/wavespeed/tasks/task';
import { dueAt, noteCheck, startWait } from '../../nodes/shared/wavespeed/tasks/waitStep';
import { inWords } from './support/words.mts';

/** The step that a run in the process and a parked one share. What the whole wait does: waitForTask.test.mts. */

const NOW = 1_700_000_000_000;
const options = { timeoutMs: 600_000, minGapMs: 5_000, firstGapMs: 5_000, startedAt: NOW };
const wait = startWait('t', options, NOW);
const task = (status: string) => ({ ok: true as const, value: parseTask({ id: 't', status })! });
const failed = (kind: 'unavailable' | 'rateLimited' | 'refused', httpStatus?: number) => ({
	ok: false as const,
	error: new FailureError(makeFailure(kind, 'taskNotFound', { said: 'no' }, { httpStatus })),
});

test('is plain data that goes through JSON unchanged', () => {
	expect(JSON.parse(JSON.stringify(wait))).toEqual(wait);
});

test('is due at its next check, or at its limit if that is sooner', () => {
	expect(dueAt(wait)).toBe(NOW + 5_000);
	expect(dueAt({ ...wait, deadline: NOW + 1_000 })).toBe(NOW + 1_000);
});

test.each(['completed', 'failed', 'cancelled'])('ends with a task that is %s', (status) => {
	expect(noteCheck(wait, task(status), NOW, false)).toMatchObject({ kind: 'ended' });
	expect(noteCheck(wait, task(status), NOW, true)).toMatchObject({ kind: 'ended' });
});

test('goes on with a task that runs, and with one that nobody could be asked for', () => {
	const later = NOW + 100_000;
	expect(noteCheck(wait, task('processing'), later, false)).toEqual({
		kind: 'waits',
		wait: { ...wait, status: 'processing', nextCheckAt: later + 10_000 },
	});
	for (const checked of [undefined, failed('unavailable'), failed('rateLimited')]) {
		expect(noteCheck(wait, checked, later, false)).toEqual({
			kind: 'waits',
			wait: { ...wait, nextCheckAt: later + 10_000 },
		});
	}
});

test.each([
	['runs', task('processing'), 'processing'],
	['could not be read', failed('unavailable'), 'unknown'],
	['could not be asked for', undefined, 'unknown'],
])('is over at the limit with a task that %s', (_name, checked, status) => {
	const step = noteCheck(wait, checked, NOW + 600_000, true);
	const failure = step.kind === 'lost' ? failureOf(step.error) : undefined;
	expect(failure).toMatchObject({ kind: 'waitTimedOut', details: { taskId: 't', status } });
	expect(failure && inWords(failure).message).toContain('after 10 minutes');
});

test('is over at once for a refusal, and names the task', () => {
	const step = noteCheck(wait, failed('refused', 404), NOW, false);
	const failure = step.kind === 'lost' ? failureOf(step.error) : undefined;
	expect(failure).toMatchObject({ kind: 'refused', details: { taskId: 't', status: 'unknown' } });
});
