import type { IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';

import type { Settled } from '../../async/settle';
import { type Ledger, type LedgerEntry, taskIdsOf } from '../../batch/ledger';
import { type Failure, FailureError, failureOf } from '../../wavespeed/failures';
import {
	describeOtherTasks,
	type FailedRow,
	type TaskOfRow,
	toRunError,
} from '../errors/nodeErrors';
import { taskIdOfItem } from '../output/rowFields';
import type { Run } from './run';

/** What a run knows of its tasks when it fails, so that none is lost and nothing untrue is said about money. */

/** As `RowResult`. */
type ResultOfRow = INodeExecutionData[] | { parked: { wait: { taskId: string } } };

/**
 * The failure of a row with what the ledger knows of the row: tasks of earlier tries, and submits without a clear answer.
 * "Nothing was paid" is then true of this try at most.
 */
export function addTaskFacts(ledger: Ledger, row: number, error: unknown): unknown {
	const entries = ledger
		.entriesOfRun()
		.filter((found) => found.row === row)
		.map(({ entry }) => entry);
	// Of two calls of a tool that ask for the same, one may have taken over what the other had begun.
	if (entries.length === 0) return ledger.hasOtherRuns(row) ? sayOfThisAttempt(error) : error;
	const failure = failureOf(error) ?? toUnexpected(error);
	const known = [failure.details.taskId, ...(failure.details.candidateTaskIds ?? [])];
	const earlier = entries.flatMap(taskIdsOf).filter((id) => !known.includes(id));
	const advice = [...describeMoney(failure, entries, earlier), failure.advice].join(' ').trim();
	const earlierTaskIds = earlier.length > 0 ? { earlierTaskIds: earlier } : {};
	return new FailureError({
		...failure,
		advice,
		paid: 'told',
		details: { ...failure.details, ...earlierTaskIds },
	});
}

/** n8n's own error, such as of an expression, has no room for what the row has. */
const toUnexpected = (error: unknown): Failure => ({
	kind: 'invalidInput',
	message: error instanceof Error ? error.message : String(error),
	advice: '',
	details: {},
	paid: 'nothing',
});

function describeMoney(
	{ kind, paid, message, advice }: Failure,
	entries: LedgerEntry[],
	earlier: string[],
): string[] {
	const isOpen = entries.some(({ state }) => state === 'sent') && kind !== 'submitUnknown';
	const unnamed = earlier.filter((id) => !`${message} ${advice}`.includes(id));
	return [
		...(paid === 'nothing' ? ['This attempt paid nothing.'] : []),
		...(unnamed.length > 0
			? [
					`Earlier tries have submitted for this row, and paid for what was made: ${unnamed.join(', ')}.`,
				]
			: []),
		...(isOpen
			? [
					'A submit of this row had no clear answer: a task may exist and be paid for. A retry looks for it first.',
				]
			: []),
	];
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
		.map((found) => `row ${found.row + 1}`);
	const notes = [describeOtherTasks(others), describeOpenSubmits(open)].filter(
		(text) => text !== '',
	);
	const told = addTaskFacts(ledger, row, error);
	const first = { row, error: notes.length > 0 ? sayOfThisRow(told) : told };
	return toRunError(ctx.getNode(), first, ctx.getInputData().length, { others, notes });
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

const describeOpenSubmits = (rows: string[]): string =>
	rows.length === 0
		? ''
		: `Submits without a clear answer, which may be paid for: ${rows.join(', ')}. A retry looks for their tasks first.`;

const sayOfThisRow = (error: unknown): unknown =>
	sayInstead(error, 'For this row nothing was paid.');

const sayOfThisAttempt = (error: unknown): unknown =>
	sayInstead(error, 'This attempt paid nothing.');

/** "Nothing was paid" would be understood of more than is known. */
function sayInstead(error: unknown, sentence: string): unknown {
	const failure = failureOf(error);
	if (failure?.paid !== 'nothing') return error;
	return new FailureError({
		...failure,
		advice: `${sentence} ${failure.advice}`.trim(),
		paid: 'told',
	});
}

/** After Stop: the log is where the IDs are found, since n8n stores nothing of what the node was doing. */
export function logTasksLeft(run: Run): void {
	const tasks = run.batch.ledger
		.entriesOfRun()
		.flatMap(({ row, entry }) =>
			entry.state === 'sent'
				? [`row ${row + 1}: a submit without a clear answer`]
				: [`row ${row + 1}: ${entry.taskId}`],
		);
	if (tasks.length === 0) return;
	const name = run.ctx.getNode().name;
	run.ctx.logger.warn(
		`${name}: the execution was stopped. Tasks of its rows, which go on at WaveSpeed: ${tasks.join(', ')}`,
	);
}
