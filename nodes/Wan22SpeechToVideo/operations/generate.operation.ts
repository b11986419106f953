import { generateTask } from '../../shared/batch/runRow';
import { settle } from '../../shared/async/settle';
import { type ParameterReader, readParameters } from '../../shared/n8n/input/parameters';
import type { Run } from '../../shared/n8n/run/run';
import type { RowResult, RowWork } from '../../shared/n8n/run/runNode';
import { toFailure } from '../../shared/n8n/errors/nodeErrors';
import { limitMoney } from '../../shared/n8n/run/taskFacts';
import { toInputFields } from '../../shared/n8n/output/taskItem';
import { FailureError, withDetails } from '../../shared/wavespeed/failures';
import { startWait } from '../../shared/wavespeed/tasks/waitStep';
import { inputFields } from '../fields/inputs.fields';
import { showFor } from '../fields/showFor';
import { simplifyField, waitModeField } from '../fields/task.fields';
import { readRequest } from '../parameters/request';
import { readResultSettings } from '../parameters/result';
import { readExistingTaskId } from '../parameters/taskId';
import { readParking, readWaitSettings } from '../parameters/wait';
import { type Operation, toParkedRow, toResultItem } from './operation';
import { planWait } from './wait.operation';

/** Inputs → upload → submit → wait → the video. */
export const generate: Operation = {
	fields: showFor(['generate'], [...inputFields, waitModeField, simplifyField]),

	holdsPlaces: true,

	async plan(run, row) {
		const parameters = readParameters(run.ctx, row);
		const existing = readExistingTaskId(parameters);
		if (existing !== undefined) return await planExisting(run, row, parameters, existing);
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
async function planExisting(
	run: Run,
	row: number,
	parameters: ParameterReader,
	taskId: string,
): Promise<RowWork> {
	const planned = await settle((async () => planWait(run, row, parameters, taskId))());
	if (!planned.ok) {
		const failure = new FailureError(toFailure(planned.error));
		throw limitMoney(withDetails(failure, { taskId }), 'nothingByThisAttempt');
	}
	const work = async (): Promise<RowResult> => {
		// Later rows wait for the price of this one, which has none, and not for its end.
		run.batch.budget.skip(row);
		return await planned.value();
	};
	return Object.assign(work, { holdsNoPlace: true });
}
