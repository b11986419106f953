import type { INodeExecutionData } from 'n8n-workflow';

import { shorten } from '../../../text';
import type { AccountLevel } from '../../../wavespeed/accountLevels';
import { systemTime } from '../../session/clock';

/** What a person should know although nothing has failed. Shown above the node's output. */

/** Why a row waits in the process although it is to be parked. */
export type NotParked =
	| 'isTool'
	| 'isAttended'
	| 'isOldN8n'
	| 'executesOnce'
	| 'isShort'
	| 'mayBeLost'
	| 'hasNoWorkflow';

export const NOT_PARKED: Record<NotParked, string> = {
	isTool:
		'As a tool of an AI agent this node waits while the execution runs, since the agent waits for it.',
	isAttended:
		'In a manual execution this node waits while the execution runs. It parks when the workflow runs by itself.',
	isOldN8n:
		"This version of n8n can't hand results to a parked node, so this node waits while the execution runs. From n8n 2.5 on it can.",
	executesOnce: 'With "Execute Once" this node waits while the execution runs.',
	isShort: 'For a time limit of about a minute this node waits while the execution runs.',
	mayBeLost:
		'In queue mode n8n before 2.34 loses a parked execution that is not to be saved when it succeeds. So this node waits while the execution runs. To park, choose "Save" for "Save successful production executions" in the settings of this workflow (from n8n 2.5 on), or update n8n to 2.34 or newer.',
	hasNoWorkflow:
		'Only a saved workflow can be parked, so this node waits while the execution runs.',
};

/** The workflow's own time limit would end a parked wait. */
export const describeWorkflowLimit = (seconds: number): string =>
	`This workflow has a time limit of ${seconds} seconds ("Timeout Workflow" in its settings), and n8n counts the parked time too: it stops the execution when it goes on later than that, and the videos have to be fetched with "Get Many". Make that limit longer than Timeout (Minutes) of this node, or switch it off.`;

/** n8n has refused to store the execution. */
export const describeFailedParking = (problem: string): string =>
	`n8n could not park this execution, so the node waited while it ran: ${shorten(problem)}`;

export interface Pace {
	accountLevel: AccountLevel;
	/** How many tasks of this run could be under way concurrently. */
	tasksInFlight: number;
	/** Whether the user has set that number for this node. */
	isChosen: boolean;
}

/** A wrong level in the credential costs hours and says nothing, so it is named where it decided the time. */
export function describePace(taskCount: number, pace: Pace): string | undefined {
	const { accountLevel, tasksInFlight, isChosen } = pace;
	if (isChosen || taskCount <= tasksInFlight || accountLevel === 'ultra') return undefined;
	const level = accountLevel.charAt(0).toUpperCase() + accountLevel.slice(1);
	return `These ${taskCount} videos were made ${tasksInFlight} at a time, because the WaveSpeed API credential says that the account level is ${level}. If it is higher, choose it in the credential: batches then get faster.`;
}

/** What the model's own page promises. Another page says 10 minutes; docs/limits.md has the sources. */
const PROMISED_SECONDS = 120;
const MOST_ROWS_NAMED = 5;

/** Never a refusal: whether longer recordings are cut, refused or made as they are is documented nowhere. */
export function describeLongRecordings(
	recordings: ReadonlyMap<number, number>,
): string | undefined {
	const long = [...recordings]
		.filter(([, seconds]) => seconds > PROMISED_SECONDS)
		.sort(([row], [other]) => row - other);
	if (long.length === 0) return undefined;
	const named = long.slice(0, MOST_ROWS_NAMED).map(([row, seconds]) => {
		return `row ${row + 1}: ${Math.round(seconds)} seconds`;
	});
	const rest = long.length > named.length ? ` and ${long.length - named.length} more` : '';
	const which = long.length === 1 ? 'One recording is' : `${long.length} recordings are`;
	return `${which} longer than ${PROMISED_SECONDS} seconds (${named.join(', ')}${rest}). WaveSpeed's page of the model promises videos of up to 120 seconds, another page up to 10 minutes: check that the video has all of it. All of it is billed, as far as it is known.`;
}

const SOON_MS = 24 * 60 * 60_000;

/** WaveSpeed deletes a video 7 days after its task was made; an item that is read later than that leads nowhere. */
export function describeExpiry(items: INodeExecutionData[]): string | undefined {
	const now = systemTime.wallTime();
	const endsSoon = items.filter(({ json }) => {
		const { videoUrl, videoExpiresAt } = json;
		if (typeof videoUrl !== 'string' || typeof videoExpiresAt !== 'string') return false;
		return Date.parse(videoExpiresAt) - now < SOON_MS;
	});
	if (endsSoon.length === 0) return undefined;
	const which =
		endsSoon.length === 1 ? 'One of these videos' : `${endsSoon.length} of these videos`;
	return `${which} will be deleted by WaveSpeed within a day: see "videoExpiresAt". Save what you want to keep, for example with "Download Video".`;
}
