import { fail, FailureError, failureOf } from '../wavespeed/failures';
import type { Task } from '../wavespeed/tasks/task';
import type { Batch } from './context';
import type { LedgerEntry } from './ledger';
import { findEarlierSubmit, inputOf, searchAfterLostAnswer } from './recovery/lostSubmit';
import type { PreparedRequest } from './prepare';
import { type SubmitInput, type SubmitOutcome, submitTask } from '../wavespeed/tasks/submitTask';
import { settle } from '../async/settle';

/** A task of the service that belongs to a row. */
export interface SubmittedTask {
	taskId: string;
	input: SubmitInput;
	costUsd: number | undefined;
	/** ms since the epoch. */
	submittedAt: number;
	/** Submitted by an earlier attempt of the same execution: nothing was paid for it now. */
	isResumed: boolean;
	/** As the service described it last; unknown at first for a task of an earlier attempt. */
	task: Task | undefined;
}

export interface NewTask extends SubmittedTask {
	task: Task;
}

/** The task that an earlier attempt has submitted for this row; undefined if a submit is due. */
export async function findEarlierTask(
	batch: Batch,
	row: number,
	ready: PreparedRequest,
): Promise<SubmittedTask | undefined> {
	const entry = batch.ledger.find(row, ready.hash);
	if (!entry) return undefined;
	// Its price is counted already. Retried rows go first, so none may wait for the decisions of rows before it.
	batch.budget.skip(row);
	if (entry.state === 'accepted') return resumed(ready, entry, entry.taskId ?? '', undefined);
	const task = await findEarlierSubmit(batch, row, ready, entry);
	if (task) return resumed(ready, entry, task.id, task);
	if (entry.costUsd !== undefined) batch.budget.release(entry.costUsd);
	return undefined;
}

const resumed = (
	ready: PreparedRequest,
	entry: LedgerEntry,
	taskId: string,
	task: Task | undefined,
): SubmittedTask => ({
	taskId,
	task,
	input: inputOf(ready, entry),
	costUsd: entry.costUsd,
	submittedAt: entry.sentAt,
	isResumed: true,
});

/**
 * Submits a new task and returns it. Sends again only what was refused with "too many requests": then nothing was
 * accepted. Gives reserved money back if it is clear that nothing was spent.
 */
export async function submitNewTask(
	batch: Batch,
	row: number,
	ready: PreparedRequest,
	input: SubmitInput,
	costUsd: number | undefined,
): Promise<NewTask> {
	const submitted = await settle(submitWithinLimits(batch, row, ready, input, costUsd));
	if (submitted.ok) return submitted.value;
	if (costUsd !== undefined && failureOf(submitted.error)?.kind !== 'submitUnknown') {
		batch.budget.release(costUsd);
	}
	throw submitted.error;
}

async function submitWithinLimits(
	batch: Batch,
	row: number,
	ready: PreparedRequest,
	input: SubmitInput,
	costUsd: number | undefined,
): Promise<NewTask> {
	for (;;) {
		const { outcome, submittedAt } = await submitOnce(batch, row, ready, input, costUsd);
		const base = { input, costUsd, submittedAt, isResumed: false };
		switch (outcome.kind) {
			case 'accepted':
				batch.log(`Row ${row + 1}: WaveSpeed accepted task ${outcome.task.id}`);
				return { ...base, taskId: outcome.task.id, task: outcome.task };
			case 'rateLimited':
				failIfRefusedTooLong(batch, outcome.text);
				continue;
			case 'refused':
				throw new FailureError(outcome.failure);
			case 'notSent':
				return fail(
					'unavailable',
					`Could not submit the task: ${outcome.text}`,
					`Try again later.`,
				);
			case 'unknown': {
				const task = await searchAfterLostAnswer(batch, row, ready, input, outcome.text);
				return { ...base, taskId: task.id, task };
			}
		}
	}
}

/** One POST, when the account's limits allow it, with its outcome in the ledger before anything else happens. */
async function submitOnce(
	batch: Batch,
	row: number,
	ready: PreparedRequest,
	input: SubmitInput,
	costUsd: number | undefined,
): Promise<{ outcome: SubmitOutcome; submittedAt: number }> {
	const { api, ledger } = batch;
	const { hash, ask } = ready;
	const sendInWindow = async (): Promise<{ outcome: SubmitOutcome; submittedAt: number }> => {
		const leaveWindow = await batch.rateWindow.enter();
		return await send().finally(leaveWindow);
	};
	const send = async (): Promise<{ outcome: SubmitOutcome; submittedAt: number }> => {
		const permit = await batch.submitGate.enter();
		return await batch.submitLock.shared(async () => {
			batch.cancellation.throwIfCancelled();
			const submittedAt = api.clock.now();
			ledger.noteSent(row, hash, input, submittedAt, costUsd);
			// The line that spends money. A second POST for the same row would be paid for twice.
			const outcome = await submitTask(api, permit, input, ask.webhookUrl);
			if (outcome.kind === 'accepted') ledger.noteAccepted(row, hash, outcome.task.id);
			else if (outcome.kind === 'unknown') ledger.noteUnknown(row, hash, api.clock.now());
			else ledger.noteRefused(row, hash);
			return { outcome, submittedAt };
		});
	};
	const giveBack = await batch.submitSlots.take();
	return await sendInWindow().finally(giveBack);
}

function failIfRefusedTooLong(batch: Batch, text: string): void {
	const since = batch.submitGate.refusedSince() ?? batch.api.clock.now();
	const refusedForMs = batch.api.clock.now() - since;
	if (refusedForMs < batch.longestRateLimitMs) return;
	fail(
		'rateLimited',
		`WaveSpeed has refused every submit for ${Math.round(refusedForMs / 60_000)} minutes with "too many requests"${text ? `: ${text}` : ''}`,
		`Other workflows may be using up the account's limits. Try again later, or choose the right account level in the credential.`,
	);
}
