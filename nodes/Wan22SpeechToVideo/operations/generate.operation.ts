import { generateTask } from '../../shared/batch/runRow';
import { type ParameterReader, readParameters } from '../../shared/n8n/input/parameters';
import type { Run } from '../../shared/n8n/run/run';
import type { RowResult, RowWork } from '../../shared/n8n/run/runNode';
import { toInputFields } from '../../shared/n8n/output/taskItem';
import { startWait } from '../../shared/wavespeed/tasks/waitStep';
import { inputFields } from '../fields/inputs.fields';
import { showFor } from '../fields/showFor';
import { simplifyField, waitModeField } from '../fields/task.fields';
import { readRequest } from '../parameters/request';
import { readResultSettings } from '../parameters/result';
import { readExistingTaskId } from '../parameters/taskId';
import { readParking, readWaitSettings } from '../parameters/wait';
import { type Operation, planWithTask, toParkedRow, toResultItem } from './operation';
import { planWait } from './wait.operation';

/** Inputs → upload → submit → wait → the video. */
export const generate: Operation = {
	fields: showFor(['generate'], [...inputFields, waitModeField, simplifyField]),

	holdsPlaces: true,

	async plan(run, row) {
		const parameters = readParameters(run.ctx, row);
		const existing = readExistingTaskId(parameters);
		if (existing !== undefined) return planExisting(run, row, parameters, existing);
		const checked = await readRequest(run, parameters, row);
		const settings = readResultSettings(parameters);
		const waitSettings = readWaitSettings(parameters);
		const parking = readParking(run, parameters, waitSettings.timeoutMs);
		const request = { ...checked, webhookUrl: parking?.callbackUrlFor(row) };
		return async () => {
			const outcome = await generateTask(run.batch, {
				...{ row, request, parking },
				wait: waitSettings,
			});
			const { submitted, task } = outcome;
			const { isResumed } = submitted;
			const asked = toInputFields(submitted.input, submitted.costUsd);
			if (task && !parking) {
				return [await toResultItem(run, { row, task, settings, asked, isResumed })];
			}
			const begun = startWait(
				submitted.taskId,
				{ ...waitSettings, firstGapMs: 0 },
				run.api.clock.now(),
			);
			const wait = 'wait' in outcome ? outcome.wait : begun;
			if (!task && !isResumed && request.webhookUrl !== undefined) parking?.expectCallback(row);
			return toParkedRow(run, { row, settings, wait, asked }, task, isResumed);
		};
	},
};

/** Its inputs are not even read: what was noted for this row is not paid for again, whatever they are by now. */
function planExisting(run: Run, row: number, parameters: ParameterReader, taskId: string): RowWork {
	const planned = planWithTask(taskId, () => planWait(run, row, parameters, taskId));
	const work = async (): Promise<RowResult> => {
		// Later rows wait for the price of this one, which has none, and not for its end.
		run.batch.budget.skip(row);
		return await planned();
	};
	return Object.assign(work, { holdsNoPlace: true });
}
