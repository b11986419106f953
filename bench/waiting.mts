import { GENERATE, makeRows, startRig } from '../test/engine/harness/rig.mts';
import { secondsOfRow } from './durations.mts';
import { average, percent, type Section } from './report.mts';

/** What waiting costs: checks per task, and how long a video lies at the service before the item leaves the node. */

const TYPICAL_SECONDS = [10, 120, 1_200, 3_600];

/** So many tasks of each kind, one run each: a lag depends on where the end falls between two checks. */
const TASKS = 11;

interface Waited {
	taskSeconds: number;
	checks: number;
	lagSeconds: number;
}

async function waitForOne(taskSeconds: number, pollIntervalSeconds: number): Promise<Waited> {
	const rig = await startRig({ taskSeconds });
	const options = { timeoutMinutes: 120, pollIntervalSeconds };
	const items = await makeRows(1);
	const { error } = await rig.run({ items, parameters: { ...GENERATE, options } });
	const [task] = rig.emulator.tasks();
	const checks = rig.emulator.requests().filter(({ step }) => step === 'result').length;
	const lagSeconds = (rig.clock.now() - (task?.endedAt ?? Number.NaN)) / 1000;
	await rig.close();
	if (error) throw error;
	return { taskSeconds, checks, lagSeconds };
}

export async function measureWaiting(isShort: boolean): Promise<Section> {
	const section: Section = {
		title: 'Waiting: checks and lag',
		method:
			`One row, default options, virtual time, ${isShort ? 5 : TASKS} tasks of each kind (± 20 %). Lag: from the end at the service until the item leaves the node. ` +
			'"Fixed 2 s" is what a check every two seconds takes for the same tasks.',
		columns: [
			...['a task', 'Check Interval', 'checks', 'fixed 2 s', 'share'],
			...['lag, average', 'lag, longest', 'lag / duration, longest'],
		],
		rows: [],
		bound:
			'the law of the gaps: a tenth of the time waited, at least the Check Interval, at most 30 s. Only for tasks shorter than ten Check Intervals is the lag more than a tenth: with the default of 5 s ' +
			'that is a video of about four seconds or less, and Check Interval 1 brings it back below a tenth.',
		checks: [],
	};
	for (const typical of TYPICAL_SECONDS) {
		for (const interval of typical < 60 ? [5, 1] : [5]) {
			const waited: Waited[] = [];
			for (let row = 0; row < (isShort ? 5 : TASKS); row += 1) {
				waited.push(await waitForOne(secondsOfRow(row, typical), interval));
			}
			const checks = average(waited.map((one) => one.checks));
			const fixed = average(waited.map((one) => Math.ceil(one.taskSeconds / 2)));
			const lags = waited.map((one) => one.lagSeconds);
			const shares = waited.map((one) => one.lagSeconds / one.taskSeconds);
			section.rows.push([
				...[`${typical} s`, `${interval} s`, checks.toFixed(1), fixed.toFixed(1)],
				percent(checks / fixed),
				...[`${average(lags).toFixed(1)} s`, `${Math.max(...lags).toFixed(1)} s`],
				percent(Math.max(...shares)),
			]);
			const isShorterThanTenChecks = typical < 10 * interval;
			section.checks.push(
				{ what: `lag of ${typical} s tasks at most 30 s`, isMet: Math.max(...lags) <= 30.5 },
				{
					what: `lag of ${typical} s tasks, checked every ${interval} s, at most a tenth`,
					isMet: isShorterThanTenChecks || Math.max(...shares) <= 0.105,
				},
				{
					what: `checks of ${typical} s tasks, as a share of fixed 2 s polling`,
					isMet: typical < 60 || checks / fixed <= (typical < 1_000 ? 0.35 : 0.1),
				},
			);
		}
	}
	return section;
}
