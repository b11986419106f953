import fc from 'fast-check';

import { EXAMPLES } from './examples.mts';
import { findBroken } from './promises.mts';
import { anySchedule, type Schedule } from './schedule.mts';
import { playSchedule } from './world.mts';

/** More of them find more: `PROPERTY_RUNS=5000 npx jest --selectProjects unit --testPathPatterns explorer`. */
const RUNS = Number(process.env.PROPERTY_RUNS ?? 300);
const MORE_TIME = Math.max(1, RUNS / 300);
const { PROPERTY_SEED, PROPERTY_PATH } = process.env;

async function explore(schedule: Schedule): Promise<void> {
	expect(findBroken(await playSchedule(schedule))).toEqual([]);
}

describe('all that one account goes through', () => {
	it.each(EXAMPLES)('keeps all promises: %s', async (_, schedule) => await explore(schedule));

	it(
		'neither pays twice, nor mixes up videos, nor loses a task, nor exceeds a limit, nor goes on for ever',
		async () => {
			await fc.assert(fc.asyncProperty(anySchedule, explore), {
				numRuns: RUNS,
				// A failure prints both.
				...(PROPERTY_SEED === undefined ? {} : { seed: Number(PROPERTY_SEED) }),
				...(PROPERTY_PATH === undefined ? {} : { path: PROPERTY_PATH }),
				// Ends the search for a simpler case in time for the seed to be printed.
				interruptAfterTimeLimit: 150_000 * MORE_TIME,
				markInterruptAsFailure: true,
			});
		},
		200_000 * MORE_TIME,
	);
});
