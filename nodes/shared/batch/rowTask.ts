import { type ApiContext, preparationPatience } from '../wavespeed/apiRead';
import { getTask, quotePrice, type SubmitInput } from '../wavespeed/client';
import { failureOf, settle, withDetails } from '../wavespeed/failures';
import { isLastingFailure, phaseOf, type Task } from '../wavespeed/task';
import { describeLostSight, NOT_FOUND_GRACE_MS, waitForTask } from '../wavespeed/waitForTask';
import type { Batch } from './batch';
import { findEarlierTask, type NewTask, type PlacedTask, submitNewTask } from './placeTask';
import { completeInput, quoteWithinLimits, type ReadyAsk } from './prepare';

/** What a row does, from its checked parameters to its task. */

export interface WaitSettings {
	/** The longest wait for one task, ms. */
	timeoutMs: number;
	/** The shortest gap between two checks of one task, ms. */
	minGapMs: number;
}

export interface RowTask {
	placed: PlacedTask;
	task: Task;
}

/** All rows are submitted, so the wait for this one goes on in n8n's database. */
export interface ParkedTask {
	placed: PlacedTask;
	task: undefined;
}

/** Callback mode: how a row waits until all rows are submitted. */
export interface WaitUntilParked {
	api: ApiContext;
	notePlaced(row: number): void;
}

/** Submits the row's task, or finds that of an earlier attempt, and waits for its end. */
export async function generateTask(
	batch: Batch,
	row: number,
	ready: ReadyAsk,
	settings: WaitSettings,
): Promise<RowTask>;
export async function generateTask(
	batch: Batch,
	row: number,
	ready: ReadyAsk,
	settings: WaitSettings,
	parking: WaitUntilParked | undefined,
): Promise<RowTask | ParkedTask>;
export async function generateTask(
	batch: Batch,
	row: number,
	ready: ReadyAsk,
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
		const placed = await submitNewTask(batch, row, ready, input, costUsd);
		return await waitForPlaced(batch, row, placed, settings, parking);
	});
}

/** The end of the task that an earlier attempt has submitted; undefined if a submit is due. */
async function resumeTask(
	batch: Batch,
	row: number,
	ready: ReadyAsk,
	settings: WaitSettings,
	parking?: WaitUntilParked,
): Promise<RowTask | ParkedTask | undefined> {
	const earlier = await findEarlierTask(batch, row, ready);
	if (!earlier) return undefined;
	const waited = await waitForPlaced(batch, row, earlier, settings, parking);
	if (!waited.task || !canBeSentAgain(waited.task)) return waited;
	forgetCost(batch, earlier);
	return undefined;
}

/** As `generateTask` without the wait: the task as it is now. */
export async function submitRow(batch: Batch, row: number, ready: ReadyAsk): Promise<RowTask> {
	const earlier = await findEarlierTask(batch, row, ready);
	if (earlier) {
		const looked = await settle(
			getTask(batch.api, earlier.taskId, {
				...preparationPatience(batch.api.clock),
				notFoundUntil: earlier.submittedAt + NOT_FOUND_GRACE_MS,
			}),
		);
		if (!looked.ok) {
			const status = earlier.task?.status ?? 'unknown';
			throw withKnown(describeLostSight(looked.error, earlier.taskId, status), earlier);
		}
		if (!canBeSentAgain(looked.value)) return { placed: earlier, task: looked.value };
		forgetCost(batch, earlier);
	}
	const { input, costUsd } = await prepareSubmit(batch, row, ready);
	const placed: NewTask = await submitNewTask(batch, row, ready, input, costUsd);
	return { placed, task: placed.task };
}

/** What the row would cost, USD, and what would be sent. Submits nothing. */
export async function quoteRow(
	batch: Batch,
	ready: ReadyAsk,
): Promise<{ input: SubmitInput; costUsd: number }> {
	const input = await completeInput(batch, ready);
	return { input, costUsd: await quotePrice(batch.api, input) };
}

async function prepareSubmit(
	batch: Batch,
	row: number,
	ready: ReadyAsk,
): Promise<{ input: SubmitInput; costUsd: number | undefined }> {
	const input = await completeInput(batch, ready);
	return { input, costUsd: await quoteWithinLimits(batch, row, ready.ask, input) };
}

async function withSlot<T>(batch: Batch, work: () => Promise<T>): Promise<T> {
	const giveBack = await batch.slots.take();
	return await work().finally(giveBack);
}

async function waitForPlaced(
	batch: Batch,
	row: number,
	placed: PlacedTask,
	settings: WaitSettings,
	parking: WaitUntilParked | undefined,
): Promise<RowTask | ParkedTask> {
	parking?.notePlaced(row);
	// Its callback goes to the execution that has submitted it, and Retry of an execution makes a new one.
	const isCalledBack = parking !== undefined && !placed.isResumed;
	const waited = await settle(
		waitForTask(isCalledBack ? parking.api : batch.api, placed.taskId, {
			...settings,
			startedAt: placed.submittedAt,
			firstGapMs: placed.isResumed ? 0 : settings.minGapMs,
			lastStatus: placed.task?.status,
		}),
	);
	if (waited.ok) return { placed, task: waited.value };
	if (failureOf(waited.error)?.kind === 'parked') return { placed, task: undefined };
	throw withKnown(waited.error, placed);
}

const withKnown = (error: unknown, { taskId, costUsd }: PlacedTask): unknown =>
	withDetails(error, { taskId, ...(costUsd === undefined ? {} : { costUsd }) });

/** The retry of a task that failed for a passing reason is wanted: the service refunds failed tasks. */
const canBeSentAgain = (task: Task): boolean =>
	phaseOf(task) === 'failed' && !isLastingFailure(task);

/** Docs, Refund policy: a failed task is refunded, so its price no longer counts for the run. */
function forgetCost(batch: Batch, failed: PlacedTask): void {
	if (failed.costUsd !== undefined) batch.budget.release(failed.costUsd);
}
