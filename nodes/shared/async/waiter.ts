import type { Cancellation } from './cancellation';
import type { Clock } from './clock';

/**
 * Who waits for its turn at something that several runs share: with its own clock, whose sleep ends with the run, and
 * its own cancellation, so that one run's Stop ends no other run's wait.
 */
export interface Waiter {
	clock: Clock;
	cancellation: Cancellation;
}
