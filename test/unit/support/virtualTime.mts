import type { Clock } from '../../../nodes/shared/async/clock';
import type { Cancellation } from '../../../nodes/shared/async/cancellation';

/** Any point in time that isn't zero. */
export const START_MS = Date.parse('2026-11-22T08:00:00.000Z');

/** Far beyond what any test needs: whoever gets here doesn't end. */
const LONGEST_RUN_MS = 30 * 24 * 3_600_000;

/** Macrotask turns without a sleeper after which nothing can happen any more; streams need a few turns. */
const IDLE_TURNS = 40;

interface Sleeper {
	at: number;
	wake: () => void;
}

/** Time that stands still while there is something to do, and jumps to the next sleeper when there is not. */
export interface VirtualTime {
	clock: Clock;
	/** A clock whose sleep ends at once when the run is halted, as the client's does. */
	clockFor(cancellation: Cancellation): Clock;
	now(): number;
	/** Sets the machine's clock: the steady one, and the service's, go on as before. */
	jumpWall(ms: number): void;
	/** Milliseconds since the start. */
	elapsed(): number;
	/** Waits as a network does: like a sleep, but not one of the client's. */
	delay(ms: number): Promise<void>;
	/** All sleeps that the client has asked for, in ms. */
	sleeps: number[];
	/** Lets time pass until `work` has ended, and returns what it returned; throws if it never would. */
	run<T>(work: Promise<T> | (() => Promise<T>)): Promise<T>;
	/** Lets exactly `ms` pass, with everything that happens meanwhile. */
	advance(ms: number): Promise<void>;
}

/** Until the microtask queue is empty. */
export const flush = async (): Promise<void> => {
	await new Promise<void>((resolve) => setImmediate(resolve));
};

export function createVirtualTime(startMs = START_MS): VirtualTime {
	let now = startMs;
	const sleepers: Sleeper[] = [];
	const sleeps: number[] = [];
	let wallOffset = 0;
	const wallTime = (): number => now + wallOffset;

	const add = (ms: number, wake: () => void): Sleeper => {
		if (Number.isNaN(ms)) throw new Error('asked to sleep for NaN ms');
		const sleeper = { at: now + Math.max(0, ms), wake };
		const index = sleepers.findIndex((other) => other.at > sleeper.at);
		sleepers.splice(index === -1 ? sleepers.length : index, 0, sleeper);
		return sleeper;
	};
	const remove = (sleeper: Sleeper): void => {
		const index = sleepers.indexOf(sleeper);
		if (index !== -1) sleepers.splice(index, 1);
	};
	const wakeNext = (): void => {
		const next = sleepers.shift();
		if (!next) return;
		now = Math.max(now, next.at);
		next.wake();
	};
	const clockFor = (cancellation: Cancellation): Clock => ({
		now: () => now,
		wallTime,
		sleep: async (ms) => {
			sleeps.push(ms);
			await new Promise<void>((resolve, reject) => {
				const reason = cancellation.reason();
				if (reason) return reject(reason);
				const sleeper = add(ms, () => {
					forget();
					resolve();
				});
				const forget = cancellation.onCancel((why) => {
					remove(sleeper);
					reject(why);
				});
			});
		},
	});
	return {
		now: () => now,
		jumpWall(ms) {
			wallOffset += ms;
		},
		elapsed: () => now - startMs,
		sleeps,
		delay: async (ms) => await new Promise<void>((resolve) => add(ms, resolve)),
		clock: {
			now: () => now,
			wallTime,
			sleep: async (ms) => {
				sleeps.push(ms);
				await new Promise<void>((resolve) => add(ms, resolve));
			},
		},
		clockFor,
		async run(work) {
			const promise = typeof work === 'function' ? work() : work;
			let isOver = false;
			const over = (): void => {
				isOver = true;
			};
			promise.then(over, over);
			for (let idle = 0; ; ) {
				await flush();
				if (isOver) return await promise;
				if (now - startMs > LONGEST_RUN_MS) throw new Error('the work never ends');
				if (sleepers.length > 0) {
					idle = 0;
					wakeNext();
				} else if (++idle > IDLE_TURNS) {
					throw new Error('the work hangs: nothing is left that could wake it');
				}
			}
		},
		async advance(ms) {
			const until = now + ms;
			await flush();
			while ((sleepers[0]?.at ?? Infinity) <= until) {
				wakeNext();
				await flush();
			}
			now = until;
		},
	};
}
