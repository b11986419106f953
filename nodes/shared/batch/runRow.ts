import { settle } from '../async/settle';
import { failureOf, withDetails } from '../wavespeed/failures';
import { type ApiContext, preparationBudget } from '../wavespeed/http/request';
import { getTask } from '../wavespeed/tasks/getTask';
import { quotePrice } from '../wavespeed/tasks/quotePrice';
import type { SubmitInput } from '../wavespeed/tasks/submitTask';
import { isPermanentFailure, phaseOf, type Task } from '../wavespeed/tasks/task';
import { describeLostSight, NOT_FOUND_GRACE_MS, waitForTask } from '../wavespeed/tasks/waitForTask';
import { FILE_READS } from '../account/processLimits';
import type { Batch } from './context';
import type { LedgerEntry } from './ledger';
import { completeInput, inspectRequest, type PreparedRequest } from './prepare';
import { quoteWithinLimits } from './price';
import type { RowKey } from './recovery/lostSubmit';
import type { VideoRequest } from './request';
import {
	findEarlierTask,
	type NewTask,
	type Submission,
	type SubmittedTask,
	submitNewTask,
} from './submit';

/** What a row does, from its checked parameters to its task. */

export interface WaitSettings {
	/** The longest wait for one task, ms. */
	timeoutMs: number;
	/** The shortest gap between two checks of one task, ms. */
	minGapMs: number;
}

export interface RowTask {
	submitted: SubmittedTask;
	task: Task;
}

/** All rows are submitted, so the wait for this one goes on in n8n's database. */
export interface ParkedTask {
	submitted: SubmittedTask;
	task: undefined;
}

/** Callback mode: how a row waits until all rows are submitted. */
export interface WaitUntilParked {
	api: ApiContext;
	noteSubmitted(row: number): void;
}

/** Submits the row's task, or finds that of an earlier attempt, and waits for its end. */
export async function generateTask(
	batch: Batch,
	row: number,
	request: VideoRequest,
	settings: WaitSettings,
): Promise<RowTask>;
export async function generateTask(
	batch: Batch,
	row: number,
	request: VideoRequest,
	settings: WaitSettings,
	parking: WaitUntilParked | undefined,
): Promise<RowTask | ParkedTask>;
export async function generateTask(
	batch: Batch,
	row: number,
	request: VideoRequest,
	settings: WaitSettings,
	parking?: WaitUntilParked,
): Promise<RowTask | ParkedTask> {
	if (findEntry(batch, row, request)) {
		// With a place also for the search: the task that it looks for may be running, and counts for the account.
		const resumed = await withPlace(
			batch,
			async () => await resumeTask(batch, row, request, settings, parking),
		);
		if (resumed) return resumed;
	}
	// Before a place is taken, so that a free place doesn't have to wait for an upload.
	const submission = await prepareSubmission(batch, row, request);
	return await withPlace(batch, async () => {
		const submitted = await submitNewTask(batch, submission);
		return await waitForSubmitted(batch, row, submitted, settings, parking);
	});
}

/** The end of the task that an earlier attempt has submitted; undefined if a submit is due. */
async function resumeTask(
	batch: Batch,
	row: number,
	request: VideoRequest,
	settings: WaitSettings,
	parking?: WaitUntilParked,
): Promise<RowTask | ParkedTask | undefined> {
	const earlier = await findEarlierTask(batch, toKey(row, request));
	if (!earlier) return undefined;
	const waited = await waitForSubmitted(batch, row, earlier, settings, parking);
	if (!waited.task || !isRetryable(waited.task)) return waited;
	forgetCost(batch, earlier);
	return undefined;
}

/** As `generateTask` without the wait: the task as it is now. */
export async function submitRow(
	batch: Batch,
	row: number,
	request: VideoRequest,
): Promise<RowTask> {
	findEntry(batch, row, request);
	const earlier = await findEarlierTask(batch, toKey(row, request));
	if (earlier) {
		const looked = await settle(
			getTask(batch.api, earlier.taskId, {
				...preparationBudget(batch.api.clock),
				notFoundUntil: earlier.submittedAt + NOT_FOUND_GRACE_MS,
			}),
		);
		if (!looked.ok) {
			const status = earlier.task?.status ?? 'unknown';
			throw withKnown(describeLostSight(looked.error, earlier.taskId, status), earlier);
		}
		if (!isRetryable(looked.value)) return { submitted: earlier, task: looked.value };
		forgetCost(batch, earlier);
	}
	const submission = await prepareSubmission(batch, row, request);
	const submitted: NewTask = await submitNewTask(batch, submission);
	return { submitted, task: submitted.task };
}

/** What the row would cost, USD, and what would be sent. Submits nothing. */
export async function quoteRow(
	batch: Batch,
	request: VideoRequest,
): Promise<{ input: SubmitInput; costUsd: number }> {
	const input = await completeInput(batch, await inspect(batch, request));
	return { input, costUsd: await quotePrice(batch.api, input) };
}

/** Nothing of a row is sent before all that can be checked is checked, and before the service is there. */
async function prepareSubmission(
	batch: Batch,
	row: number,
	request: VideoRequest,
): Promise<Submission> {
	await batch.account.submitBreaker.enter(batch.api);
	const input = await completeInput(batch, await inspect(batch, request));
	return {
		...toKey(row, request),
		input,
		isSeedDrawn: request.seed === -1,
		costUsd: await quoteWithinLimits(batch, row, request, input),
		webhookUrl: request.webhookUrl,
	};
}

/** Only so many files are open in the process, whatever the number of rows. */
const inspect = async ({ api }: Batch, request: VideoRequest): Promise<PreparedRequest> =>
	await FILE_READS.run(api.cancellation, async () => await inspectRequest(request));

const toKey = (row: number, { fingerprint }: VideoRequest): RowKey => ({ row, hash: fingerprint });

/** What an earlier attempt has noted for the row. */
function findEntry(batch: Batch, row: number, request: VideoRequest): LedgerEntry | undefined {
	const { ledger } = batch;
	if (batch.isTool) ledger.takeOver(row, request.fingerprint);
	return ledger.find(row, request.fingerprint);
}

/** The node's own limit first: who waits for it must not hold one of the account's places. */
const withPlace = async <T>(
	{ places, account, api: { cancellation } }: Batch,
	work: () => Promise<T>,
): Promise<T> =>
	await places.run(cancellation, async () => await account.places.run(cancellation, work));

async function waitForSubmitted(
	batch: Batch,
	row: number,
	submitted: SubmittedTask,
	settings: WaitSettings,
	parking: WaitUntilParked | undefined,
): Promise<RowTask | ParkedTask> {
	parking?.noteSubmitted(row);
	// Its callback goes to the execution that has submitted it, and Retry of an execution makes a new one.
	const isCalledBack = parking !== undefined && !submitted.isResumed;
	const waited = await settle(
		waitForTask(isCalledBack ? parking.api : batch.api, submitted.taskId, {
			...settings,
			startedAt: submitted.submittedAt,
			firstGapMs: submitted.isResumed ? 0 : settings.minGapMs,
			lastStatus: submitted.task?.status,
		}),
	);
	if (waited.ok) {
		forgetUnreachable(batch, submitted, waited.value);
		return { submitted, task: waited.value };
	}
	if (failureOf(waited.error)?.kind === 'parked') return { submitted, task: undefined };
	throw withKnown(waited.error, submitted);
}

const withKnown = (error: unknown, { taskId, costUsd }: SubmittedTask): unknown =>
	withDetails(error, { taskId, ...(costUsd === undefined ? {} : { costUsd }) });

/** The retry of a task that failed for a passing reason is wanted: the service refunds failed tasks. */
const isRetryable = (task: Task): boolean =>
	phaseOf(task) === 'failed' && !isPermanentFailure(task);

/** Docs, Refund policy: a failed task is refunded, so its price no longer counts for the run. */
function forgetCost(batch: Batch, failed: SubmittedTask): void {
	if (failed.costUsd !== undefined) batch.budget.release(failed.costUsd);
}

/** Docs, Error codes: the service could not load the picture or the voice. An upload that is gone must not be used again. */
const MEDIA_NOT_REACHABLE = 1402;

function forgetUnreachable({ account }: Batch, { input }: SubmittedTask, task: Task): void {
	if (task.errorCode !== MEDIA_NOT_REACHABLE) return;
	account.uploads.forget(input.image);
	account.uploads.forget(input.audio);
}
