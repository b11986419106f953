import { sleep } from 'n8n-workflow';

import type { Cancellation } from '../../async/cancellation';
import type { Clock } from '../../async/clock';

const STARTED_AT = Date.now() - performance.now();

/** The machine's time, in one object so that the engine tests can put a virtual clock in its place. */
export const systemTime = {
	/** Steady: it begins at the machine's time and passes evenly, whatever happens to that clock. */
	now: (): number => Math.round(STARTED_AT + performance.now()),
	wallTime: (): number => Date.now(),
	sleep: async (ms: number): Promise<void> => await sleep(ms),
};

/** What a moment of the steady clock is on the machine's: for n8n's database, where it outlives this process. */
export const toWallTime = (steady: number): number =>
	systemTime.wallTime() + (steady - systemTime.now());

/** And back, in this process or in a later one. */
export const toSteadyTime = (wall: number): number =>
	systemTime.now() + (wall - systemTime.wallTime());

/** A clock whose sleep ends immediately when the run is cancelled. */
export function createClock(cancellation: Cancellation): Clock {
	return {
		now: () => systemTime.now(),
		wallTime: () => systemTime.wallTime(),
		async sleep(ms) {
			await new Promise<void>((resolve, reject) => {
				const forget = cancellation.onCancel(reject);
				void systemTime.sleep(ms).then(() => {
					forget();
					resolve();
				});
			});
		},
	};
}
