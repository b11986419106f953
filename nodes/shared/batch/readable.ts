import { LONGEST_RETRY_AFTER_MS } from '../async/backoff';
import { settle } from '../async/settle';
import { failureOf } from '../wavespeed/failures';
import { getTask } from '../wavespeed/tasks/getTask';
import type { Batch } from './context';

const LOOK_AGAIN_MS = 5_000;

/** The rows that wait for their tasks try more often: if nobody does, nobody would hear that the outage is over. */
const TRIED_LONG_AGO_MS = 40_000;

/** A look that had to wait for the end of a pause is sent all the same: one that was never sent tells nothing. */
const LOOK_MS = LONGEST_RETRY_AFTER_MS + 20_000;

/**
 * Before a task is submitted that is to be waited for: waits while it is open whether the account's tasks can be read.
 * Throws (`unavailable`) if they can't, before anything is paid. True: they can't, and this one is to find out whether that
 * is so of a new task.
 */
export async function untilTasksReadable({ api, account }: Batch): Promise<boolean> {
	const { clock, cancellation } = api;
	for (;;) {
		const doubt = account.taskReads.doubtAt(clock.now());
		if (!doubt) return false;
		if (clock.now() - doubt.triedAt >= TRIED_LONG_AGO_MS) {
			await account.taskLooks.run('', cancellation, async () => {
				account.taskReads.noteTried(clock.now());
				const retryBudget = { deadline: clock.now() + LOOK_MS, maxAttempts: 1 };
				// What it finds is noted where all reads are.
				const looked = await settle(getTask(api, doubt.taskId, retryBudget));
				// It may have taken longer than a try counts.
				account.taskReads.noteTried(clock.now());
				const isGone = !looked.ok && failureOf(looked.error)?.reason === 'taskNotFound';
				if (isGone) account.taskReads.noteGone(doubt.taskId, clock.now());
			});
		} else if (!doubt.failure) await clock.sleep(LOOK_AGAIN_MS);
		else if (account.taskReads.takeProbe(clock.now())) return true;
		else throw doubt.failure;
	}
}
