import type { IDataObject, INodeExecutionData, INodeProperties } from 'n8n-workflow';

import type { WaitSettings } from '../../shared/batch/runRow';
import { readDownloadField } from '../../shared/n8n/output/downloadVideo';
import { makeResultItem, readCost } from '../../shared/n8n/output/resultItem';
import { refuseFailedTask, type ResultSettings } from '../../shared/n8n/output/taskItem';
import type { ParameterReader } from '../../shared/n8n/input/parameters';
import { findCallbackUrl, whyNotParked } from '../../shared/n8n/waiting/conditions';
import type { Parking } from '../../shared/n8n/waiting/parking';
import type { ParkedTask } from '../../shared/n8n/waiting/state';
import type { Run } from '../../shared/n8n/run/run';
import type { RowResult } from '../../shared/n8n/run/runNode';
import { fail } from '../../shared/wavespeed/failures';
import { readTaskId as parseTaskId, type Task } from '../../shared/wavespeed/tasks/task';
import { shorten } from '../../shared/text';

/** One entry of the Operation list: its fields and what it does. */
export interface Operation {
	fields: INodeProperties[];
	/** Reads and checks a row without sending anything; the function returned does the row's work. */
	plan(run: Run, row: number): Promise<RowWork>;
}

/** The row's items, or the task that it waits for in n8n's database. */
export type RowWork = () => Promise<RowResult>;

export function readResultSettings({ flag, options }: ParameterReader): ResultSettings {
	const failedTasks = options.text('failedTasks', 'Failed Tasks') ?? 'error';
	if (failedTasks !== 'error' && failedTasks !== 'output') {
		fail(
			'invalidInput',
			`"Failed Tasks" must be "error" or "output", not "${shorten(failedTasks, 60)}"`,
			`Correct the field, or the expression in it.`,
		);
	}
	return {
		simplify: flag('simplify'),
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
	more: { asked?: IDataObject; isResumed?: boolean } = {},
): Promise<INodeExecutionData> {
	return await makeResultItem(run.download, {
		...{ row, task, settings, asked: {}, ...more },
		inputItem: run.items[row],
	});
}

/**
 * A row of a run that is to be parked. A task that has failed by now fails its row at once, as it would in any other run;
 * the video of one that has ended is fetched with the others.
 */
export function toParkedRow(
	run: Run,
	parked: Pick<ParkedTask, 'row' | 'settings' | 'wait' | 'asked'>,
	ended: Task | undefined,
	isResumed = false,
): RowResult {
	const { row, settings, asked } = parked;
	if (ended) refuseFailedTask(ended, settings, { costUsd: readCost(asked), isResumed });
	const inputFields = settings.includeInputFields ? { ...run.items[row]?.json } : {};
	return { parked: { ...parked, inputFields }, ended };
}

/** Whether the row's wait goes on in n8n's database as soon as all rows are submitted. */
export function readParking(
	run: Run,
	parameters: ParameterReader,
	timeoutMs: number,
): Parking | undefined {
	const mode = parameters.choice('waitMode', 'Wait Mode', ['polling', 'parked'] as const);
	if (mode === 'polling') return undefined;
	const hint = whyNotParked(run.ctx, timeoutMs);
	if (hint === undefined) {
		return run.parking ?? run.startParking(findCallbackUrl(run.ctx, run.connection));
	}
	run.hintOnce(hint);
	return undefined;
}
