import fc from 'fast-check';

/** More of them find more: `PROPERTY_RUNS=5000 npx jest --selectProjects fuzz`. */
const GIVEN_RUNS = process.env.PROPERTY_RUNS;

const SECONDS_FOR_ALL = 50;

/** How often a property is tried, and how long that may take; a failure prints its seed. */
export function howOften(usualRuns: number): {
	runs: Omit<fc.Parameters<unknown>, 'reporter' | 'asyncReporter'>;
	timeoutMs: number;
} {
	const numRuns = Number(GIVEN_RUNS ?? usualRuns);
	const more = Math.max(1, numRuns / usualRuns);
	const timeoutMs = SECONDS_FOR_ALL * 1000 * more;
	const seed = process.env.PROPERTY_SEED;
	return {
		runs: {
			numRuns,
			// Ends the search for a simpler case in time for the seed to be printed.
			interruptAfterTimeLimit: timeoutMs,
			markInterruptAsFailure: true,
			...(seed ? { seed: Number(seed) } : {}),
		},
		timeoutMs: timeoutMs + 30_000,
	};
}
