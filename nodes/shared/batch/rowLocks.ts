import type { Cancellation } from '../async/cancellation';
import { Semaphore } from '../async/semaphore';

/** By the ledger. */
const LOCKS = new WeakMap<object, Map<string, Semaphore>>();

/**
 * Of two executions that share a ledger only one works on a row at a time: the other one then finds the row's task
 * instead of paying for a second one. `name`: of the row, in which round of a loop.
 */
export async function withRowLock<T>(
	store: object,
	name: string,
	cancellation: Cancellation,
	work: () => Promise<T>,
): Promise<T> {
	const locks = LOCKS.get(store) ?? new Map<string, Semaphore>();
	LOCKS.set(store, locks);
	const lock = locks.get(name) ?? new Semaphore(1);
	locks.set(name, lock);
	return await lock.run(cancellation, work).finally(() => {
		if (lock.isIdle) locks.delete(name);
	});
}
