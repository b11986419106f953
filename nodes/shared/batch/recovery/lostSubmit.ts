import { settle } from '../../async/settle';
import { fail, FailureError, failureOf } from '../../wavespeed/failures';
import type { SubmitInput } from '../../wavespeed/tasks/submitTask';
import type { Task } from '../../wavespeed/tasks/task';
import type { Batch } from '../context';
import type { LedgerEntry } from '../ledger';
import { findLostTask, type Finding } from './findTask';

/** What happens to a row whose submit had no clear answer: its task is looked for, and nothing is sent. */

/** A retry looks again only then: a task that was about to be made when the answer was lost shows up by now. */
const SEARCH_AGAIN_AFTER_MS = 60_000;

/** The first look may come before the task is in the list. */
const SEARCH_AGAIN_PAUSES_MS = [2_000, 10_000];

/** Which row's submit it is, by the ledger's key. */
export interface RowKey {
	row: number;
	/** The request's fingerprint. */
	hash: string;
}

/** What an earlier attempt has sent for the row. */
export const inputOf = ({ image, audio, prompt, resolution, seed }: LedgerEntry): SubmitInput => ({
	image,
	audio,
	prompt,
	resolution,
	seed,
});

/**
 * The search right after the answer was lost. Its first look comes immediately and keeps other submits back: if the
 * list can't be had either, the service is down, and they would be lost as well.
 */
export async function searchAfterLostAnswer(
	batch: Batch,
	key: RowKey,
	text: string,
): Promise<Task> {
	const { account, api, log } = batch;
	log(
		`Row ${key.row + 1}: WaveSpeed gave no clear answer to the submit (${text}); a task may exist and be paid for. Looking for it in the task list.`,
	);
	const { submitBreaker } = account;
	const listWith: ListWith = async (list) => await submitBreaker.suspect(api.clock, text, list);
	const first = await settle(search(batch, key, listWith));
	let finding = readFinding(first, text);
	for (const pauseMs of SEARCH_AGAIN_PAUSES_MS) {
		if (finding.kind === 'found') break;
		await api.clock.sleep(pauseMs);
		finding = readFinding(await settle(search(batch, key)), text);
	}
	if (finding.kind === 'found') {
		submitBreaker.noteAccepted();
		return finding.task;
	}
	submitBreaker.noteNothingFound(api.clock, text);
	return fail(
		'submitUnknown',
		`WaveSpeed gave no clear answer to the submit (${text}), and its task list shows no new task`,
		'Probably nothing was paid. A retry is safe: Retry On Fail, or Retry of the execution, looks for the task once more, a minute after the submit, and submits again only if there is still none.',
	);
}

/** A submit of an earlier attempt whose outcome is unknown. Undefined: there is no task, so a submit is due. */
export async function findEarlierSubmit(
	batch: Batch,
	key: RowKey,
	entry: LedgerEntry,
): Promise<Task | undefined> {
	const { account, api } = batch;
	const waitMs = waitBeforeSearchMs(batch, entry);
	if (waitMs > 0) await api.clock.sleep(waitMs);
	const finding = readFinding(await settle(search(batch, key)), 'in an earlier attempt');
	if (finding.kind === 'found') return finding.task;
	if (entry.accountId !== batch.accountId) {
		// The list of this account says nothing about what was paid in the other one.
		fail(
			'submitUnknown',
			'An earlier attempt of this row was submitted with another API key and had no clear answer, and with this key its task is not to be found',
			'A task may exist and be paid for in the other account: look there, or try again with the key of the earlier attempt. To make a new video with this key, start a new execution.',
		);
	}
	const lost = account.submissions.get(entry.submissionIds.at(-1) ?? '');
	if (lost) account.submissions.drop(lost);
	return undefined;
}

/** Until a minute has passed since the attempt. Whose clock says so depends on who still knows it. */
function waitBeforeSearchMs({ account, api }: Batch, entry: LedgerEntry): number {
	const { clock } = api;
	const own = account.submissions.get(entry.submissionIds.at(-1) ?? '');
	if (own) return (own.endedAt ?? own.sentAt) + SEARCH_AGAIN_AFTER_MS - clock.now();
	const theirNow = account.serviceClock.timeAt(clock.now());
	// By two clocks that can't be compared the attempt may have been just now.
	if (entry.clock === 'machine' || theirNow === undefined) return SEARCH_AGAIN_AFTER_MS;
	const waitMs = (entry.endedAt ?? entry.sentAt) + SEARCH_AGAIN_AFTER_MS - theirNow;
	return Math.min(waitMs, SEARCH_AGAIN_AFTER_MS);
}

type ListWith = Parameters<typeof findLostTask>[2];

async function search(batch: Batch, { row, hash }: RowKey, listWith?: ListWith): Promise<Finding> {
	const { ledger, account, api } = batch;
	const entry = ledger.find(row, hash);
	if (!entry) return { kind: 'none' };
	const lost = { key: ledger.key(row, hash), entry, input: inputOf(entry) };
	const finding = await findLostTask(batch, lost, listWith);
	if (finding.kind !== 'found') return finding;
	const { id } = finding.task;
	// Another row may have taken it a moment ago: then this one looks again, and two rows never have the same task.
	if (!account.submissions.claim(id, api.clock.now())) {
		return await search(batch, { row, hash }, listWith);
	}
	ledger.noteAccepted(row, hash, id);
	batch.log(`Row ${row + 1}: found task ${id} after a submit without a clear answer`);
	return finding;
}

type ClearFinding = Exclude<Finding, { kind: 'several' }>;

/** Throws for a search that has failed, and for one that leaves it open. */
function readFinding(
	searched: { ok: true; value: Finding } | { ok: false; error: unknown },
	text: string,
): ClearFinding {
	if (!searched.ok) throw describeFailedSearch(searched.error, text);
	const finding = searched.value;
	if (finding.kind !== 'several') return finding;
	return fail(
		'submitUnknown',
		`WaveSpeed gave no clear answer to the submit (${text}). A task may exist and be paid for; it can't be told which of these is this row's: ${listIds(finding.taskIds)}`,
		'Look at these tasks with "Get" or at WaveSpeed and use the right one. Nothing was submitted again, and a retry does not submit again while these tasks leave it open.',
		{ details: { candidateTaskIds: finding.taskIds } },
	);
}

/** All of them are in the details. */
const MOST_CANDIDATES_IN_TEXT = 20;

function listIds(ids: string[]): string {
	const more = ids.length - MOST_CANDIDATES_IN_TEXT;
	return ids.slice(0, MOST_CANDIDATES_IN_TEXT).join(', ') + (more > 0 ? ` and ${more} more` : '');
}

function describeFailedSearch(error: unknown, text: string): unknown {
	const failure = failureOf(error);
	if (!failure || failure.kind === 'stopped' || failure.kind === 'abandoned') return error;
	return new FailureError({
		...failure,
		kind: 'submitUnknown',
		paid: 'told',
		message: `WaveSpeed gave no clear answer to the submit (${text}), and its task list could not be read to look for the task: ${failure.message}`,
		advice:
			'A task may exist and be paid for. A retry is safe: Retry On Fail, or Retry of the execution, looks for the task again and submits only if there is none.',
	});
}
