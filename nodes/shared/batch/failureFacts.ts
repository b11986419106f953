declare module '../wavespeed/failures' {
	interface FailureFacts {
		/** It never left. */
		submitNotSent: { said: string };
		/** Each with "too many requests". */
		submitsRefused: { refusedForMs: number; said: string };
		/** `said` is undefined for a submit of an earlier attempt. */
		noTaskOfSubmit: { said: string };
		submittedWithOtherKey: object;
		severalTasksOfSubmit: { said: string | undefined; taskIds: string[] };
		taskOfSubmitNotSearched: { said: string | undefined; cause: Failure };
		aboveCostPerVideo: { costUsd: number; limitUsd: number };
		/** `row`: whose task an earlier attempt has submitted without asking. */
		earlierPriceUnknown: { row: number; cause: Failure };
		aboveCostPerRun: { costUsd: number; limitUsd: number; spentUsd: number };
	}
}

export {};
