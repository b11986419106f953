import type { WaitSettings } from '../../shared/batch/runRow';
import type { ParameterReader } from '../../shared/n8n/input/parameters';
import type { Run } from '../../shared/n8n/run/run';
import { describeWorkflowLimit, NOT_PARKED } from '../../shared/n8n/errors/messages/hints';
import {
	findCallbackUrl,
	limitOfWorkflow,
	whyNotParked,
} from '../../shared/n8n/waiting/conditions';
import type { Parking } from '../../shared/n8n/waiting/parking';

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

/** Whether the row's wait goes on in n8n's database as soon as all rows are submitted. */
export function readParking(
	run: Run,
	parameters: ParameterReader,
	timeoutMs: number,
): Parking | undefined {
	const mode = parameters.choice('waitMode', 'Wait Mode', ['polling', 'parked'] as const);
	if (mode === 'polling') return undefined;
	const reason = whyNotParked(run.ctx, timeoutMs);
	if (reason === undefined) {
		const limitSeconds = limitOfWorkflow(run.ctx, timeoutMs);
		if (limitSeconds !== undefined) run.hintOnce(describeWorkflowLimit(limitSeconds));
		return run.parking ?? run.startParking(findCallbackUrl(run.ctx, run.connection));
	}
	run.hintOnce(NOT_PARKED[reason]);
	return undefined;
}
