/** Everything that was started, to be stopped in the reverse order. */
export interface Shutdown {
	/** Aborts when the user asks for the end: Ctrl+C, a closed terminal, or the end of the process above. */
	signal: AbortSignal;
	requested: Promise<void>;
	add: (stop: () => Promise<unknown>) => void;
	run: () => Promise<void>;
}

export function createShutdown(): Shutdown {
	const controller = new AbortController();
	const stops: Array<() => Promise<unknown>> = [];
	const request = () => controller.abort(new Error('Stopped.'));
	for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, request);

	// The shell or npm above may be killed without a word to its children; then nobody is left who could press Ctrl+C.
	const parent = process.ppid;
	const watch = setInterval(() => {
		if (process.ppid !== parent) request();
	}, 1000);
	watch.unref();

	return {
		signal: controller.signal,
		requested: new Promise((resolve) => {
			controller.signal.addEventListener('abort', () => resolve(), { once: true });
		}),
		add: (stop) => void stops.push(stop),
		run: async () => {
			for (const stop of stops.reverse()) {
				await stop().catch((error: unknown) => {
					console.error(error instanceof Error ? error.message : String(error));
				});
			}
		},
	};
}
