import { Cancellation } from '../async/cancellation';
import { settle } from '../async/settle';
import { failureOf, withDetails } from '../wavespeed/failures';
import { type ApiContext, preparationBudget, type RetryBudget } from '../wavespeed/http/request';
import { getTask } from '../wavespeed/tasks/getTask';
import { quotePrice } from '../wavespeed/tasks/quotePrice';
import type { SubmitInput } from '../wavespeed/tasks/submitTask';
import { isPermanentFailure, phaseOf, type Task } from '../wavespeed/tasks/task';
import { toOutOfSight } from '../wavespeed/tasks/waitFailures';
import { continueWait } from '../wavespeed/tasks/waitForTask';
import { NOT_FOUND_GRACE_MS, startWait, type TaskWait } from '../wavespeed/tasks/waitStep';
import { FILE_READS } from '../account/processLimits';
import { AccountPlace, outageOf } from './accountPlace';
import type { Batch } from './context';
import type { LedgerEntry, RowKey } from './ledger';
import { completeInput, describeAsked, inspectRequest, type PreparedRequest } from './prepare';
import { quoteWithinLimits } from './price';
import { untilTasksReadable } from './readable';
import { nameLeftTasks } from './recovery/lostSubmit';
import type { VideoRequest } from './request';
import { findEarlierTask, type SubmittedTask } from './earlierTask';
import { type NewTask, type DueSubmit, submitNewTask } from './submit';

/** What a row does, from its checked parameters to its task. */

export interface WaitSettings {
	/** The longest wait for one task, ms. */
	timeoutMs: number;
	/** The shortest gap between two checks of one task, ms. */
	minGapMs: number;
}

/** The row's task has ended. */
export interface RowTask {
	submitted: SubmittedTask;
	task: Task;
}

/** Nothing more will be submitted in this run, so the wait for the row's task can go on elsewhere. */
export interface OpenRowTask {
	submitted: SubmittedTask;
	task: undefined;
	wait: TaskWait;
}

/** How a row waits if its wait goes on elsewhere as soon as all rows are submitted. */
export interface WaitUntilSubmitted {
	/** Its clock ends a sleep with a failure of the kind `parked` when that is so. */
	api: ApiContext;
	noteSubmitted(row: number): void;
}

/** A row that is to have its video. */
export interface RowPlan {
	row: number;
	request: VideoRequest;
	wait: WaitSettings;
	/** Undefined: it waits here to the end. */
	parking?: WaitUntilSubmitted;
}

/** Submits the row's task, or finds that of an earlier attempt, and waits for its end. */
export async function generateTask(batch: Batch, plan: RowPlan): Promise<RowTask | OpenRowTask> {
	const { row, request } = plan;
	return await batch.ledger.hold(row, batch.api.cancellation, async () => {
		const entry = await findEntry(batch, row, request);
		if (entry) {
			// With a place also for the search: the task that it looks for may be running, and counts for the account.
			const placed = withPlace(batch, outageOf(batch), async (place) => {
				return (await lookWhileWaiting(batch, plan, place)) ?? (await resumeTask(batch, plan));
			});
			const resumed = await settle(placed);
			if (!resumed.ok) throw withTaskOf(entry, resumed.error);
			if (resumed.value) return resumed.value;
		}
		const isProbe = await untilTasksReadable(batch);
		// Before a place is taken, so that a free place doesn't have to wait for an upload.
		const prepared = await prepareSubmission(batch, row, request);
		const submission = { ...prepared, isWaitedFor: !isProbe };
		const outage = isProbe ? undefined : outageOf(batch);
		return await withPlace(batch, outage, async (place) => {
			const submitted = await submitNewTask(batch, { ...submission, place });
			return await waitForSubmitted(batch, plan, submitted);
		});
	});
}

/** The row had no turn, since the tasks that hold the places can't be read; its own goes on all the same. */
const withTaskOf = ({ taskId }: LedgerEntry, error: unknown): unknown =>
	taskId !== undefined && failureOf(error)?.reason === 'tasksUnreadable'
		? toOutOfSight(error, taskId, 'unknown')
		: error;

/**
 * Takes a place. Where that takes long, the row's task may have ended meanwhile, and rows whose submits are refused may hold
 * all places for an hour: so it is looked at once without one. The task, if that has found its end; else the row has a place.
 */
async function lookWhileWaiting(
	batch: Batch,
	plan: RowPlan,
	place: AccountPlace,
): Promise<RowTask | undefined> {
	const { isFull } = batch.account.places;
	// In the line before it is looked for: its task counts for the account already, unlike those of new rows.
	const left = new Cancellation();
	const taking = settle(place.take(false, left));
	const taken = taking.then(() => undefined);
	const ended = isFull ? await Promise.race([lookAtEarlier(batch, plan), taken]) : undefined;
	if (ended) {
		// Out of the line, where it would take the turns of the run's other rows.
		left.cancel(new Error('the place is not needed'));
		await taking;
		return ended;
	}
	const outcome = await taking;
	if (!outcome.ok) throw outcome.error;
	return undefined;
}

/** The task that an earlier attempt has submitted, if it is known and has ended. */
async function lookAtEarlier(batch: Batch, plan: RowPlan): Promise<RowTask | undefined> {
	const { api, ledger } = batch;
	const key = toKey(plan.row, plan.request);
	if (ledger.find(key.row, key.hash)?.state !== 'accepted') return undefined;
	const earlier = await findEarlierTask(batch, key);
	const task = earlier && (await checkOnce(api, earlier, { onlyOnce: true }));
	return task && !isRetryable(task) ? noteEnd(batch, earlier, task) : undefined;
}

/** The end of the task that an earlier attempt has submitted; undefined if a submit is due. */
async function resumeTask(batch: Batch, plan: RowPlan): Promise<RowTask | OpenRowTask | undefined> {
	const earlier = await findEarlierTask(batch, toKey(plan.row, plan.request));
	if (!earlier) return undefined;
	const waited = await waitForSubmitted(batch, plan, earlier);
	if (!waited.task || !isRetryable(waited.task)) return waited;
	noteRefunded(batch, plan);
	return undefined;
}

/** As `generateTask` without the wait: the task as it is now. */
export async function submitRow(
	batch: Batch,
	row: number,
	request: VideoRequest,
): Promise<RowTask> {
	return await batch.ledger.hold(
		row,
		batch.api.cancellation,
		async () => await submitHeldRow(batch, row, request),
	);
}

async function submitHeldRow(batch: Batch, row: number, request: VideoRequest): Promise<RowTask> {
	await findEntry(batch, row, request);
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
			throw withKnown(toOutOfSight(looked.error, earlier.taskId, status), earlier);
		}
		if (!isRetryable(looked.value)) return { submitted: earlier, task: looked.value };
		noteRefunded(batch, { row, request });
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
): Promise<DueSubmit> {
	void nameLeftTasks(batch, toKey(row, request));
	await batch.account.submitBreaker.enter(batch.api);
	const prepared = await inspect(batch, request);
	const input = await completeInput(batch, prepared);
	return {
		...toKey(row, request),
		input,
		isSeedDrawn: request.seed === -1,
		isWaitedFor: false,
		asked: describeAsked(prepared),
		costUsd: await quoteWithinLimits(batch, toKey(row, request), request, input),
		webhookUrl: request.webhookUrl,
	};
}

/** Only so many files are open in the process, whatever the number of rows. */
const inspect = async ({ api }: Batch, request: VideoRequest): Promise<PreparedRequest> =>
	await FILE_READS.run(api.cancellation, async () => await inspectRequest(request));

const toKey = (row: number, { fingerprint }: VideoRequest): RowKey => ({ row, hash: fingerprint });

/** What an earlier attempt has noted for the row, also if the workflow asked for the same in other words then. */
async function findEntry(
	batch: Batch,
	row: number,
	request: VideoRequest,
): Promise<LedgerEntry | undefined> {
	const { ledger } = batch;
	const { fingerprint } = request;
	if (ledger.hasEarlier(row, fingerprint)) {
		ledger.goOn(row, fingerprint, describeAsked(await inspect(batch, request)));
	}
	return ledger.find(row, fingerprint);
}

/**
 * The node's own limit first: who waits for it must not hold one of the account's places, which the work takes when all
 * that the node itself limits is over. It is given back at the end.
 */
async function withPlace<T>(
	batch: Batch,
	outage: Cancellation | undefined,
	work: (place: AccountPlace) => Promise<T>,
): Promise<T> {
	const place = new AccountPlace(batch);
	const workWithPlace = async (): Promise<T> => await work(place).finally(() => place.giveBack());
	return await batch.places.run(batch.api.cancellation, workWithPlace, outage);
}

async function waitForSubmitted(
	batch: Batch,
	{ row, wait: settings, parking }: RowPlan,
	submitted: SubmittedTask,
): Promise<RowTask | OpenRowTask> {
	const { api } = batch;
	const { taskId, submittedAt, isResumed } = submitted;
	const wait = startWait(
		taskId,
		{
			...settings,
			startedAt: submittedAt,
			firstGapMs: isResumed ? 0 : settings.minGapMs,
			lastStatus: submitted.task?.status,
		},
		api.clock.now(),
	);
	// One that has failed for a passing reason is sent again, which only this run may do.
	const ended = parking && isResumed ? await checkOnce(api, wait, { maxAttempts: 2 }) : undefined;
	if (ended) return noteEnd(batch, submitted, ended);
	parking?.noteSubmitted(row);
	const waited = await settle(continueWait(parking?.api ?? api, wait));
	if (waited.ok) return noteEnd(batch, submitted, waited.value);
	const failure = failureOf(waited.error);
	if (failure?.kind !== 'parked') throw withKnown(waited.error, submitted);
	const status = failure.details.status ?? wait.status;
	return { submitted, task: undefined, wait: { ...wait, status } };
}

const FIRST_CHECK_MS = 20_000;

/** The task if it has ended; undefined also if that can't be told now. */
async function checkOnce(
	api: ApiContext,
	{ taskId }: Pick<TaskWait, 'taskId'>,
	limits: Pick<RetryBudget, 'maxAttempts' | 'onlyOnce'>,
): Promise<Task | undefined> {
	const retryBudget = { deadline: api.clock.now() + FIRST_CHECK_MS, ...limits };
	const checked = await settle(getTask(api, taskId, retryBudget));
	return checked.ok && phaseOf(checked.value) !== 'running' ? checked.value : undefined;
}

const withKnown = (error: unknown, { taskId, costUsd }: SubmittedTask): unknown =>
	withDetails(error, { taskId, ...(costUsd === undefined ? {} : { costUsd }) });

/** The retry of a task that failed for a passing reason is wanted: the service refunds failed tasks. */
const isRetryable = (task: Task): boolean =>
	phaseOf(task) === 'failed' && !isPermanentFailure(task);

/** Docs, Refund policy: a failed task is refunded, so its price no longer counts for the run. */
const noteRefunded = (
	{ ledger }: Batch,
	{ row, request }: Pick<RowPlan, 'row' | 'request'>,
): void => ledger.noteUnpaid(row, request.fingerprint);

/** Docs, Error codes: the service could not load the picture or the voice. An upload that is gone must not be used again. */
const MEDIA_NOT_REACHABLE = 1402;

function noteEnd({ account, api }: Batch, submitted: SubmittedTask, task: Task): RowTask {
	account.taskEndedAt = api.clock.now();
	if (task.errorCode === MEDIA_NOT_REACHABLE) {
		account.uploads.forget(submitted.input.image);
		account.uploads.forget(submitted.input.audio);
	}
	return { submitted, task };
}
