import { sleep } from 'n8n-workflow';

import type { Clock } from '../../async/clock';
import type { Cancellation } from '../../async/cancellation';

/** The machine's time, in one object so that the engine tests can put a virtual clock in its place. */
export const systemTime = {
	now: (): number => Date.now(),
	sleep: async (ms: number): Promise<void> => await sleep(ms),
};

/** A clock whose sleep ends at once when the run is cancelled. */
export function createClock(cancellation: Cancellation): Clock {
	return {
		now: () => systemTime.now(),
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
