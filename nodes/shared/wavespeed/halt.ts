import type { FailureError } from './failures';

/** Ends everything that waits in a run, at once: the user's Stop, or another row's failure in stop mode. */
export interface Halt {
	/** Ends the run; only the first reason counts. */
	halt(reason: FailureError): void;
	/** Why the run was halted; undefined while it goes on. */
	reason(): FailureError | undefined;
	/** Throws the reason if the run was halted. */
	check(): void;
	/** Calls back once when the run is halted; returns a function that takes the call-back out again. */
	onHalt(callback: (reason: FailureError) => void): () => void;
}

/** One list of call-backs instead of a listener per waiting row on n8n's signal, which warns above ten. */
export function createHalt(): Halt {
	let reason: FailureError | undefined;
	const callbacks = new Set<(reason: FailureError) => void>();
	return {
		halt(why) {
			if (reason) return;
			reason = why;
			for (const callback of [...callbacks]) callback(why);
			callbacks.clear();
		},
		reason: () => reason,
		check() {
			if (reason) throw reason;
		},
		onHalt(callback) {
			if (reason) {
				callback(reason);
				return () => {};
			}
			callbacks.add(callback);
			return () => callbacks.delete(callback);
		},
	};
}

/** Waits for `start` to call `resume`, or throws as soon as the run is halted. */
export async function untilResumed(
	halt: Halt,
	start: (resume: () => void) => (() => void) | void,
): Promise<void> {
	await new Promise<void>((resolve, reject) => {
		let cancel: (() => void) | void = undefined;
		const forget = halt.onHalt((reason) => {
			cancel?.();
			reject(reason);
		});
		cancel = start(() => {
			forget();
			resolve();
		});
	});
}
