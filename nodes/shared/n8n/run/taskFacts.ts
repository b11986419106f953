import type { IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';

import type { Settled } from '../../async/settle';
import { type Ledger, type LedgerByRow, taskIdsOf } from '../../batch/ledger';
import { FailureError, failureOf, type Paid } from '../../wavespeed/failures';
import {
	CALLED_ANEW,
	describeOtherRows,
	describeTasksLeft,
	type TaskOfRow,
} from '../errors/messages/run';
import { type FailedRow, toFailure, toRunError } from '../errors/nodeErrors';
import { taskIdOfItem } from '../output/rowFields';
import type { Run } from './run';

/** What a run knows of its tasks when it fails, so that none is lost and nothing untrue is said about money. */

/** As `RowResult`. */
type ResultOfRow = INodeExecutionData[] | { parked: { wait: { taskId: string } } };

/**
 * The failure of a row with what the ledger knows of the row: tasks of earlier tries, and submits without a clear answer.
 * "Nothing was paid" is then true of this try at most.
 */
export function addTaskFacts(ledger: LedgerByRow, row: number, error: unknown): unknown {
	const entries = ledger.entries.get(row) ?? [];
	// Of two calls of a tool that ask for the same, one may have taken over what the other had begun.
	if (entries.length === 0) {
		return ledger.rowsOfOtherRuns.has(row) ? limitMoney(error, 'nothingByThisAttempt') : error;
	}
	const failure = toFailure(error);
	const known = [failure.details.taskId, ...(failure.details.candidateTaskIds ?? [])];
	const earlier = entries.flatMap(taskIdsOf).filter((id) => !known.includes(id));
	return new FailureError({
		...failure,
		paid: failure.paid === 'nothing' ? 'nothingByThisAttempt' : failure.paid,
		details: {
			...failure.details,
			...(earlier.length > 0 ? { earlierTaskIds: earlier } : {}),
		},
		history: {
			earlierTaskIds: earlier,
			isSubmitOpen:
				entries.some(({ state }) => state === 'sent') && failure.kind !== 'submitUnknown',
		},
	});
}

/** The error that ends the run: the row that failed first, and every task that the run's rows have, of all tries. */
export function describeEnd(
	ctx: IExecuteFunctions,
	ledger: Ledger,
	{ row, error }: FailedRow,
	outcomes: Settled<ResultOfRow>[],
): Error {
	const others = listTasks(ledger, outcomes).filter((task) => task.row !== row);
	const open = ledger
		.entriesOfRun()
		.filter((found) => found.row !== row && found.entry.state === 'sent')
		.map((found) => found.row);
	const isCalled = ctx.getMode() === 'integrated';
	const notes = describeOtherRows(others, isCalled ? 'retryHere' : 'retry', open);
	const told = addTaskFacts(ledger.byRow(), row, error);
	const first = { row, error: notes.length > 0 ? limitMoney(told, 'nothingForThisRow') : told };
	const isPaid = ledger.entriesOfRun().length > 0;
	return toRunError(ctx.getNode(), first, ctx.getInputData().length, {
		others,
		notes: isCalled && isPaid ? [...notes, CALLED_ANEW] : notes,
	});
}

/** By the outcomes, and by the ledger for rows that had no turn in this try. */
function listTasks(ledger: Ledger, outcomes: Settled<ResultOfRow>[]): TaskOfRow[] {
	const ofOutcomes = outcomes.flatMap((outcome, row): TaskOfRow[] => {
		const taskId = outcome.ok ? taskIdOf(outcome.value) : failureOf(outcome.error)?.details.taskId;
		return typeof taskId === 'string' ? [{ row, taskId }] : [];
	});
	const ofLedger = ledger
		.entriesOfRun()
		.flatMap(({ row, entry }) => taskIdsOf(entry).map((taskId): TaskOfRow => ({ row, taskId })));
	const known = new Map([...ofOutcomes, ...ofLedger].map((task) => [task.taskId, task]));
	return [...known.values()].sort((a, b) => a.row - b.row);
}

const taskIdOf = (result: ResultOfRow): unknown =>
	'parked' in result ? result.parked.wait.taskId : taskIdOfItem(result[0]?.json ?? {});

/** "Nothing was paid" would be understood of more than is known. */
export function limitMoney(error: unknown, paid: Paid): unknown {
	const failure = failureOf(error);
	return failure?.paid === 'nothing' ? new FailureError({ ...failure, paid }) : error;
}

/** After Stop: the log is where the IDs are found, since n8n stores nothing of what the node was doing. */
export function logTasksLeft(run: Run): void {
	const tasks = run.batch.ledger.entriesOfRun().map(({ row, entry }) => ({
		row,
		taskId: entry.state === 'sent' ? undefined : entry.taskId,
	}));
	if (tasks.length === 0) return;
	run.ctx.logger.warn(`${run.ctx.getNode().name}: ${describeTasksLeft(tasks)}`);
}
