import { nextGapMs } from '../nodes/shared/wavespeed/tasks/waitStep';
import { secondsOfRow } from './durations.mts';
import { average, percent, ratio, type Section } from './report.mts';

/**
 * Would it help if the rows of a batch learned from those that have ended? A calculation with the node's own gaps, without
 * requests: the answer depends on nothing else than when the checks fall.
 */

const ROWS = 100;
const IN_FLIGHT = 2;
const POLL_INTERVAL_SECONDS = 5;

/** Seconds until the next check, from the seconds waited and the durations of the tasks that have ended. */
type Law = (waited: number, seen: number[]) => number;

const gapAsNow: Law = (waited) => nextGapMs(waited * 1000, POLL_INTERVAL_SECONDS * 1000) / 1000;

const LAWS: Record<string, Law> = {
	'as it is': gapAsNow,
	'first check at 0.9 of the shortest so far': (waited, seen) => {
		const untilExpected = seen.length === 0 ? 0 : 0.9 * Math.min(...seen) - waited;
		return Math.max(gapAsNow(waited, seen), untilExpected);
	},
	'seldom at first, often near the average so far': (waited, seen) => {
		if (seen.length === 0) return gapAsNow(waited, seen);
		const expected = average(seen);
		const isNear = waited > 0.6 * expected && waited < 1.3 * expected;
		return Math.max(POLL_INTERVAL_SECONDS, waited * (isNear ? 0.04 : 0.25));
	},
};

const BATCHES: Record<string, (row: number) => number> = {
	'alike, 4 min ± 20 %': (row) => secondsOfRow(row, 240),
	'the first ones slow (cold start), then 1 min': (row) =>
		secondsOfRow(row, row < IN_FLIGHT ? 240 : 60),
	'mixed, 30 s to 10 min': (row) => 30 * 20 ** (secondsOfRow(row, 2.5) - 2),
};

function simulate(durations: number[], law: Law) {
	const seen: number[] = [];
	const places = Array.from({ length: IN_FLIGHT }, () => ({ freeAt: 0, done: 0 }));
	const ended: Array<{ at: number; seconds: number }> = [];
	let checks = 0;
	const lags: number[] = [];
	for (const seconds of durations) {
		const place = places.reduce((a, b) => (a.freeAt <= b.freeAt ? a : b));
		// Only what had been seen to end when this task began.
		seen.splice(
			0,
			seen.length,
			...ended.filter(({ at }) => at <= place.freeAt).map((one) => one.seconds),
		);
		let waited = POLL_INTERVAL_SECONDS;
		if (seen.length > 0) waited = Math.max(waited, law(0, seen));
		for (checks += 1; waited < seconds; checks += 1) waited += law(waited, seen);
		lags.push((waited - seconds) / seconds);
		place.freeAt += waited;
		ended.push({ at: place.freeAt, seconds: waited });
	}
	const best = durations.reduce((sum, seconds) => sum + seconds, 0) / IN_FLIGHT;
	const time = Math.max(...places.map(({ freeAt }) => freeAt));
	return { checks: checks / durations.length, lags, time: time / best };
}

export async function measureLearning(): Promise<Section> {
	const section: Section = {
		title: 'Learning from the rows that have ended: not worth it',
		method: `A calculation: ${ROWS} rows, ${IN_FLIGHT} in flight, Check Interval ${POLL_INTERVAL_SECONDS} s, three laws for the gap between two checks.`,
		columns: [
			'durations',
			'law',
			'checks per task',
			'lag, average',
			'lag, longest',
			'time / shortest',
		],
		rows: [],
		bound:
			'that nobody knows how long the next task takes. Where all tasks are alike, learning saves checks, which cost nothing, and a few percent of the time. Where the first ones were slow, or the voices differ in length, ' +
			'it leaves finished videos lying and their places at the account empty. So the node keeps the law that never loses more than a tenth. ' +
			"One request for all tasks of a batch is no way either: WaveSpeed's documentation asks not to poll the task list.",
		checks: [],
	};
	for (const [batch, secondsOf] of Object.entries(BATCHES)) {
		const durations = Array.from({ length: ROWS }, (_, row) => secondsOf(row));
		for (const [name, law] of Object.entries(LAWS)) {
			const { checks, lags, time } = simulate(durations, law);
			section.rows.push([
				...[batch, name, checks.toFixed(1), percent(average(lags))],
				...[percent(Math.max(...lags)), ratio(time)],
			]);
		}
	}
	return section;
}
