import { settle } from '../../shared/async/settle';
import { readParameters } from '../../shared/n8n/input/parameters';
import { getTask } from '../../shared/wavespeed/tasks/getTask';
import { waitForTask } from '../../shared/wavespeed/tasks/waitForTask';
import { noteCheck, startWait } from '../../shared/wavespeed/tasks/waitStep';
import { showFor } from '../fields/showFor';
import { simplifyField, taskIdField, waitModeField } from '../fields/task.fields';
import type { ParameterReader } from '../../shared/n8n/input/parameters';
import type { Run } from '../../shared/n8n/run/run';
import type { RowWork } from '../../shared/n8n/run/runNode';
import { readResultSettings } from '../parameters/result';
import { readTaskId } from '../parameters/taskId';
import { readParking, readWaitSettings } from '../parameters/wait';
import { noteGiven, type Operation, planWithTask, toParkedRow, toResultItem } from './operation';

/** Before a run is parked: what has ended already needs no wait at all, and a wrong ID is told soon. */
const FIRST_CHECK_MS = 20_000;

/** A task that exists already → its end. */
export const wait: Operation = {
	fields: showFor(['wait'], [taskIdField, waitModeField, simplifyField]),
	holdsPlaces: false,

	async plan(run, row) {
		const parameters = readParameters(run.ctx, row);
		const taskId = readTaskId(parameters);
		return planWithTask(taskId, () => planWait(run, row, parameters, taskId));
	},
};

export function planWait(
	run: Run,
	row: number,
	parameters: ParameterReader,
	taskId: string,
): RowWork {
	noteGiven(run, taskId);
	const settings = readResultSettings(parameters);
	const options = { ...readWaitSettings(parameters), firstGapMs: 0, isGiven: true };
	const parking = readParking(run, parameters, options.timeoutMs);
	if (!parking) {
		return async () => {
			const task = await waitForTask(run.api, taskId, options);
			return [await toResultItem(run, { row, task, settings })];
		};
	}
	return async () => {
		const { clock } = run.api;
		const begun = startWait(taskId, options, clock.now());
		const retryBudget = { deadline: begun.since + FIRST_CHECK_MS, maxAttempts: 2 };
		const checked = await settle(getTask(run.api, taskId, retryBudget));
		const step = noteCheck(begun, checked, clock.now(), false);
		if (step.kind === 'lost') throw step.error;
		const [waits, ended] = step.kind === 'ended' ? [begun, step.task] : [step.wait, undefined];
		return toParkedRow(run, { row, settings, wait: waits, asked: {} }, ended);
	};
}
