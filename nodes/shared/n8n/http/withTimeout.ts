import type { Cancellation } from '../../async/cancellation';
import { systemTime } from '../session/clock';

/**
 * Ends the wait for a request at its time limit, and on Stop if there is a `cancellation`. n8n's own time limit counts silence
 * only, so a body that drips in would hold a workflow for ever. `leftMs`: asked when the time is over, for a limit that
 * moves while the request gets on.
 */
export async function withTimeout<T>(
	timeoutMs: number,
	cancellation: Cancellation | undefined,
	sending: Promise<T>,
	leftMs: () => number = () => 0,
): Promise<T | 'timedOut'> {
	// The request that lost the race may still fail later; nobody listens any more.
	sending.catch(() => {});
	const alarm = setAlarm(timeoutMs, leftMs);
	return await new Promise<T | 'timedOut'>((resolve, reject) => {
		const forget = cancellation ? cancellation.onCancel(reject) : (): void => {};
		const finish = (settleIt: () => void): void => {
			forget();
			alarm.ring = undefined;
			alarm.isOff = true;
			settleIt();
		};
		alarm.ring = () => finish(() => resolve('timedOut'));
		sending.then(
			(value) => finish(() => resolve(value)),
			(error: unknown) => finish(() => reject(error)),
		);
	});
}

/** A timer can't be taken back; what it would wake can, so that it doesn't keep an answer in memory until it rings. */
function setAlarm(firstMs: number, leftMs: () => number): Alarm {
	const alarm: Alarm = { ring: undefined, isOff: false };
	const wait = async (): Promise<void> => {
		for (let ms = firstMs; ms > 0 && !alarm.isOff; ms = leftMs()) await systemTime.sleep(ms);
		alarm.ring?.();
	};
	void wait();
	return alarm;
}

interface Alarm {
	ring: (() => void) | undefined;
	isOff: boolean;
}
