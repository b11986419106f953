import type { IDataObject, IExecuteFunctions, INode, INodeExecutionData } from 'n8n-workflow';

import { Cancellation } from '../../async/cancellation';
import { mapConcurrently } from '../../async/runConcurrently';
import { settle } from '../../async/settle';
import { FailureError, failureOf, makeFailure, withDetails } from '../../wavespeed/failures';
import { describeOtherRows } from '../errors/messages/run';
import type { TaskOrigin } from '../errors/failureFacts';
import { makeErrorItem, toRunError } from '../errors/nodeErrors';
import { downloadVideo } from '../output/downloadVideo';
import { type Download, makeResultItem, originOf, readCost } from '../output/resultItem';
import { refuseFailedTask, toDetails, toItem } from '../output/taskItem';
import { createClock, systemTime } from '../session/clock';
import { readConnection } from '../session/credential';
import { accounts } from '../session/openApi';
import { endsWithFailure } from './check';
import { toRecord } from './park';
import { isTaskRow, type ParkedRow, type ParkedTask, taskIdOf, type WaitState } from './state';

/** Videos that are fetched side by side: some storage modes hold a whole file in memory. */
const MOST_CONCURRENT_DOWNLOADS = 4;

/**
 * The items of a parked run in the order of its rows, which n8n hands to the parent. Throws the error of the run where a
 * failed row ends it; n8n then lets the parent fail with it.
 */
export async function makeResults(
	ctx: IExecuteFunctions,
	state: WaitState,
): Promise<INodeExecutionData[]> {
	const { rows } = state;
	const node = parentNode(ctx, state);
	// Before anything is fetched, which may take long.
	const refusals = rows.map((row) => refusalOf(row, state));
	const refused = refusals.findIndex((refusal) => refusal !== undefined);
	if (refused >= 0 && endsWithFailure(state)) throw describeEnd(node, state, refusals, refused);

	const cancellation = new Cancellation();
	const download = await openDownload(ctx, cancellation);
	let isDone = false;
	if (needsDownloads(state)) void cancelBeforeLimit(cancellation, state, () => isDone);
	const outcomes = await mapConcurrently(
		rows,
		MOST_CONCURRENT_DOWNLOADS,
		async (row) => await makeRow(state, row, download),
	);
	isDone = true;

	const errors = outcomes.map((outcome) => (outcome.ok ? undefined : outcome.error));
	const failed = errors.findIndex((error) => error !== undefined && !costsOneFile(error));
	if (failed >= 0 && endsWithFailure(state)) throw describeEnd(node, state, errors, failed);
	return rows.flatMap((row, index) => {
		const outcome = outcomes[index];
		return outcome?.ok ? outcome.value : toFailedItem(node, state, row, outcome?.error);
	});
}

const needsDownloads = ({ rows }: WaitState): boolean =>
	rows.some((row) => isTaskRow(row) && row.settings.downloadTo !== undefined);

async function openDownload(ctx: IExecuteFunctions, cancellation: Cancellation): Promise<Download> {
	const opened = await settle(readConnection(ctx));
	const hideKey = opened.ok ? opened.value.hideKey : (text: string): string => text;
	const context = {
		ctx,
		cancellation,
		hideKey,
		isParked: true,
		clock: createClock(cancellation),
		random: Math.random,
		hosts: accounts.outages,
	};
	return async (task, details) => await downloadVideo(context, task, details);
}

/** With the error of this one row the files of all others would be lost, and nothing can fetch them again here. */
function costsOneFile(error: unknown): boolean {
	const failure = failureOf(error);
	if (failure?.reason === 'downloadFailed') return failure.facts.isStorageSilent === true;
	return failure?.reason === 'downloadOutOfTime';
}

const LOOK_MS = 5_000;
/** n8n copies each file for the parent before it wakes it. */
const TIME_FOR_THE_REST_MS = 5 * 60_000;

/** What n8n gets after the parent's limit would be lost: better all results and a video that is not downloaded. */
async function cancelBeforeLimit(
	cancellation: Cancellation,
	{ limitAt }: WaitState,
	isDone: () => boolean,
): Promise<void> {
	while (!isDone()) {
		if (systemTime.now() >= limitAt - TIME_FOR_THE_REST_MS) {
			cancellation.cancel(new FailureError(makeFailure('downloadFailed', 'downloadOutOfTime', {})));
			return;
		}
		await systemTime.sleep(LOOK_MS);
	}
}

const parkedOriginOf = (asked: IDataObject): TaskOrigin =>
	originOf(asked) === 'given' ? 'given' : 'parked';

/** Why the row has no result, whatever else comes; undefined: it has one, or no end since another row's failure came first. */
function refusalOf(parked: ParkedRow, { ends }: WaitState): unknown {
	if (!isTaskRow(parked)) return undefined;
	const end = ends.get(parked.row);
	if (!end) return undefined;
	const { asked, settings } = parked;
	const costUsd = readCost(asked);
	if ('error' in end) return new Error(end.error);
	if ('failure' in end) {
		return withDetails(new FailureError(end.failure), costUsd === undefined ? {} : { costUsd });
	}
	try {
		refuseFailedTask(end.task, settings, parkedOriginOf(asked), costUsd);
		return undefined;
	} catch (error) {
		return error;
	}
}

async function makeRow(
	state: WaitState,
	parked: ParkedRow,
	download: Download,
): Promise<INodeExecutionData[]> {
	const { row } = parked;
	if (!isTaskRow(parked)) return parked.items;
	const refusal = refusalOf(parked, state);
	if (refusal !== undefined) throw refusal;
	const { asked, settings, inputFields } = parked;
	const end = state.ends.get(row);
	// Another row's failure has ended the run.
	if (!end || !('task' in end)) {
		return [{ json: toRecord(parked, state), pairedItem: { item: row } }];
	}
	const { task } = end;
	const made = await settle(
		makeResultItem(download, {
			...{ row, task, settings, asked, inputItem: { json: inputFields } },
			origin: parkedOriginOf(asked),
		}),
	);
	if (made.ok) return [made.value];
	throw withDetails(made.error, toDetails(task, readCost(asked)));
}

/** The child's own nodes mean nothing to the user. */
const parentNode = (ctx: IExecuteFunctions, { node }: WaitState): INode => ({
	...ctx.getNode(),
	...node,
	parameters: {},
});

function describeEnd(node: INode, state: WaitState, errors: unknown[], failed: number): Error {
	const row = state.rows[failed]?.row ?? failed;
	const others = state.rows.flatMap((parked) => {
		const taskId = taskIdOf(parked);
		return taskId === undefined || parked.row === row ? [] : [{ row: parked.row, taskId }];
	});
	const notes = describeOtherRows(others, 'startAgain', []);
	return toRunError(node, { row, error: errors[failed] }, state.rowCount, { others, notes });
}

/** The row's error as an item; where n8n can't let a parked run fail, an item that says why there is no video. */
function toFailedItem(
	node: INode,
	state: WaitState,
	parked: ParkedRow,
	error: unknown,
): INodeExecutionData {
	const { row } = parked;
	const item = makeErrorItem(
		node,
		{ row, error },
		isTaskRow(parked) && parked.settings.includeInputFields ? parked.inputFields : undefined,
	);
	const goesOn = node.onError === 'continueErrorOutput' || node.onError === 'continueRegularOutput';
	if (goesOn || !isTaskRow(parked)) return item;
	return toReasonItem(parked, state, String(item.json.error), error);
}

function toReasonItem(
	parked: ParkedTask,
	state: WaitState,
	text: string,
	error: unknown,
): INodeExecutionData {
	const { failureReason, failureCode } = failureOf(error)?.details ?? {};
	const json: IDataObject = {
		...toRecord(parked, state),
		failureReason: failureReason ?? text,
		failureCode: failureCode ?? null,
	};
	return toItem(parked.row, json, undefined);
}
