import type { Clocks } from './clock';

/** A moment by both clocks, for what grows old also while the machine sleeps: the steady clock stands still then. */
export interface Moment {
	/** On the steady clock, ms. */
	steady: number;
	/** By the machine's clock, ms since the epoch. */
	wall: number;
}

export const momentOf = (clock: Clocks): Moment => ({
	steady: clock.now(),
	wall: clock.wallTime(),
});

/** Ms, by the clock that counts more of them: a machine's clock that was set back makes nothing young again. */
export const ageOf = ({ steady, wall }: Moment, clock: Clocks): number =>
	Math.max(clock.now() - steady, clock.wallTime() - wall);
