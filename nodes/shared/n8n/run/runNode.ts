import type { IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';

import { runConcurrently } from '../../async/runConcurrently';
import { failureOf, FailureError } from '../../wavespeed/failures';
import { describeExpiry, describePace, showHint } from './hints';
import { type FailedRow, toErrorItem, toNodeError } from '../errors/nodeErrors';
import { readParameters } from '../input/parameters';
import { type OpenTask, park, type ParkedRow } from '../waiting/parking';
import { ABANDONED, openRun, type Run } from './run';
import { settle, type Settled } from '../../async/settle';
import { addTaskFacts, describeEnd, logTasksLeft } from './taskFacts';
import { orderRows } from '../../batch/rowOrder';

/** The row's items, or the task that it waits for in n8n's database. */
export type RowResult = INodeExecutionData[] | { open: OpenTask };

type RowWork = () => Promise<RowResult>;
type Plan = (run: Run, row: number) => Promise<RowWork>;

/**
 * The one place that goes over the rows: all are checked before the first is worked on, then they run side by side,
 * and the items come out in the order of the rows. Throws an n8n error in stop mode; with `continueOnFail` a failed
 * row becomes an error item and the others are not touched.
 */
export async function runNode(
	ctx: IExecuteFunctions,
	operation: unknown,
	plan: Plan,
	continueOnFail: boolean,
): Promise<INodeExecutionData[]> {
	const rowCount = ctx.getInputData().length;
	const opened = await settle(openRun(ctx, operation));
	if (!opened.ok) {
		// Nothing works without the credential, so every row fails for the same reason.
		const rows = Array.from({ length: rowCount }, (_, row) => ({ row, error: opened.error }));
		if (!continueOnFail) throw toNodeError(ctx.getNode(), { row: 0, error: opened.error }, 1);
		return rows.map((failed) => toErrorItem(ctx, failed, false));
	}
	const run = opened.value;
	return await workOnRows(run, operation, plan, continueOnFail).finally(run.stopListening);
}

async function workOnRows(
	run: Run,
	operation: unknown,
	plan: Plan,
	continueOnFail: boolean,
): Promise<INodeExecutionData[]> {
	const { ctx } = run;
	const rowCount = run.items.length;
	const plans: Settled<RowWork>[] = [];
	for (let row = 0; row < rowCount; row += 1) {
		const planned = await settle(plan(run, row));
		// In stop mode the first bad row ends the run while nothing has been sent.
		if (!planned.ok && !continueOnFail)
			throw toNodeError(ctx.getNode(), { row, error: planned.error }, rowCount);
		plans.push(planned);
	}

	const { ledger } = run.batch;
	let firstFailure: FailedRow | undefined;
	const outcomes = await runConcurrently(
		orderRows(ledger, rowCount),
		run.rowsAtOnce,
		async (row) => await workOnRow(run, row, plans[row]),
		(row, error) => {
			firstFailure ??= { row, error };
			if (!continueOnFail) run.cancellation.cancel(new FailureError(ABANDONED));
		},
	);
	const stopped = failureOf(run.cancellation.reason())?.kind === 'stopped';
	if (stopped) logTasksLeft(run);
	const endsRun = firstFailure !== undefined && (!continueOnFail || stopped);
	ledger.noteUndelivered(
		new Set(outcomes.flatMap((outcome, row) => (endsRun || !outcome.ok ? [row] : []))),
	);
	if (firstFailure && endsRun) {
		const { row } = firstFailure;
		throw describeEnd(run, { row, error: addTaskFacts(run, row, firstFailure.error) }, outcomes);
	}

	const rows = outcomes.map((outcome, row): ParkedRow => {
		if (outcome.ok && 'open' in outcome.value) return { row, state: 'open', ...outcome.value.open };
		const items = outcome.ok
			? (outcome.value as INodeExecutionData[])
			: [
					toErrorItem(
						ctx,
						{ row, error: addTaskFacts(run, row, outcome.error) },
						keepsFields(ctx, row),
					),
				];
		return { row, state: 'done', items };
	});
	if (rows.some(({ state }) => state === 'open')) return await park(ctx, rows);
	const items = rows.flatMap((row) => (row.state === 'done' ? row.items : []));
	const pace = operation === 'generate' ? describePace(run) : undefined;
	for (const hint of [pace, describeExpiry(items)]) if (hint) showHint(ctx, hint);
	return items;
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

function keepsFields(ctx: IExecuteFunctions, row: number): boolean {
	try {
		return readParameters(ctx, row).options.flag('includeInputFields');
	} catch {
		return false;
	}
}
