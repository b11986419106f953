import type { IDataObject, IExecuteFunctions, INode, INodeExecutionData } from 'n8n-workflow';

import { Cancellation } from '../../async/cancellation';
import { runConcurrently } from '../../async/runConcurrently';
import { settle, type Settled } from '../../async/settle';
import { FailureError, failureOf, withDetails } from '../../wavespeed/failures';
import { describeOtherTasks, makeErrorItem, toRunError } from '../errors/nodeErrors';
import { downloadVideo } from '../output/downloadVideo';
import { type Download, makeResultItem, readCost } from '../output/resultItem';
import { toDetails, toItem } from '../output/taskItem';
import { createClock, systemTime } from '../session/clock';
import { readConnection } from '../session/credential';
import { endsWithFailure } from './check';
import { toRecord } from './park';
import { isTaskRow, type ParkedRow, type ParkedTask, taskIdOf, type WaitState } from './state';

/** Videos that are fetched side by side: some storage modes hold a whole file in memory. */
const DOWNLOADS_AT_ONCE = 4;

/**
 * The items of a parked run in the order of its rows, which n8n hands to the parent. Throws the error of the run where a
 * failed row ends it; n8n then lets the parent fail with it.
 */
export async function makeResults(
	ctx: IExecuteFunctions,
	state: WaitState,
): Promise<INodeExecutionData[]> {
	const cancellation = new Cancellation();
	const { rows } = state;
	const download = await openDownload(ctx, cancellation);
	let isDone = false;
	if (needsDownloads(state)) void cancelBeforeLimit(cancellation, state, () => isDone);
	const outcomes = await runConcurrently(
		rows.map((_, index) => index),
		DOWNLOADS_AT_ONCE,
		async (index) => await makeRow(state, rows[index] as ParkedRow, download),
		() => {},
	);
	isDone = true;

	const node = parentNode(ctx, state);
	const failed = outcomes.findIndex(({ ok }) => !ok);
	if (failed >= 0 && endsWithFailure(state)) throw describeEnd(node, state, outcomes, failed);
	return outcomes.flatMap((outcome, index) =>
		outcome.ok ? outcome.value : toFailedItem(node, state, rows[index] as ParkedRow, outcome.error),
	);
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
		clock: createClock(cancellation),
		random: Math.random,
	};
	return async (task, details) => await downloadVideo(context, task, details);
}

const LOOK_MS = 5_000;
const TIME_FOR_THE_REST_MS = 60_000;

/** What n8n gets after the parent's limit would be lost: better all results and a video that is not downloaded. */
async function cancelBeforeLimit(
	cancellation: Cancellation,
	{ limitAt }: WaitState,
	isDone: () => boolean,
): Promise<void> {
	while (!isDone()) {
		if (systemTime.now() >= limitAt - TIME_FOR_THE_REST_MS) {
			cancellation.cancel(new FailureError(OUT_OF_TIME));
			return;
		}
		await systemTime.sleep(LOOK_MS);
	}
}

const OUT_OF_TIME = {
	kind: 'downloadFailed',
	message: 'The video could not be downloaded within the time limit of the wait',
	advice:
		'The video exists and is paid for. Open its URL, or run "Get" with this ID and "Download Video". WaveSpeed keeps it for 7 days.',
	paid: 'told',
	details: {},
} as const;

/** Never a throw for a row that has failed under Continue On Fail: the parent would get one error for all rows. */
async function makeRow(
	state: WaitState,
	parked: ParkedRow,
	download: Download,
): Promise<INodeExecutionData[]> {
	const { row } = parked;
	if (!isTaskRow(parked)) return parked.items;
	const { asked, settings, inputFields } = parked;
	const end = state.ends.get(row);
	// Another row's failure has ended the run.
	if (!end) return [{ json: toRecord(parked, state), pairedItem: { item: row } }];
	const costUsd = readCost(asked);
	if ('error' in end) throw new Error(end.error);
	if ('failure' in end) {
		throw withDetails(new FailureError(end.failure), costUsd === undefined ? {} : { costUsd });
	}
	const { task } = end;
	const made = await settle(
		makeResultItem(download, { row, task, settings, asked, inputItem: { json: inputFields } }),
	);
	if (made.ok) return [made.value];
	throw withDetails(made.error, toDetails(task, costUsd));
}

/** The child's own nodes mean nothing to the user. */
const parentNode = (ctx: IExecuteFunctions, { node }: WaitState): INode => ({
	...ctx.getNode(),
	...node,
	parameters: {},
});

const HOW_TO_GO_ON =
	'n8n can\'t go on with an execution that failed while it was parked: its Retry only gives this error again, and pays nothing. Start the workflow again with these IDs as "Existing Task ID", which pays nothing for them, or fetch the videos with "Get Many" or "Get".';

function describeEnd(
	node: INode,
	state: WaitState,
	outcomes: Settled<INodeExecutionData[]>[],
	failed: number,
): Error {
	const { row } = state.rows[failed] as ParkedRow;
	const outcome = outcomes[failed];
	const error = outcome?.ok === false ? outcome.error : undefined;
	const others = state.rows.flatMap((parked) => {
		const taskId = taskIdOf(parked);
		return taskId === undefined || parked.row === row ? [] : [{ row: parked.row, taskId }];
	});
	const told = describeOtherTasks(others, HOW_TO_GO_ON);
	return toRunError(node, { row, error }, state.rowCount, {
		others,
		notes: [told === '' ? HOW_TO_GO_ON.replace('these IDs', 'its ID') : told],
	});
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
		isTaskRow(parked) ? parked.inputFields : undefined,
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
	return toItem(parked.row, json, { json: {} }, { includeInputFields: false });
}
