import type { SubmitInput } from '../wavespeed/tasks/submitTask';
import type { Task } from '../wavespeed/tasks/task';
import type { Batch } from './context';
import { inputOf, type LedgerEntry, type RowKey } from './ledger';
import { findEarlierSubmit } from './recovery/lostSubmit';

/** Retry On Fail and Retry of an execution: a row goes on with what it has submitted before, as the ledger knows it. */

/** A task of the service that belongs to a row. */
export interface SubmittedTask {
	taskId: string;
	input: SubmitInput;
	costUsd: number | undefined;
	/** On the steady clock, ms. */
	submittedAt: number;
	/** Submitted by an earlier attempt of the same execution: nothing was paid for it now. */
	isResumed: boolean;
	/** As the service described it last; unknown at first for a task of an earlier attempt. */
	task: Task | undefined;
}

/** The task that an earlier attempt has submitted for this row; undefined if a submit is due. */
export async function findEarlierTask(
	batch: Batch,
	key: RowKey,
): Promise<SubmittedTask | undefined> {
	const entry = batch.ledger.find(key.row, key.hash);
	if (!entry) return undefined;
	// Its price is counted now. Retried rows go first, so none may wait for the decisions of rows before it.
	batch.budget.skip(key.row);
	if (entry.state === 'accepted') return toResumed(batch, entry, entry.taskId ?? '', undefined);
	const task = await findEarlierSubmit(batch, key, entry);
	if (task) return toResumed(batch, entry, task.id, task);
	batch.ledger.noteUnpaid(key.row, key.hash);
	return undefined;
}

function toResumed(
	{ account, api }: Batch,
	entry: LedgerEntry,
	taskId: string,
	task: Task | undefined,
): SubmittedTask {
	const own = account.submissions.get(entry.submissionIds.at(-1) ?? '');
	const ageMs = Math.max(0, api.clock.wallTime() - entry.sentAt);
	// After a restart of n8n nobody else knows that it has its row.
	account.submissions.claim(taskId, api.clock.now());
	return {
		taskId,
		task,
		input: inputOf(entry),
		costUsd: entry.costUsd,
		submittedAt: own?.sentAt ?? api.clock.now() - ageMs,
		isResumed: true,
	};
}
