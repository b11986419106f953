/** Slow enough for a log file, often enough that nobody believes it hangs. */
const INTERVAL_MS = 20_000;

/** Says that something long is going on, and for how long already. */
export function startProgress(say: (text: string) => void, what: string): { stop: () => void } {
	const startedAt = Date.now();
	const seconds = () => Math.round((Date.now() - startedAt) / 1000);
	say(`${what} …`);
	const timer = setInterval(() => say(`  … ${seconds()} s`), INTERVAL_MS);
	return {
		stop: () => {
			clearInterval(timer);
			say(`  … ended after ${seconds()} s`);
		},
	};
}
