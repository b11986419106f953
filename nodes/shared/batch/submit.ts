import { LONGEST_RETRY_AFTER_MS } from '../async/backoff';
import { settle, type Settled } from '../async/settle';
import { fail, FailureError, failureOf } from '../wavespeed/failures';
import { type SubmitInput, type SubmitOutcome, submitTask } from '../wavespeed/tasks/submitTask';
import type { Task } from '../wavespeed/tasks/task';
import type { AccountPlace } from './accountPlace';
import type { Batch } from './context';
import type { SubmittedTask } from './earlierTask';
import type { LedgerEntry, RowKey } from './ledger';
import { untilTasksReadable } from './readable';
import { searchAfterLostAnswer } from './recovery/lostSubmit';
import { serviceTimeOf, toLostTimes } from './recovery/submitTimes';

export interface NewTask extends SubmittedTask {
	task: Task;
}

/** All that a row sends, and what is noted of it. */
export interface DueSubmit extends RowKey {
	input: SubmitInput;
	isSeedDrawn: boolean;
	/** The row then waits for its task's end. */
	isWaitedFor: boolean;
	/** What it waits in. Undefined: nobody waits for the task. */
	place?: AccountPlace;
	/** What the row asks for, field by field, as it is this time. */
	asked: string;
	costUsd: number | undefined;
	webhookUrl: string | undefined;
}

/**
 * Submits a new task and returns it. Sends again only what was refused with "too many requests" or has never left: then
 * nothing was accepted.
 */
export async function submitNewTask(batch: Batch, submission: DueSubmit): Promise<NewTask> {
	const { submitBreaker } = batch.account;
	for (;;) {
		// Also before it is sent again: who has the turn must not wait for a place that others hold while they wait for it.
		const submitted = await submitInTurn(batch, submission).finally(() =>
			submitBreaker.leave(submission),
		);
		if (submitted) return submitted;
		// Now it waits for the run's own limit again.
		submission.place?.giveBack();
		if (submission.isWaitedFor && (await untilTasksReadable(batch)))
			return await submitNewTask(batch, asProbe(submission));
	}
}

/** Undefined: it was not taken, and has to be sent again. */
async function submitInTurn(batch: Batch, submission: DueSubmit): Promise<NewTask | undefined> {
	const { row, input, costUsd } = submission;
	const { outcome, submittedAt } = await submitOnce(batch, submission);
	if (!NOT_LEFT.has(outcome.kind)) batch.account.submitBreaker.noteReached();
	const base = { input, costUsd, submittedAt, isResumed: false };
	switch (outcome.kind) {
		case 'accepted':
			batch.log({ event: 'accepted', row, taskId: outcome.task.id });
			batch.account.taskReads.noteSubmitted(outcome.task.id, submittedAt);
			return { ...base, taskId: outcome.task.id, task: outcome.task };
		case 'rateLimited':
			failIfRefusedTooLong(batch, outcome.text);
			return undefined;
		case 'refused':
			throw new FailureError(outcome.failure);
		case 'heldBack':
			return undefined;
		case 'notSent':
			waitForConnection(batch, submission, { said: outcome.text, sentAt: submittedAt });
			return undefined;
		case 'unknown': {
			const { text: said, isSilent = false } = outcome;
			const lost = { said, isSilent, sentAt: submittedAt };
			const task = await searchAfterLostAnswer(batch, submission, lost);
			return { ...base, taskId: task.id, task };
		}
	}
}

/** Nothing has reached the service, so it may be sent again; throws if that has gone on for too long. */
function waitForConnection(
	{ account, api }: Batch,
	submission: DueSubmit,
	notSent: { said: string; sentAt: number },
): void {
	const goesOn = account.submitBreaker.noteNotSent(api.clock, notSent, submission);
	if (!goesOn) fail('unavailable', 'submitNotSent', { said: notSent.said });
}

/** It is let through although tasks can't be read. */
const asProbe = (submission: DueSubmit): DueSubmit => ({ ...submission, isWaitedFor: false });

type Sent = { outcome: SubmitOutcome | typeof HELD_BACK; submittedAt: number };

/** It had its turn only now, and tasks can't be read any more, or another submit tries for all. */
const HELD_BACK = { kind: 'heldBack' } as const;

/**
 * One POST, when the limits of the node and of the account allow it. The node's own comes first: who waits for it must hold
 * nothing that the account's other runs wait for, nor have the turn to try for all.
 */
async function submitOnce(batch: Batch, submission: DueSubmit): Promise<Sent> {
	const { account, api } = batch;
	const submitInTurnOfAccount = async (): Promise<Sent> => {
		await submission.place?.take(!submission.isWaitedFor);
		return await account.submits.run(api.cancellation, async () => {
			await account.submitBreaker.enterInTurn(api, submission);
			return await account.submitRate.run(api, async () => await send(batch, submission), hasLeft);
		});
	};
	return await batch.submitRate.run(api, submitInTurnOfAccount, hasLeft);
}

/** Whether the service may have seen it. Else a batch that can't be sent would fail at the pace of its submits. */
const hasLeft = (sent: Settled<Sent>): boolean =>
	sent.ok ? !NOT_LEFT.has(sent.value.outcome.kind) : failureOf(sent.error) === undefined;

const NOT_LEFT: ReadonlySet<string> = new Set(['notSent', HELD_BACK.kind]);

/** The POST, with its outcome noted before anything else happens. */
async function send(batch: Batch, submission: DueSubmit): Promise<Sent> {
	const { api, account, ledger } = batch;
	const { clock } = api;
	const { row, hash, input, isSeedDrawn, asked, costUsd } = submission;
	const permit = await enterSubmitGate(batch);
	const ready = await settle(account.submitBreaker.enter(api));
	const submittedAt = clock.now();
	const isHeldBack =
		(submission.isWaitedFor && account.taskReads.doubtAt(submittedAt) !== undefined) ||
		(ready.ok && !account.submitBreaker.takeTurn(submission, submittedAt));
	if (!ready.ok || isHeldBack) permit.release();
	if (!ready.ok) throw ready.error;
	if (isHeldBack) return { outcome: HELD_BACK, submittedAt };
	const sent = account.submissions.begin(newSubmissionId(batch), submittedAt);
	ledger.noteSent(row, hash, {
		...timeOf(batch, submittedAt),
		...{ submissionId: sent.id, accountId: batch.accountId, input, isSeedDrawn, asked, costUsd },
	});
	// The line that spends money. A second POST for the same row would be paid for twice.
	const answered = await settle(submitTask(api, permit, input, submission.webhookUrl));
	const endedAt = clock.now();
	const outcome: SubmitOutcome = answered.ok
		? refuseKnownTask(batch, answered.value)
		: { kind: 'unknown', text: 'the request ended in an error of this node' };
	if (outcome.kind === 'accepted') {
		ledger.noteAccepted(row, hash, outcome.task.id);
		account.submissions.accept(sent, outcome.task.id, endedAt);
		account.submitBreaker.noteAccepted(submittedAt);
	} else if (outcome.kind === 'unknown') {
		account.submissions.lose(sent, endedAt);
		const entry = ledger.find(row, hash);
		if (entry) ledger.noteUnknown(row, hash, toLostTimes(account, entry, clock));
	} else {
		ledger.noteRefused(row, hash);
		account.submissions.drop(sent);
	}
	if (!answered.ok) throw answered.error;
	return { outcome, submittedAt };
}

/** A gateway may repeat another submit's answer: two rows would be given the same video, and one of them the wrong one. */
const refuseKnownTask = ({ account }: Batch, outcome: SubmitOutcome): SubmitOutcome =>
	outcome.kind === 'accepted' && account.submissions.isKnown(outcome.task.id)
		? { kind: 'unknown', text: 'the answer named the task of another submit' }
		: outcome;

/** When it leaves, as the ledger keeps it: by the service's time, as soon as an answer has told it. */
function timeOf(
	{ account, api: { clock } }: Batch,
	steady: number,
): Pick<LedgerEntry, 'sentAt' | 'clock'> {
	const whose = account.serviceClock.isKnown(clock) ? 'service' : 'machine';
	return { sentAt: serviceTimeOf(account, steady, clock), clock: whose };
}

const newSubmissionId = ({ api: { random } }: Batch): string =>
	[random(), random()].map((value) => value.toString(36).slice(2)).join('');

/**
 * A turn among the account's submits; fails if all of them have been refused for too long. What was refused before this
 * run began, or before a task of this process ended, says nothing about it: then the end of a pause is waited for in any
 * case, or a retry would fail without anybody having asked.
 */
async function enterSubmitGate(batch: Batch): ReturnType<Batch['account']['submitGate']['enter']> {
	const { account, api, longestRateLimitMs } = batch;
	const { submitGate } = account;
	for (;;) {
		const isTold = isToldSince(batch);
		const lastChance = Math.max(
			refusedSince(batch) + longestRateLimitMs,
			isTold ? -Infinity : api.clock.now() + LONGEST_RETRY_AFTER_MS,
		);
		const permit = await submitGate.enterBefore(api, lastChance);
		if (permit) return permit;
		// Others may have come through while this one waited behind them: then its time begins anew.
		// Or a task has ended in the pause, and its place at the service is worth another try.
		if (!isTold || isToldSince(batch)) failIfRefusedTooLong(batch, '');
	}
}

/** Whether the service has refused a submit since anything that may have made it room for this run's. */
const isToldSince = ({ account, begunAt }: Batch): boolean =>
	account.submitGate.lastRefusedAt > Math.max(begunAt, account.taskEndedAt);

function failIfRefusedTooLong(batch: Batch, text: string): void {
	const refusedForMs = batch.api.clock.now() - refusedSince(batch);
	if (refusedForMs >= batch.longestRateLimitMs) {
		fail('rateLimited', 'submitsRefused', { refusedForMs, said: text });
	}
}

const refusedSince = ({ account, api: { clock } }: Batch): number =>
	account.submitGate.refusedSince(clock.now()) ?? clock.now();
