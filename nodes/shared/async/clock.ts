/** Time as this code sees it. Injected, so that tests turn hours into milliseconds. */
export interface Clock {
	/**
	 * Milliseconds that pass steadily: when the machine's clock is set or jumps, this doesn't. It starts at the machine's
	 * time, but is for durations and order within this process only.
	 */
	now(): number;
	/** The machine's idea of the time, ms since the epoch. It may be wrong, and it may jump. */
	wallTime(): number;
	/** Waits `ms` milliseconds; throws the reason as soon as the run is cancelled. */
	sleep(ms: number): Promise<void>;
}

/** What tells the time, without a wait. */
export type Clocks = Pick<Clock, 'now' | 'wallTime'>;

/** A number from 0 (inclusive) to 1 (exclusive). */
export type Random = () => number;
