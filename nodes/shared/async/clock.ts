/** Time as the client sees it. Injected, so that tests turn hours into milliseconds. */
export interface Clock {
	/** Milliseconds since the epoch. */
	now(): number;
	/** Waits `ms` milliseconds; throws a FailureError as soon as the run is cancelled. */
	sleep(ms: number): Promise<void>;
}

/** A number from 0 (inclusive) to 1 (exclusive). */
export type Random = () => number;
