import { type ApiContext, preparationBudget } from '../wavespeed/http/request';
import { failureOf, withDetails } from '../wavespeed/failures';
import { isPermanentFailure, phaseOf, type Task } from '../wavespeed/tasks/task';
import { describeLostSight, NOT_FOUND_GRACE_MS, waitForTask } from '../wavespeed/tasks/waitForTask';
import type { Batch } from './context';
import { findEarlierTask, type NewTask, type SubmittedTask, submitNewTask } from './submit';
import { completeInput, type PreparedRequest } from './prepare';
import { getTask } from '../wavespeed/tasks/getTask';
import { quotePrice } from '../wavespeed/tasks/quotePrice';
import type { SubmitInput } from '../wavespeed/tasks/submitTask';
import { settle } from '../async/settle';
import { quoteWithinLimits } from './price';

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
	ready: PreparedRequest,
	settings: WaitSettings,
): Promise<RowTask>;
export async function generateTask(
	batch: Batch,
	row: number,
	ready: PreparedRequest,
	settings: WaitSettings,
	parking: WaitUntilParked | undefined,
): Promise<RowTask | ParkedTask>;
export async function generateTask(
	batch: Batch,
	row: number,
	ready: PreparedRequest,
	settings: WaitSettings,
	parking?: WaitUntilParked,
): Promise<RowTask | ParkedTask> {
	if (batch.ledger.find(row, ready.hash)) {
		// With a slot also for the search: the task that it looks for may be running, and counts for the account.
		const resumed = await withSlot(
			batch,
			async () => await resumeTask(batch, row, ready, settings, parking),
		);
		if (resumed) return resumed;
	}
	// Before the slot is taken, so that a free slot doesn't have to wait for an upload.
	const { input, costUsd } = await prepareSubmit(batch, row, ready);
	return await withSlot(batch, async () => {
		const submitted = await submitNewTask(batch, row, ready, input, costUsd);
		return await waitForSubmitted(batch, row, submitted, settings, parking);
	});
}

/** The end of the task that an earlier attempt has submitted; undefined if a submit is due. */
async function resumeTask(
	batch: Batch,
	row: number,
	ready: PreparedRequest,
	settings: WaitSettings,
	parking?: WaitUntilParked,
): Promise<RowTask | ParkedTask | undefined> {
	const earlier = await findEarlierTask(batch, row, ready);
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
	ready: PreparedRequest,
): Promise<RowTask> {
	const earlier = await findEarlierTask(batch, row, ready);
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
	const { input, costUsd } = await prepareSubmit(batch, row, ready);
	const submitted: NewTask = await submitNewTask(batch, row, ready, input, costUsd);
	return { submitted, task: submitted.task };
}

/** What the row would cost, USD, and what would be sent. Submits nothing. */
export async function quoteRow(
	batch: Batch,
	ready: PreparedRequest,
): Promise<{ input: SubmitInput; costUsd: number }> {
	const input = await completeInput(batch, ready);
	return { input, costUsd: await quotePrice(batch.api, input) };
}

async function prepareSubmit(
	batch: Batch,
	row: number,
	ready: PreparedRequest,
): Promise<{ input: SubmitInput; costUsd: number | undefined }> {
	const input = await completeInput(batch, ready);
	return { input, costUsd: await quoteWithinLimits(batch, row, ready.ask, input) };
}

async function withSlot<T>(batch: Batch, work: () => Promise<T>): Promise<T> {
	const giveBack = await batch.slots.take();
	return await work().finally(giveBack);
}

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
	if (waited.ok) return { submitted, task: waited.value };
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
