import type { Messages } from './message';

/** Cost limits, and submits. */
export const SUBMIT_MESSAGES: Messages<
	| 'aboveCostPerVideo'
	| 'aboveCostPerRun'
	| 'earlierPriceUnknown'
	| 'submitNotSent'
	| 'submitsRefused'
	| 'submitsHeldBack'
	| 'noTaskOfSubmit'
	| 'submittedWithOtherKey'
	| 'severalTasksOfSubmit'
	| 'taskOfSubmitNotSearched'
> = {
	aboveCostPerVideo: ({ costUsd, limitUsd }) => ({
		message: `The video would cost ${dollars(costUsd)}, more than "Max Cost per Video" allows (${dollars(limitUsd)})`,
		advice: 'Raise the limit, shorten the audio or choose 480p.',
	}),
	aboveCostPerRun: ({ costUsd, limitUsd, spentUsd }) => ({
		message: `The video would cost ${dollars(costUsd)} and take the run above "Max Cost per Run" (${dollars(limitUsd)}): ${dollars(spentUsd)} are spent or promised to earlier rows`,
		advice: 'Raise the limit or run it another time.',
	}),
	earlierPriceUnknown: ({ row, cause }, describe) => ({
		message: `"Max Cost per Run" can't be kept, since the price of the task that row ${row + 1} has already is not to be had: ${describe(cause).message}`,
		advice:
			'Try again later. If what that row was made of is no longer there, run again without the limit, or start a new execution with the other rows.',
	}),
	submitNotSent: ({ said }) => ({
		message: `Could not submit the task: ${said}`,
		advice: 'Try again later.',
	}),
	submitsRefused: ({ refusedForMs, said }) => ({
		message: `WaveSpeed has refused every submit for ${Math.round(refusedForMs / 60_000)} minutes with "too many requests"${said ? `: ${said}` : ''}`,
		advice:
			"Tasks that this run knows nothing of may be using up the account's limits: those of parked runs, of another n8n, or from outside n8n. Try again later, or choose the right account level in the credential.",
	}),
	submitsHeldBack: ({ said }) => ({
		message: `Not submitted, since WaveSpeed gives no clear answers to submits at the moment (${said})`,
		advice: 'Run the row again later.',
	}),
	noTaskOfSubmit: ({ said }) => ({
		message: `${noClearAnswer(said)}, and its task list shows no new task`,
		advice:
			'Probably nothing was paid. A retry within 7 days is safe: Retry On Fail, or Retry of the execution, looks for the task once more, a minute after the submit, and submits again only if there is still none.',
	}),
	submittedWithOtherKey: () => ({
		message:
			'An earlier attempt of this row was submitted with another API key and had no clear answer, and with this key its task is not to be found',
		advice:
			'A task may exist and be paid for in the other account: look there, or try again with the key of the earlier attempt. To make a new video with this key, start a new execution.',
	}),
	severalTasksOfSubmit: ({ said, taskIds }) => ({
		message: `${noClearAnswer(said)}. A task may exist and be paid for; it can't be told which of these is this row's: ${listIds(taskIds)}`,
		advice:
			'Look at these tasks with "Get" or at WaveSpeed and use the right one. Nothing was submitted again, and a retry does not submit again while these tasks leave it open.',
	}),
	taskOfSubmitNotSearched: ({ said, cause }, describe) => ({
		message: `${noClearAnswer(said)}, and its task list could not be read to look for the task: ${describe(cause).message}`,
		advice:
			'A task may exist and be paid for. A retry within 7 days is safe: Retry On Fail, or Retry of the execution, looks for the task again and submits only if there is none.',
	}),
};

const noClearAnswer = (said = 'in an earlier attempt'): string =>
	`WaveSpeed gave no clear answer to the submit (${said})`;

/** At least cents, and more digits only where the price has them. */
const dollars = (usd: number): string =>
	`$${usd.toFixed(Math.abs(usd * 100 - Math.round(usd * 100)) < 1e-6 ? 2 : 4)}`;

/** All of them are in the details. */
const MOST_CANDIDATES_IN_TEXT = 20;

function listIds(ids: string[]): string {
	const more = ids.length - MOST_CANDIDATES_IN_TEXT;
	return ids.slice(0, MOST_CANDIDATES_IN_TEXT).join(', ') + (more > 0 ? ` and ${more} more` : '');
}
