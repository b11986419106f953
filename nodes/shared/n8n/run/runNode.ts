import type { IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';

import { runConcurrently } from '../../async/runConcurrently';
import { failureOf, withDetails } from '../../wavespeed/failures';
import {
	describeExpiry,
	describeFailedParking,
	describeLongRecordings,
	describePace,
} from '../errors/messages/hints';
import { showHint } from './hints';
import { type FailedRow, toErrorItem, toNodeError } from '../errors/nodeErrors';
import { readParameters } from '../input/parameters';
import { makeState, park } from '../waiting/park';
import type { ParkedRow, ParkedTask, WaitState } from '../waiting/state';
import { makeResultItem, originOf, readCost } from '../output/resultItem';
import type { Task } from '../../wavespeed/tasks/task';
import { continueWait } from '../../wavespeed/tasks/waitForTask';
import { makeAbandoned, MOST_CONCURRENT_ROWS, openRun, type Run } from './run';
import { settle, type Settled } from '../../async/settle';
import { nameRun, openLedgerStore, withLiveLedger } from './storedContext';
import { Ledger, type LedgerByRow } from '../../batch/ledger';
import { addTaskFacts, describeEnd, logTasksLeft } from './taskFacts';
import { orderRows } from '../../batch/rowOrder';

/** A row of a run that is to be parked: its task, and what it is if it has ended by now. */
export interface SubmittedRow {
	parked: ParkedTask;
	ended: Task | undefined;
}

/** The row's items, or the task that it waits for elsewhere. */
export type RowResult = INodeExecutionData[] | SubmittedRow;

/** `holdsNoPlace`: it only waits for a task that there is, and would keep rows that could submit from their turn. */
export interface RowWork {
	(): Promise<RowResult>;
	holdsNoPlace?: boolean;
}

/** What a run has to know of an operation. */
export interface RunnableOperation {
	/** Its rows hold the account's places until their tasks end: so many of them are worked on side by side, and not all. */
	holdsPlaces: boolean;
	/** Reads and checks a row without sending anything; the function returned does the row's work. */
	plan(run: Run, row: number): Promise<RowWork>;
}

/**
 * The one place that goes over the rows: all are checked before the first is worked on, then they run side by side,
 * and the items come out in the order of the rows. Throws an n8n error in stop mode; with `continueOnFail` a failed
 * row becomes an error item and the others are not touched.
 */
export async function runNode(
	ctx: IExecuteFunctions,
	operation: RunnableOperation,
	continueOnFail: boolean,
): Promise<INodeExecutionData[]> {
	return await withLiveLedger(ctx, async () => await runOnce(ctx, operation, continueOnFail));
}

async function runOnce(
	ctx: IExecuteFunctions,
	operation: RunnableOperation,
	continueOnFail: boolean,
): Promise<INodeExecutionData[]> {
	const rowCount = ctx.getInputData().length;
	const opened = await settle(openRun(ctx, operation.holdsPlaces));
	if (!opened.ok) {
		// Nothing works without the credential, so every row fails for the same reason.
		// An earlier try may have submitted, and its tasks must be named all the same.
		const store = openLedgerStore(ctx);
		const ledger = new Ledger(store, nameRun(ctx, store));
		const { error } = opened;
		if (!continueOnFail) {
			throw ledger.entriesOfRun().length > 0
				? describeEnd(ctx, ledger, { row: 0, error }, [])
				: toNodeError(ctx.getNode(), { row: 0, error: addTaskFacts(ledger.byRow(), 0, error) }, 1);
		}
		const byRow = ledger.byRow();
		return Array.from({ length: rowCount }, (_, row) =>
			toErrorItem(ctx, { row, error: addTaskFacts(byRow, row, error) }, false),
		);
	}
	const run = opened.value;
	return await workOnRows(run, operation, continueOnFail).finally(run.stopListening);
}

async function workOnRows(
	run: Run,
	operation: RunnableOperation,
	continueOnFail: boolean,
): Promise<INodeExecutionData[]> {
	const { ctx } = run;
	const rowCount = run.items.length;
	const plans: Settled<RowWork>[] = [];
	for (let row = 0; row < rowCount; row += 1) {
		const planned = await settle(operation.plan(run, row));
		// In stop mode the first bad row ends the run while nothing has been sent.
		if (!planned.ok && !continueOnFail)
			throw describeEnd(ctx, run.batch.ledger, { row, error: planned.error }, []);
		plans.push(planned);
	}

	const submitted = await workOnAll(
		run,
		continueOnFail,
		async (row) => await workOnRow(run, row, plans[row]),
		(row) => holdsNoPlace(plans[row]),
	);
	const lengths = describeLongRecordings(run.recordings);
	if (lengths) showHint(ctx, lengths);
	const parked = await parkIfOpen(run, submitted);
	if (parked) return parked;
	const finished = await workOnAll(
		run,
		continueOnFail,
		async (row) => await finishRow(run, submitted[row]),
	);
	const byRow = run.batch.ledger.byRow();
	const items = finished.flatMap((outcome, row) =>
		outcome.ok ? outcome.value : [toFailedItem(run, byRow, { row, error: outcome.error })],
	);
	const taskCount = run.batch.ledger.entriesOfRun().length;
	const pace = operation.holdsPlaces ? describePace(taskCount, run.pace) : undefined;
	for (const hint of [pace, describeExpiry(items)]) if (hint) showHint(ctx, hint);
	return items;
}

/** Does `work` for all rows. Throws the error of the run where one of them ends it. */
async function workOnAll<T extends RowResult>(
	run: Run,
	continueOnFail: boolean,
	work: (row: number) => Promise<T>,
	isUnlimited: (row: number) => boolean = () => false,
): Promise<Settled<T>[]> {
	const { ledger } = run.batch;
	let firstFailure: FailedRow | undefined;
	const onFailure = (row: number, error: unknown): void => {
		firstFailure ??= { row, error };
		if (!continueOnFail) run.cancellation.cancel(makeAbandoned());
	};
	const order = orderRows(ledger, run.items.length);
	const limited = order.filter((row) => !isUnlimited(row));
	const [outcomes, others] = await Promise.all([
		runConcurrently(limited, run.rowsAtOnce, work, onFailure),
		runConcurrently(order.filter(isUnlimited), MOST_CONCURRENT_ROWS, work, onFailure),
	]);
	// Each has the rows of the other as holes.
	Object.assign(outcomes, others);
	const stopped = failureOf(run.cancellation.reason())?.kind === 'stopped';
	if (stopped) logTasksLeft(run);
	const endsRun = firstFailure !== undefined && (!continueOnFail || stopped);
	ledger.noteUndelivered(
		new Set(outcomes.flatMap((outcome, row) => (endsRun || !outcome.ok ? [row] : []))),
	);
	if (firstFailure && endsRun) {
		const { row } = firstFailure;
		throw describeEnd(run.ctx, ledger, { row, error: firstFailure.error }, outcomes);
	}
	return outcomes;
}

async function workOnRow(
	run: Run,
	row: number,
	planned: Settled<RowWork> | undefined,
): Promise<RowResult> {
	run.batch.budget.begin(row);
	const work = async (): Promise<RowResult> => {
		run.cancellation.throwIfCancelled();
		if (planned?.ok) return await planned.value();
		throw planned?.error;
	};
	// Later rows wait for the decision whether this row's price fits; it must come also if the row fails.
	return await work().finally(() => {
		run.batch.budget.skip(row);
		run.parking?.noteSubmitted(row);
	});
}

const holdsNoPlace = (planned: Settled<RowWork> | undefined): boolean =>
	planned?.ok === true && planned.value.holdsNoPlace === true;

const isSubmitted = (result: RowResult): result is SubmittedRow => 'parked' in result;

const toFailedItem = (
	run: Run,
	ledger: LedgerByRow,
	{ row, error }: FailedRow,
): INodeExecutionData =>
	toErrorItem(run.ctx, { row, error: addTaskFacts(ledger, row, error) }, keepsFields(run.ctx, row));

/** Parks the run if a row still waits; undefined if none does, or if n8n can't: then the wait goes on here. */
async function parkIfOpen(
	run: Run,
	outcomes: Settled<RowResult>[],
): Promise<INodeExecutionData[] | undefined> {
	const submitted = outcomes.flatMap((outcome) =>
		outcome.ok && isSubmitted(outcome.value) ? [outcome.value] : [],
	);
	const hasOpen = submitted.some(({ ended }) => ended === undefined);
	// After Stop nothing is parked: the wait ends here, and the log names the tasks.
	if (!hasOpen || run.cancellation.reason()) return undefined;
	const byRow = run.batch.ledger.byRow();
	const rows = outcomes.map((outcome, row): ParkedRow => {
		if (!outcome.ok) {
			return { row, items: [toFailedItem(run, byRow, { row, error: outcome.error })] };
		}
		return isSubmitted(outcome.value) ? outcome.value.parked : { row, items: outcome.value };
	});
	const ends: WaitState['ends'] = new Map(
		submitted.flatMap(({ parked, ended }) => (ended ? [[parked.row, { task: ended }]] : [])),
	);
	const parked = await park(run.ctx, makeState(run.ctx, rows, ends), run.parking?.callbacks ?? 0);
	if (parked.ok) return parked.items;
	const problem = parked.error instanceof Error ? parked.error.message : String(parked.error);
	run.hintOnce(describeFailedParking(problem));
	return undefined;
}

/** The items of a row whose task has ended, or ends while the execution runs. */
async function finishRow(
	run: Run,
	outcome: Settled<RowResult> | undefined,
): Promise<INodeExecutionData[]> {
	if (!outcome?.ok) throw outcome?.error;
	if (!isSubmitted(outcome.value)) return outcome.value;
	const { parked, ended } = outcome.value;
	const { row, settings, asked, wait } = parked;
	const costUsd = readCost(asked);
	const waited = ended
		? ({ ok: true, value: ended } as const)
		: await settle(continueWait(run.api, wait));
	if (!waited.ok) throw withDetails(waited.error, costUsd === undefined ? {} : { costUsd });
	const inputItem = run.items[row];
	return [
		await makeResultItem(run.download, {
			...{ row, task: waited.value, settings, asked, inputItem },
			origin: originOf(asked),
		}),
	];
}

function keepsFields(ctx: IExecuteFunctions, row: number): boolean {
	try {
		return readParameters(ctx, row).options.flag('includeInputFields');
	} catch {
		return false;
	}
}
