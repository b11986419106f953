import { type SubmitInput, type SubmitOutcome, submitTask } from '../wavespeed/client';
import { fail, FailureError, failureOf, NOTHING_PAID, settle } from '../wavespeed/failures';
import type { Task } from '../wavespeed/task';
import type { Batch } from './batch';
import type { LedgerEntry } from './ledger';
import type { ReadyAsk } from './prepare';
import { findLostTask, type Finding } from './reconcile';

/** A task of the service that belongs to a row. */
export interface PlacedTask {
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

export interface NewTask extends PlacedTask {
	task: Task;
}

/** A retry looks again only then: a task that was about to be made when the answer was lost shows up by now. */
const SEARCH_AGAIN_AFTER_MS = 60_000;

/** The first look may come before the task is in the list. */
const SEARCH_PAUSES_MS = [2_000, 10_000];

/** The task that an earlier attempt has submitted for this row; undefined if a submit is due. */
export async function findEarlierTask(
	batch: Batch,
	row: number,
	ready: ReadyAsk,
): Promise<PlacedTask | undefined> {
	const entry = batch.ledger.find(row, ready.hash);
	if (!entry) return undefined;
	// Its price is counted already. Retried rows go first, so none may wait for the decisions of rows before it.
	batch.budget.skip(row);
	const found =
		entry.state === 'accepted'
			? resumed(ready, entry, entry.taskId ?? '', undefined)
			: await findEarlierSubmit(batch, row, ready, entry);
	if (!found && entry.costUsd !== undefined) batch.budget.release(entry.costUsd);
	return found;
}

const inputOf = (ready: ReadyAsk, entry: LedgerEntry): SubmitInput => ({
	image: entry.image,
	audio: entry.audio,
	prompt: ready.ask.prompt,
	resolution: ready.ask.resolution,
	seed: entry.seed,
});

const resumed = (
	ready: ReadyAsk,
	entry: LedgerEntry,
	taskId: string,
	task: Task | undefined,
): PlacedTask => ({
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
	ready: ReadyAsk,
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
	ready: ReadyAsk,
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
				failIfOutOfPatience(batch, outcome.text);
				continue;
			case 'refused':
				throw new FailureError(outcome.failure);
			case 'notSent':
				return fail(
					'unavailable',
					`Could not submit the task: ${outcome.text}`,
					`Try again later. ${NOTHING_PAID}`,
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
	ready: ReadyAsk,
	input: SubmitInput,
	costUsd: number | undefined,
): Promise<{ outcome: SubmitOutcome; submittedAt: number }> {
	const { api, ledger } = batch;
	const { hash, ask } = ready;
	const leaveWindow = await batch.rateWindow.enter();
	const send = async (): Promise<{ outcome: SubmitOutcome; submittedAt: number }> => {
		const pass = await batch.submitPause.enter();
		return await batch.submitLock.shared(async () => {
			batch.halt.check();
			const submittedAt = api.clock.now();
			ledger.noteSent(row, hash, input, submittedAt, costUsd);
			// The line that spends money. A second POST for the same row would be paid for twice.
			const outcome = await submitTask(api, pass, input, ask.webhookUrl);
			if (outcome.kind === 'accepted') ledger.noteAccepted(row, hash, outcome.task.id);
			else if (outcome.kind === 'unknown') ledger.noteUnknown(row, hash, api.clock.now());
			else ledger.noteRefused(row, hash);
			return { outcome, submittedAt };
		});
	};
	return await send().finally(leaveWindow);
}

function failIfOutOfPatience(batch: Batch, text: string): void {
	const since = batch.submitPause.refusedSince() ?? batch.api.clock.now();
	const refusedForMs = batch.api.clock.now() - since;
	if (refusedForMs < batch.rateLimitPatienceMs) return;
	fail(
		'rateLimited',
		`WaveSpeed has refused every submit for ${Math.round(refusedForMs / 60_000)} minutes with "too many requests"${text ? `: ${text}` : ''}`,
		`Other workflows may be using up the account's limits. Try again later, or choose the right account level in the credential. ${NOTHING_PAID}`,
	);
}

/** The search right after the answer was lost. It never sends anything. */
async function searchAfterLostAnswer(
	batch: Batch,
	row: number,
	ready: ReadyAsk,
	input: SubmitInput,
	text: string,
): Promise<Task> {
	for (const pauseMs of SEARCH_PAUSES_MS) {
		await batch.api.clock.sleep(pauseMs);
		const finding = await search(batch, row, ready, input, text);
		if (finding.kind === 'found') return finding.task;
	}
	return fail(
		'submitUnknown',
		`WaveSpeed gave no clear answer to the submit (${text}), and its task list shows no new task`,
		'Probably nothing was paid. A retry is safe: Retry On Fail, or Retry of the execution, looks for the task once more, a minute after the submit, and submits again only if there is still none.',
	);
}

/** A submit of an earlier attempt whose outcome is unknown. Undefined: there is no task, so a submit is due. */
async function findEarlierSubmit(
	batch: Batch,
	row: number,
	ready: ReadyAsk,
	entry: LedgerEntry,
): Promise<PlacedTask | undefined> {
	const { clock } = batch.api;
	const waitMs = (entry.endedAt ?? entry.sentAt) + SEARCH_AGAIN_AFTER_MS - clock.now();
	if (waitMs > 0) await clock.sleep(waitMs);
	const input = inputOf(ready, entry);
	const finding = await search(batch, row, ready, input, 'in an earlier attempt');
	if (finding.kind === 'none') return undefined;
	return resumed(ready, entry, finding.task.id, finding.task);
}

type ClearFinding = Exclude<Finding, { kind: 'several' }>;

async function search(
	batch: Batch,
	row: number,
	ready: ReadyAsk,
	input: SubmitInput,
	text: string,
): Promise<ClearFinding> {
	const { ledger } = batch;
	const looked = await settle(
		batch.submitLock.exclusive(async () => {
			const entry = ledger.find(row, ready.hash);
			if (!entry) return { kind: 'none' } as const;
			const key = ledger.key(row, ready.hash);
			const finding = await findLostTask(batch.api, ledger, key, entry, input);
			// Written down while no other row searches: two rows must never take the same task.
			if (finding.kind === 'found') ledger.noteAccepted(row, ready.hash, finding.task.id);
			return finding;
		}),
	);
	if (!looked.ok) throw describeFailedSearch(looked.error, text);
	const finding = looked.value;
	if (finding.kind === 'found') {
		batch.log(
			`Row ${row + 1}: found task ${finding.task.id} after a submit without a clear answer`,
		);
	}
	if (finding.kind !== 'several') return finding;
	return fail(
		'submitUnknown',
		`WaveSpeed gave no clear answer to the submit (${text}). A task may exist and be paid for; it can't be told which of these is this row's: ${finding.taskIds.join(', ')}`,
		'Look at these tasks with "Get Task" or at WaveSpeed and use the right one. Nothing was submitted again, and a retry does not submit again while these tasks leave it open.',
		{ details: { candidateTaskIds: finding.taskIds } },
	);
}

function describeFailedSearch(error: unknown, text: string): unknown {
	const failure = failureOf(error);
	if (!failure || failure.kind === 'stopped' || failure.kind === 'abandoned') return error;
	return new FailureError({
		...failure,
		kind: 'submitUnknown',
		message: `WaveSpeed gave no clear answer to the submit (${text}), and its task list could not be read to look for the task: ${failure.message}`,
		advice:
			'A task may exist and be paid for. A retry is safe: Retry On Fail, or Retry of the execution, looks for the task again and submits only if there is none.',
	});
}
