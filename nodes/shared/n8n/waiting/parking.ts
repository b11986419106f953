import { Cancellation } from '../../async/cancellation';
import type { ApiContext } from '../../wavespeed/http/request';
import { FailureError, makeFailure } from '../../wavespeed/failures';
import { createClock } from '../session/clock';

/** Lets rows wait in this process only until nothing is left to submit. */
export interface Parking {
	/** Where the service is to report the end of the row's task; undefined if it can't, or need not. */
	callbackUrlFor(row: number): string | undefined;
	/** How many tasks were submitted with that address, and go on. */
	readonly callbacks: number;
	/** The row's task was submitted with that address. */
	expectCallback(row: number): void;
	/** For the waits: its clock ends them when there is nothing left to submit. */
	api: ApiContext;
	/** The row won't submit anything more. */
	noteSubmitted(row: number): void;
}

/**
 * Each request to a waiting execution costs n8n some 7 MB and 100 ms (an engine for expressions, and the execution read
 * anew): 200 that came within 3 s let n8n 2.40.7 grow by 1.3 GB. The rows that are submitted last most likely end last,
 * and only the last end has to be told.
 */
const MOST_CALLBACKS = 20;

export function createParking(
	callbackUrl: string | undefined,
	rowCount: number,
	api: ApiContext,
	cancellation: Cancellation,
): Parking {
	const allSubmitted = new Cancellation();
	cancellation.onCancel((reason) => allSubmitted.cancel(reason));
	const submitted = new Set<number>();
	const called = new Set<number>();
	return {
		callbackUrlFor: (row) => (row >= rowCount - MOST_CALLBACKS ? callbackUrl : undefined),
		get callbacks() {
			return called.size;
		},
		expectCallback: (row) => void called.add(row),
		api: { ...api, cancellation: allSubmitted, clock: createClock(allSubmitted) },
		noteSubmitted(row) {
			submitted.add(row);
			if (submitted.size === rowCount)
				allSubmitted.cancel(new FailureError(makeFailure('parked', 'parked', {})));
		},
	};
}
