import { fail, FailureError, failureOf } from '../../wavespeed/failures';
import type { Task } from '../../wavespeed/tasks/task';
import type { Batch } from '../context';
import type { LedgerEntry } from '../ledger';
import type { PreparedRequest } from '../prepare';
import { findLostTask, type Finding } from './findTask';
import type { SubmitInput } from '../../wavespeed/tasks/submitTask';
import { settle } from '../../async/settle';

/** What happens to a row whose submit had no clear answer: its task is looked for, and nothing is sent. */

/** A retry looks again only then: a task that was about to be made when the answer was lost shows up by now. */
const SEARCH_AGAIN_AFTER_MS = 60_000;

/** The first look may come before the task is in the list. */
const SEARCH_PAUSES_MS = [2_000, 10_000];

/** What an earlier attempt has sent for the row. */
export const inputOf = (ready: PreparedRequest, entry: LedgerEntry): SubmitInput => ({
	image: entry.image,
	audio: entry.audio,
	prompt: ready.ask.prompt,
	resolution: ready.ask.resolution,
	seed: entry.seed,
});

/** The search right after the answer was lost. */
export async function searchAfterLostAnswer(
	batch: Batch,
	row: number,
	ready: PreparedRequest,
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
export async function findEarlierSubmit(
	batch: Batch,
	row: number,
	ready: PreparedRequest,
	entry: LedgerEntry,
): Promise<Task | undefined> {
	const { clock } = batch.api;
	const waitMs = (entry.endedAt ?? entry.sentAt) + SEARCH_AGAIN_AFTER_MS - clock.now();
	if (waitMs > 0) await clock.sleep(waitMs);
	const input = inputOf(ready, entry);
	const finding = await search(batch, row, ready, input, 'in an earlier attempt');
	return finding.kind === 'found' ? finding.task : undefined;
}

type ClearFinding = Exclude<Finding, { kind: 'several' }>;

async function search(
	batch: Batch,
	row: number,
	ready: PreparedRequest,
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
		`WaveSpeed gave no clear answer to the submit (${text}). A task may exist and be paid for; it can't be told which of these is this row's: ${listIds(finding.taskIds)}`,
		'Look at these tasks with "Get Task" or at WaveSpeed and use the right one. Nothing was submitted again, and a retry does not submit again while these tasks leave it open.',
		{ details: { candidateTaskIds: finding.taskIds } },
	);
}

/** All of them are in the details. */
const MOST_IDS_IN_TEXT = 20;

function listIds(ids: string[]): string {
	const more = ids.length - MOST_IDS_IN_TEXT;
	return ids.slice(0, MOST_IDS_IN_TEXT).join(', ') + (more > 0 ? ` and ${more} more` : '');
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
