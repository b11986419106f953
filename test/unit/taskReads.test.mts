import { TaskReads } from '../../nodes/shared/wavespeed/tasks/taskReads';

/** Whether new tasks should wait, since those that there are can't be read. */

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

/** Two tasks that have not been readable since 0. */
function createUnread(): TaskReads {
	const reads = new TaskReads(() => true);
	for (const id of ['a', 'b']) reads.noteProblem(id, { said: 'HTTP status 503' }, 0);
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
		reads.noteProblem('b', { said: 'HTTP status 503' }, 4 * MINUTE);
		expect(outage.reason()).toBeUndefined();
		reads.noteProblem('b', { said: 'HTTP status 503' }, 5 * MINUTE);
		expect(outage.reason()).toMatchObject({
			failure: { reason: 'tasksUnreadable', facts: { forMs: 5 * MINUTE, said: 'HTTP status 503' } },
		});
		expect(reads.doubtAt(5 * MINUTE)?.failure).toBeDefined();
	});

	it('are not in doubt because of one task, however long it can not be read', () => {
		const reads = new TaskReads(() => true);
		for (let at = 0; at <= 50 * MINUTE; at += 30 * SECOND)
			reads.noteProblem('a', { said: 'silence' }, at);
		expect(reads.doubtAt(50 * MINUTE)).toBeUndefined();
		// The second one begins a time of its own.
		reads.noteProblem('b', { said: 'silence' }, 50 * MINUTE);
		expect(reads.doubtAt(50 * MINUTE)).toBeUndefined();
	});

	it('are fine again with one answer, for those who come then', () => {
		const reads = createUnread();
		reads.noteProblem('a', { said: 'silence' }, 6 * MINUTE);
		expect(reads.outageAt(6 * MINUTE).reason()).toBeDefined();
		reads.noteAnswer('c', 6 * MINUTE);
		expect(reads.doubtAt(6 * MINUTE)).toBeUndefined();
		expect(reads.outageAt(6 * MINUTE).reason()).toBeUndefined();
	});

	it('are believed to fail for an hour at most, so that two lost tasks do not stop an account for good', () => {
		const reads = createUnread();
		reads.noteProblem('a', { said: 'silence' }, 59 * MINUTE);
		expect(reads.doubtAt(59 * MINUTE)?.failure).toBeDefined();
		reads.noteProblem('b', { said: 'silence' }, 61 * MINUTE);
		expect(reads.outageAt(61 * MINUTE).reason()).toBeUndefined();
		expect(reads.doubtAt(61 * MINUTE)).toBeUndefined();
	});

	it('let one new task through every quarter of an hour, and know the broken ones once it could be read', () => {
		const reads = createUnread();
		expect(reads.takeProbe(14 * MINUTE)).toBe(false);
		expect(reads.takeProbe(15 * MINUTE)).toBe(true);
		expect(reads.takeProbe(16 * MINUTE)).toBe(false);
		reads.noteAnswer('c', 17 * MINUTE);
		for (const id of ['a', 'b']) reads.noteProblem(id, { said: 'HTTP status 500' }, 18 * MINUTE);
		expect(reads.doubtAt(30 * MINUTE)).toBeUndefined();
		// One that could be read again counts again.
		for (const id of ['a', 'b']) reads.noteAnswer(id, 31 * MINUTE);
		for (const id of ['a', 'b']) reads.noteProblem(id, { said: 'HTTP status 500' }, 32 * MINUTE);
		expect(reads.doubtAt(34 * MINUTE)).toBeDefined();
	});

	it('are told by tasks that this process knows', () => {
		const reads = new TaskReads((id) => id === 'a');
		for (const id of ['a', 'b', 'c']) reads.noteProblem(id, { said: 'silence' }, 0);
		expect(reads.doubtAt(10 * MINUTE)).toBeUndefined();
	});

	describe('that are answered with "too many requests"', () => {
		const refuse = (reads: TaskReads, from: number, until: number): void => {
			for (let at = from; at <= until; at += 30 * SECOND)
				for (const id of ['a', 'b']) reads.noteProblem(id, { said: '429', httpStatus: 429 }, at);
		};

		it('say nothing for five minutes, and count as unread from then on', () => {
			const reads = new TaskReads(() => true);
			refuse(reads, 0, 6 * MINUTE - SECOND);
			expect(reads.doubtAt(6 * MINUTE - SECOND)).toBeUndefined();
			refuse(reads, 6 * MINUTE, 10 * MINUTE);
			expect(reads.doubtAt(6 * MINUTE)).toMatchObject({ failure: undefined });
			expect(reads.doubtAt(10 * MINUTE)?.failure).toBeDefined();
		});

		it('begin anew with an answer, and where nobody has asked for a while', () => {
			const reads = new TaskReads(() => true);
			refuse(reads, 0, 4 * MINUTE);
			reads.noteAnswer('a', 4 * MINUTE);
			refuse(reads, 5 * MINUTE, 9 * MINUTE);
			refuse(reads, 20 * MINUTE, 24 * MINUTE);
			expect(reads.doubtAt(30 * MINUTE)).toBeUndefined();
		});
	});

	describe('that are answered with "not found"', () => {
		const miss = (reads: TaskReads, at: number): void => {
			for (const id of ['a', 'b']) reads.noteProblem(id, { said: '404', httpStatus: 404 }, at);
		};
		const createSubmitted = (at = 0): TaskReads => {
			const reads = new TaskReads(() => true);
			for (const id of ['a', 'b']) reads.noteSubmitted(id, at);
			return reads;
		};

		it('count as unread for tasks that were submitted more than a minute ago, if none has been read for an hour', () => {
			const reads = createSubmitted();
			miss(reads, 59 * SECOND);
			expect(reads.doubtAt(3 * MINUTE)).toBeUndefined();
			miss(reads, 3 * MINUTE);
			expect(reads.doubtAt(4 * MINUTE)).toBeDefined();
			const others = new TaskReads(() => true);
			miss(others, 3 * MINUTE);
			expect(others.doubtAt(4 * MINUTE)).toBeUndefined();
		});

		it('keep new tasks back as soon as they count, since they were not there for a minute by then', () => {
			const reads = createSubmitted();
			miss(reads, 61 * SECOND);
			expect(reads.doubtAt(61 * SECOND)).toBeDefined();
		});

		it('say nothing of tasks that were submitted more than an hour ago, or with another account', () => {
			const [old, others] = [createSubmitted(), new TaskReads(() => true)];
			for (const reads of [old, others]) {
				miss(reads, 61 * MINUTE);
				expect(reads.doubtAt(63 * MINUTE)).toBeUndefined();
			}
		});

		it('say nothing where a task was read within the hour: somebody has deleted them', () => {
			const reads = createSubmitted(30 * MINUTE);
			reads.noteAnswer('c', MINUTE);
			miss(reads, 60 * MINUTE);
			expect(reads.doubtAt(62 * MINUTE)).toBeUndefined();
			miss(reads, 61 * MINUTE);
			expect(reads.doubtAt(62 * MINUTE)).toBeDefined();
		});

		it('end the doubt after an outage, if they were the ones to tell, and a task was read within the hour', () => {
			const reads = createSubmitted();
			reads.noteAnswer('c', 0);
			for (const id of ['a', 'b']) reads.noteProblem(id, { said: '503', httpStatus: 503 }, MINUTE);
			const outage = reads.outageAt(MINUTE);
			reads.noteProblem('a', { said: '503', httpStatus: 503 }, 7 * MINUTE);
			expect(outage.reason()).toBeDefined();
			reads.noteGone('a', 8 * MINUTE);
			expect(reads.doubtAt(8 * MINUTE)).toBeUndefined();
			expect(reads.outageAt(8 * MINUTE).reason()).toBeUndefined();
		});

		it('let a new task through early after an outage in which none was read', () => {
			const reads = createSubmitted();
			for (const id of ['a', 'b']) reads.noteProblem(id, { said: '503', httpStatus: 503 }, MINUTE);
			reads.noteGone('a', 5 * MINUTE);
			expect(reads.takeProbe(5 * MINUTE)).toBe(false);
			expect(reads.takeProbe(6 * MINUTE)).toBe(true);
			reads.noteGone('a', 12 * MINUTE);
			expect(reads.takeProbe(12 * MINUTE)).toBe(false);
		});

		it('let none through early where nothing else was ever said', () => {
			const reads = createSubmitted();
			miss(reads, MINUTE);
			reads.noteGone('a', 6 * MINUTE);
			expect(reads.takeProbe(6 * MINUTE)).toBe(false);
		});
	});
});
