import type { Cancellation } from '../../async/cancellation';
import { systemTime } from '../session/clock';

/**
 * Ends the wait for a request at its time limit, and on Stop if there is a `cancellation`. n8n's own time limit counts silence
 * only, so a body that drips in would hold a workflow for ever.
 */
export async function withTimeout<T>(
	timeoutMs: number,
	cancellation: Cancellation | undefined,
	sending: Promise<T>,
): Promise<T | 'timedOut'> {
	// The request that lost the race may still fail later; nobody listens any more.
	sending.catch(() => {});
	const alarm = setAlarm(timeoutMs);
	return await new Promise<T | 'timedOut'>((resolve, reject) => {
		const forget = cancellation ? cancellation.onCancel(reject) : (): void => {};
		const finish = (settleIt: () => void): void => {
			forget();
			alarm.ring = undefined;
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
function setAlarm(ms: number): { ring: (() => void) | undefined } {
	const alarm: { ring: (() => void) | undefined } = { ring: undefined };
	void systemTime.sleep(ms).then(() => alarm.ring?.());
	return alarm;
}
