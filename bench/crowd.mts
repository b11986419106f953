import { ACCOUNT_LIMITS } from '../nodes/shared/wavespeed/accountLevels';
import { GENERATE, makeRows, startRig } from '../test/engine/harness/rig.mts';
import { secondsOfRow, taskSeconds } from './durations.mts';
import { ratio, type Section } from './report.mts';

/** Many executions of one row each at the same moment, as a form or a chat starts them: one account for all. */

interface Crowd {
	executions: number;
	level: 'bronze' | 'silver';
	/** About how long a task takes. */
	seconds: number;
	/** One more execution, which came a moment before with so many rows. */
	batchRows: number;
}

const crowd = (executions: number, level: Crowd['level'], more: Partial<Crowd> = {}): Crowd => ({
	...{ executions, level, seconds: 60, batchRows: 0 },
	...more,
});

const CROWDS: Crowd[] = [
	...[8, 50, 200].flatMap((count) => [crowd(count, 'bronze'), crowd(count, 'silver')]),
	// Tasks longer than the minute in which submits are counted, and shorter ones.
	crowd(50, 'bronze', { seconds: 240 }),
	crowd(50, 'bronze', { seconds: 20 }),
	crowd(8, 'bronze', { batchRows: 50 }),
];
const SHORT: Crowd[] = [crowd(8, 'bronze'), crowd(50, 'silver')];

const PLENTY_USD = 10_000;
const MINUTE = 60;

/**
 * When each task would end if every one were submitted as soon as there is a place and fewer than the limit were
 * submitted in the 60 s before; in the order of coming, seconds from the start. Nothing takes any time but the tasks.
 */
export function bestEnds(durations: number[], level: Crowd['level']): number[] {
	const { tasksInFlight, submitsPerMinute } = ACCOUNT_LIMITS[level];
	const starts: number[] = [];
	const freeAt: number[] = new Array<number>(tasksInFlight).fill(0);
	return durations.map((seconds, index) => {
		freeAt.sort((a, b) => a - b);
		const windowFreeAt = (starts[index - submitsPerMinute] ?? -MINUTE) + MINUTE;
		const start = Math.max(freeAt[0] ?? 0, windowFreeAt, starts.at(-1) ?? 0);
		starts.push(start);
		freeAt[0] = start + seconds;
		return start + seconds;
	});
}

interface Outcome {
	/** From the common start until its items left the node, in the order of ending; seconds. */
	ends: number[];
	/** Of the batch beside it. */
	batchEnd: number;
	refusals: number;
}

async function runCrowd({ executions, level, seconds, batchRows }: Crowd): Promise<Outcome> {
	const rig = await startRig({
		...{ balance: PLENTY_USD, accountLevel: level, taskSeconds: taskSeconds(seconds) },
	});
	const rows = await makeRows(executions + batchRows);
	const before = rig.clock.now();
	const runOne = async (items: typeof rows): Promise<number> => {
		const { error } = await rig.start({ items, parameters: GENERATE });
		if (error) throw error;
		return (rig.clock.now() - before) / 1000;
	};
	const batch = batchRows > 0 ? runOne(rows.slice(executions)) : Promise.resolve(0);
	const all = Promise.all(rows.slice(0, executions).map(async (row) => await runOne([row])));
	const [ends, batchEnd] = await rig.until(Promise.all([all, batch]));
	const paid = rig.emulator.paidTasks();
	const refusals = rig.emulator.requests().filter(({ status }) => status === 429).length;
	await rig.close();
	if (paid !== executions + batchRows) throw new Error(`${executions} executions, ${paid} tasks`);
	return { ends: ends.sort((a, b) => a - b), batchEnd, refusals };
}

/** In the order of coming: who comes between the rows of a batch shares the places with it, turn by turn. */
function planFairly({ executions, level, seconds, batchRows }: Crowd): {
	ends: number[];
	whole: number;
} {
	const order: number[] = [];
	const ofBatch = Array.from({ length: batchRows }, (_, row) => executions + row).values();
	const takeOfBatch = (): void => {
		const next = ofBatch.next();
		if (!next.done) order.push(next.value);
	};
	// The batch has the places before the others come.
	const { tasksInFlight } = ACCOUNT_LIMITS[level];
	for (let place = 0; place < tasksInFlight; place += 1) takeOfBatch();
	// Each execution has one turn in a round; so has the batch.
	for (let one = 0; one < executions; one += 1) order.push(one);
	for (let row = 0; row < batchRows; row += 1) takeOfBatch();
	const ends = bestEnds(
		order.map((row) => secondsOfRow(row, seconds)),
		level,
	);
	const single = ends.filter((_, index) => (order[index] ?? 0) < executions);
	return { ends: single.sort((a, b) => a - b), whole: Math.max(...ends) };
}

export async function measureCrowd(isShort: boolean): Promise<Section> {
	const section: Section = {
		title: 'Crowd: many executions of one row each, at the same moment, on one account',
		method:
			'Generate Video in executions that start together, all with the same key, virtual time, tasks of ± 20 %. Time until the last has ended, divided by the best schedule that the documented limits allow: a task is submitted as soon as the account has a place, and fewer tasks than the limit were submitted in any 60 s before. ' +
			'Refused: answers "too many requests". Fairness: how much later than in that schedule the first, the second … of the executions ends, at worst; it has places to give turn by turn. The last line has an execution of 50 rows that begins with them.',
		columns: [
			'executions',
			'account',
			'a task',
			'time / best',
			'refused',
			'worst wait / fair share',
		],
		rows: [],
		bound:
			'the gap between two checks, a tenth of the time waited: a place is given on, and an item leaves its node, on average 5 % of a task after its end. Tasks shorter than ten Check Intervals (20 s) are seen up to 5 s late, which is the worst wait there; the time of the whole is then that of the submits of a minute. ' +
			'No execution waits longer than its share of the schedule but for that gap. The emulator counts submits by the minute of the clock, the node in any 60 s, which never is more.',
		checks: [],
	};
	for (const one of isShort ? SHORT : CROWDS) {
		const { executions, level, seconds, batchRows } = one;
		const { ends, batchEnd, refusals } = await runCrowd(one);
		const best = planFairly(one);
		const time = Math.max(...ends, batchEnd) / best.whole;
		const fairness = Math.max(...ends.map((end, index) => end / (best.ends[index] ?? 0)));
		const name = batchRows > 0 ? `${executions} and ${batchRows} rows` : executions;
		section.rows.push([name, level, `${seconds} s`, ratio(time), refusals, ratio(fairness)]);
		section.checks.push(
			{
				what: `${name} on ${level} (${seconds} s) take at most 1.15 times the best`,
				isMet: time <= 1.15,
			},
			{ what: `${name} on ${level} (${seconds} s) are not refused`, isMet: refusals === 0 },
		);
	}
	return section;
}
