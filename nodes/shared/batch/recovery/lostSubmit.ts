import type { LostAnswer } from '../../account/submitBreaker';
import { settle, type Settled } from '../../async/settle';
import { fail, FailureError, failureOf, makeFailure } from '../../wavespeed/failures';
import type { Task } from '../../wavespeed/tasks/task';
import type { Batch } from '../context';
import { inputOf, type LedgerEntry, type RowKey } from '../ledger';
import { findLostTask, type Finding } from './findLostTask';
import { submissionOf, toLostTimes } from './submitTimes';

/** What happens to a row whose submit had no clear answer: its task is looked for, and nothing is sent. */

/** A retry looks again only then: a task that was about to be made when the answer was lost shows up by now. */
const SEARCH_AGAIN_AFTER_MS = 60_000;

/** The first look may come before the task is in the list. */
const SEARCH_AGAIN_PAUSES_MS = [2_000, 10_000];

/**
 * The search right after the answer was lost. However it ends without a task, the submit was of no use, and may be paid
 * for: so it counts for whether others are sent.
 */
export async function searchAfterLostAnswer(
	batch: Batch,
	key: RowKey,
	lost: LostAnswer,
): Promise<Task> {
	const { account, api, log, ledger } = batch;
	const { submitBreaker } = account;
	log({ event: 'lost', row: key.row, said: lost.said });
	const [firstTry] = ledger.find(key.row, key.hash)?.submissionIds ?? [];
	submitBreaker.noteLost(lost, firstTry);
	const searched = await settle(searchSeveralTimes(batch, key, lost));
	if (searched.ok && searched.value) {
		submitBreaker.noteAccepted(lost.sentAt);
		return searched.value;
	}
	const failure = searched.ok ? undefined : failureOf(searched.error);
	// A run that was stopped in the middle of it has found out nothing.
	if (searched.ok || failure?.kind === 'submitUnknown') {
		// Where the list can't be had either, nobody has said anything.
		const isSilent = lost.isSilent || failure?.reason === 'taskOfSubmitNotSearched';
		submitBreaker.noteNothingFound(api.clock, { ...lost, isSilent }, firstTry);
	}
	submitBreaker.noteSearched(firstTry);
	if (!searched.ok) throw searched.error;
	return fail('submitUnknown', 'noTaskOfSubmit', { said: lost.said });
}

/**
 * The first look comes immediately and keeps other submits back: if the list can't be had either, the service is down,
 * and they would be lost as well.
 */
async function searchSeveralTimes(
	batch: Batch,
	key: RowKey,
	{ said }: LostAnswer,
): Promise<Task | undefined> {
	const { account, api } = batch;
	const listWith: ListWith = async (list) =>
		await account.submitBreaker.suspect(api.clock, said, list);
	let finding = readFinding(await settle(search(batch, key, listWith)), said);
	for (const pauseMs of SEARCH_AGAIN_PAUSES_MS) {
		if (finding.kind === 'found') break;
		await api.clock.sleep(pauseMs);
		finding = readFinding(await settle(search(batch, key)), said);
	}
	return finding.kind === 'found' ? finding.task : undefined;
}

/** A submit of an earlier attempt whose outcome is unknown. Undefined: there is no task, so a submit is due. */
export async function findEarlierSubmit(
	batch: Batch,
	key: RowKey,
	entry: LedgerEntry,
): Promise<Task | undefined> {
	const { api } = batch;
	const waitMs = waitBeforeSearchMs(batch, entry);
	if (waitMs > 0) await api.clock.sleep(waitMs);
	const finding = readFinding(await settle(search(batch, key)), undefined);
	if (finding.kind === 'found') return finding.task;
	if (entry.accountId !== batch.accountId) {
		// The list of this account says nothing about what was paid in the other one.
		fail('submitUnknown', 'submittedWithOtherKey', {});
	}
	// It stays known as lost: its task may still appear, and another execution must not take that for its own.
	return undefined;
}

/**
 * The row asks for something else by now, and its earlier submit may have been paid for: its task is named, so that it isn't
 * lost. One look, which nobody waits for and which fails nothing.
 */
export async function nameLeftTasks(batch: Batch, { row, hash }: RowKey): Promise<void> {
	for (const left of batch.ledger.openHashes(row, hash)) {
		const searched = await settle(search(batch, { row, hash: left }));
		if (!searched.ok || searched.value.kind !== 'found') continue;
		batch.log({ event: 'left', row, taskId: searched.value.task.id });
	}
}

/** Until a minute has passed since the attempt. Whose clock says so depends on who still knows it. */
function waitBeforeSearchMs({ account, api }: Batch, entry: LedgerEntry): number {
	const { clock } = api;
	const own = account.submissions.get(entry.submissionIds.at(-1) ?? '');
	if (own) return (own.endedAt ?? own.sentAt) + SEARCH_AGAIN_AFTER_MS - clock.now();
	const theirNow = account.serviceClock.timeAt(clock.now(), clock);
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
	const found = await settle(findLostTask(batch, lost, listWith));
	keepServiceTimes(batch, { row, hash });
	if (!found.ok) throw found.error;
	const finding = found.value;
	if (finding.kind !== 'found') return finding;
	const { id } = finding.task;
	// Another row may have taken it a moment ago: then this one looks again, and two rows never have the same task.
	if (!account.submissions.claim(id, api.clock.now())) {
		return await search(batch, { row, hash }, listWith);
	}
	ledger.noteAccepted(row, hash, id);
	batch.log({ event: 'found', row, taskId: id });
	return finding;
}

/**
 * The list's answer may be the first that tells the service's time. The machine's clock may have been set by the time of
 * the next search, and what this process remembers be forgotten: so the submit is noted by the service's from now on.
 */
function keepServiceTimes({ ledger, account, api: { clock } }: Batch, { row, hash }: RowKey): void {
	const entry = ledger.find(row, hash);
	if (entry?.state !== 'sent' || !submissionOf(account, entry)) return;
	if (!account.serviceClock.isKnown(clock)) return;
	ledger.noteUnknown(row, hash, toLostTimes(account, entry, clock));
}

type ClearFinding = Exclude<Finding, { kind: 'several' }>;

/** Throws for a search that has failed, and for one that leaves it open. `said`: in the place of the submit's answer. */
function readFinding(searched: Settled<Finding>, said: string | undefined): ClearFinding {
	if (!searched.ok) throw toFailedSearch(searched.error, said);
	const finding = searched.value;
	if (finding.kind !== 'several') return finding;
	const { taskIds } = finding;
	const details = { candidateTaskIds: taskIds };
	return fail('submitUnknown', 'severalTasksOfSubmit', { said, taskIds }, { details });
}

function toFailedSearch(error: unknown, said: string | undefined): unknown {
	const cause = failureOf(error);
	if (!cause || cause.kind === 'stopped' || cause.kind === 'abandoned') return error;
	const { details, httpStatus } = cause;
	return new FailureError(
		makeFailure(
			'submitUnknown',
			'taskOfSubmitNotSearched',
			{ said, cause },
			{ details, httpStatus },
		),
	);
}
