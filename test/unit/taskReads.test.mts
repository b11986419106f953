import { TaskReads } from '../../nodes/shared/wavespeed/tasks/taskReads';

/** Whether new tasks should wait, since those that there are can't be read. */

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

/** Two tasks that have not been readable since 0. */
function createUnread(): TaskReads {
	const reads = new TaskReads(() => true);
	for (const id of ['a', 'b']) reads.noteNoAnswer(id, 'HTTP status 503', 0);
	return reads;
}

describe('reads of tasks', () => {
	it('are in doubt a minute after the second task could not be read, and no earlier', () => {
		const reads = createUnread();
		expect(reads.doubtAt(59 * SECOND)).toBeUndefined();
		expect(reads.doubtAt(60 * SECOND)).toMatchObject({ taskId: 'a', failure: undefined });
	});

	it('are a failure after five minutes, which ends whatever waits for a place', () => {
		const reads = createUnread();
		const outage = reads.outageAt(0);
		reads.noteNoAnswer('b', 'HTTP status 503', 4 * MINUTE);
		expect(outage.reason()).toBeUndefined();
		reads.noteNoAnswer('b', 'HTTP status 503', 5 * MINUTE);
		expect(outage.reason()).toMatchObject({
			failure: { reason: 'tasksUnreadable', facts: { forMs: 5 * MINUTE, said: 'HTTP status 503' } },
		});
		expect(reads.doubtAt(5 * MINUTE)?.failure).toBeDefined();
	});

	it('are not in doubt because of one task, however long it can not be read', () => {
		const reads = new TaskReads(() => true);
		for (let at = 0; at <= 50 * MINUTE; at += 30 * SECOND) reads.noteNoAnswer('a', 'silence', at);
		expect(reads.doubtAt(50 * MINUTE)).toBeUndefined();
		// The second one begins a time of its own.
		reads.noteNoAnswer('b', 'silence', 50 * MINUTE);
		expect(reads.doubtAt(50 * MINUTE)).toBeUndefined();
	});

	it('are fine again with one answer, for those who come then', () => {
		const reads = createUnread();
		reads.noteNoAnswer('a', 'silence', 6 * MINUTE);
		expect(reads.outageAt(6 * MINUTE).reason()).toBeDefined();
		reads.noteAnswer('c', 6 * MINUTE);
		expect(reads.doubtAt(6 * MINUTE)).toBeUndefined();
		expect(reads.outageAt(6 * MINUTE).reason()).toBeUndefined();
	});

	it('are believed to fail for an hour at most, so that two lost tasks do not stop an account for good', () => {
		const reads = createUnread();
		reads.noteNoAnswer('a', 'silence', 59 * MINUTE);
		expect(reads.doubtAt(59 * MINUTE)?.failure).toBeDefined();
		reads.noteNoAnswer('b', 'silence', 61 * MINUTE);
		expect(reads.outageAt(61 * MINUTE).reason()).toBeUndefined();
		expect(reads.doubtAt(61 * MINUTE)).toBeUndefined();
	});

	it('let one new task through every quarter of an hour, and know the broken ones once it could be read', () => {
		const reads = createUnread();
		expect(reads.takeProbe(14 * MINUTE)).toBe(false);
		expect(reads.takeProbe(15 * MINUTE)).toBe(true);
		expect(reads.takeProbe(16 * MINUTE)).toBe(false);
		reads.noteAnswer('c', 17 * MINUTE);
		for (const id of ['a', 'b']) reads.noteNoAnswer(id, 'HTTP status 500', 18 * MINUTE);
		expect(reads.doubtAt(30 * MINUTE)).toBeUndefined();
		// One that could be read again counts again.
		for (const id of ['a', 'b']) reads.noteAnswer(id, 31 * MINUTE);
		for (const id of ['a', 'b']) reads.noteNoAnswer(id, 'HTTP status 500', 32 * MINUTE);
		expect(reads.doubtAt(34 * MINUTE)).toBeDefined();
	});

	it('are told by tasks that this process knows', () => {
		const reads = new TaskReads((id) => id === 'a');
		for (const id of ['a', 'b', 'c']) reads.noteNoAnswer(id, 'silence', 0);
		expect(reads.doubtAt(10 * MINUTE)).toBeUndefined();
	});
});
