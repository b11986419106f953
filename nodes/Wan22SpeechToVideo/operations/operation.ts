import type { IBinaryData, INodeExecutionData, INodeProperties } from 'n8n-workflow';

import type { RowTask, WaitSettings } from '../../shared/batch/runRow';
import { downloadVideo, readDownloadField } from '../../shared/n8n/output/downloadVideo';
import { showHint } from '../../shared/n8n/run/hints';
import {
	refuseFailedTask,
	type ResultSettings,
	toDetails,
	toItem,
	toTaskJson,
} from '../../shared/n8n/output/taskItem';
import type { ParameterReader } from '../../shared/n8n/input/parameters';
import { findResumeUrl, toOpenTask } from '../../shared/n8n/waiting/parking';
import type { Run } from '../../shared/n8n/run/run';
import type { RowResult } from '../../shared/n8n/run/runNode';
import { fail, failureOf, withDetails } from '../../shared/wavespeed/failures';
import { phaseOf, readTaskId as parseTaskId, type Task } from '../../shared/wavespeed/tasks/task';
import { describeLostSight } from '../../shared/wavespeed/tasks/waitForTask';
import { getTask } from '../../shared/wavespeed/tasks/getTask';
import { shorten } from '../../shared/text';
import { settle } from '../../shared/async/settle';

/** One entry of the Operation list: its fields and what it does. */
export interface Operation {
	fields: INodeProperties[];
	/** Reads and checks a row without sending anything; the function returned does the row's work. */
	plan(run: Run, row: number): Promise<RowWork>;
}

/** The row's items, or the task that it waits for in n8n's database. */
export type RowWork = () => Promise<RowResult>;

export function readResultSettings({ raw, options }: ParameterReader): ResultSettings {
	const failedTasks = options.text('failedTasks', 'Failed Tasks') ?? 'error';
	if (failedTasks !== 'error' && failedTasks !== 'output') {
		fail(
			'invalidInput',
			`"Failed Tasks" must be "error" or "output", not "${shorten(failedTasks, 60)}"`,
			`Correct the field, or the expression in it.`,
		);
	}
	return {
		simplify: raw('simplify') !== false,
		includeInputFields: options.flag('includeInputFields'),
		failedTasks,
		downloadTo: readDownloadField(options),
	};
}

const MINUTE_MS = 60_000;

export function readWaitSettings({ options }: ParameterReader): WaitSettings {
	// WaveSpeed keeps a task for 7 days: a longer wait can't end well.
	const minutes = options.number('timeoutMinutes', 'Timeout (Minutes)', {
		min: 0,
		max: 7 * 24 * 60,
	});
	const seconds = options.number('pollIntervalSeconds', 'Check Interval (Seconds)', {
		min: 1,
		max: 3600,
	});
	return { timeoutMs: (minutes ?? 60) * MINUTE_MS, minGapMs: (seconds ?? 5) * 1000 };
}

export function readTaskId({ text }: ParameterReader): string {
	const given = text('taskId', 'Task ID').trim();
	const taskId = parseTaskId(given);
	if (taskId !== undefined) return taskId;
	return fail(
		'invalidInput',
		given === ''
			? '"Task ID" is empty'
			: `"Task ID" is not the ID of a task: ${shorten(given, 60)}`,
		`Enter the ID of a task, or an expression that gives it, such as {{ $json.taskId }} after "Submit Task".`,
	);
}

/** The item for a task that was looked at: a failed task is an error unless wanted otherwise, the video may be fetched. */
export async function toResultItem(
	run: Run,
	row: number,
	task: Task,
	settings: ResultSettings,
	submitted?: RowTask['submitted'],
): Promise<INodeExecutionData> {
	refuseFailedTask(task, settings, submitted?.costUsd);
	const json = toTaskJson(task, settings, submitted);
	const hasVideo = phaseOf(task) === 'completed' && task.videoUrls.length > 0;
	const { downloadTo } = settings;
	let binary: Record<string, IBinaryData> | undefined;
	if (downloadTo !== undefined && hasVideo) {
		const { ctx, cancellation, connection, api } = run;
		const context = {
			ctx,
			cancellation,
			hideKey: connection.hideKey,
			clock: api.clock,
			random: api.random,
		};
		binary = {
			[downloadTo]: await downloadVideo(context, task, toDetails(task, submitted?.costUsd)),
		};
	}
	return toItem(row, json, run.items[row], settings, binary);
}

/** The last check before an execution is parked must not hold it up: a callback comes in any case. */
const LAST_CHECK_MS = 20_000;
const LAST_CHECK_ATTEMPTS = 2;

/** A task that may still run: its result if it has ended, else what n8n has to store of it. */
export async function toResultOrOpen(
	run: Run,
	row: number,
	task: Task,
	settings: ResultSettings,
	timeoutMs: number,
	submitted?: RowTask['submitted'],
): Promise<RowResult> {
	const { clock } = run.api;
	const retryBudget = { deadline: clock.now() + LAST_CHECK_MS, maxAttempts: LAST_CHECK_ATTEMPTS };
	const looked = await settle(getTask(run.api, task.id, retryBudget));
	if (!looked.ok && !mayStillEnd(looked.error, submitted !== undefined)) {
		const lost = describeLostSight(looked.error, task.id, task.status || 'unknown');
		throw withDetails(lost, submitted?.costUsd === undefined ? {} : { costUsd: submitted.costUsd });
	}
	const latest = looked.ok ? looked.value : task;
	if (phaseOf(latest) !== 'running')
		return [await toResultItem(run, row, latest, settings, submitted)];
	return { open: toOpenTask(latest, run.items[row], settings, timeoutMs, submitted) };
}

/** Whether the callback may come all the same; a task that was accepted just now may not be found yet. */
function mayStillEnd(error: unknown, isOwn: boolean): boolean {
	const failure = failureOf(error);
	const isOutOfReach = failure?.kind === 'unavailable' || failure?.kind === 'rateLimited';
	return isOutOfReach || (isOwn && failure?.httpStatus === 404);
}

/** Whether the row waits by callback; decided once for the run, since an execution is parked as a whole. */
export function readParking(run: Run, { raw }: ParameterReader, timeoutMs: number): Run['parking'] {
	if (raw('waitMode') !== 'callback') return undefined;
	if (run.parking || run.parkingHint) return run.parking;
	const found = findResumeUrl(run.ctx, run.connection, timeoutMs);
	if ('url' in found) return run.startParking(found.url);
	run.parkingHint = found.hint;
	showHint(run.ctx, found.hint);
	return undefined;
}
