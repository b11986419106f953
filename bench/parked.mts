import { setTimeout as sleep } from 'node:timers/promises';

import { listExecutionStatuses } from '../scripts/n8n/n8nExecutions.mts';
import { unwrap } from '../scripts/n8n/n8nRest.mts';
import { textAt } from '../scripts/n8n/shape.mts';
import {
	call,
	type MeasuredN8n,
	readDatabase,
	startMeasuredN8n,
	switchOn,
	talk,
	UNTIL_CHECKED_MS,
	waitForParent,
} from './realN8n.mts';
import { median, type Section } from './report.mts';

/** What a parked run costs while it waits, and how long a video lies at the service before the workflow goes on. */

const RUNS = 30;

/** n8n's timer looks once a minute, so the ends of the runs lie anywhere between two looks. */
const SPREAD_MS = 60_000;

const OPTIONS = { timeoutMinutes: 600 };

interface Lags {
	middle: number;
	percentile95: number;
	longest: number;
	/** The median of what passes until the task is read; the rest is n8n's way to the end of the execution. */
	untilRead: number;
}

async function measureLags(n8n: MeasuredN8n, name: string, rows: number): Promise<Lags> {
	const { testbed, files } = n8n;
	const { emulator, session } = testbed;
	const lags: number[] = [];
	const reads: number[] = [];
	const parked: Array<{ workflow: string; tasks: string[] }> = [];
	for (let run = 0; run < RUNS; run += 1) {
		const path = `${name}-${run}`;
		const before = emulator.paidTasks();
		const workflow = await switchOn(testbed, path, [talk(files, { options: OPTIONS })], rows);
		await call(testbed, path);
		await waitForParent(testbed, workflow, 'waiting');
		const tasks = emulator.tasks().slice(before);
		parked.push({ workflow, tasks: tasks.map(({ id }) => id) });
	}
	await Promise.all(
		parked.map(async ({ workflow, tasks }, run) => {
			await sleep((run * SPREAD_MS) / RUNS);
			// A second apart, so that most callbacks come while the child checks for another one.
			for (const id of tasks) {
				emulator.finishTask(id);
				if (tasks.length > 1) await sleep(1_000);
			}
			const endedAt = Math.max(
				...emulator.tasks().flatMap((task) => (tasks.includes(task.id) ? (task.endedAt ?? 0) : [])),
			);
			const id = await waitForParent(testbed, workflow, 'success');
			const found = unwrap(await session.http.get(`/rest/executions/${id}`), 'reading the run');
			const read = emulator
				.requests()
				.find(({ at, step, path }) => step === 'result' && at >= endedAt && isOneOf(path, tasks));
			reads.push(((read?.at ?? Number.NaN) - endedAt) / 1000);
			lags.push((Date.parse(textAt(found, 'stoppedAt') ?? '') - endedAt) / 1000);
		}),
	);
	const sorted = lags.sort((a, b) => a - b);
	return {
		middle: median(sorted),
		percentile95: sorted[Math.ceil(0.95 * sorted.length) - 1] ?? Number.NaN,
		longest: sorted.at(-1) ?? Number.NaN,
		untilRead: median(reads),
	};
}

const isOneOf = (path: string, ids: string[]): boolean => ids.some((id) => path.includes(id));

/** The bytes that n8n keeps of an execution. */
async function readStoredBytes(n8n: MeasuredN8n, execution: string): Promise<number> {
	const query = 'SELECT length(data) FROM execution_data WHERE executionId = ?';
	return Number((await readDatabase(n8n, query, execution))[0]);
}

const FIRST_CHECKS_MS = 70_000;
const WINDOW_MS = 150_000;

interface Cost {
	cpuSecondsPerHour: number;
	megabytesPerHour: number;
}

const cpuPerHour = async (n8n: MeasuredN8n, windowMs: number): Promise<number> => {
	const before = await n8n.readUsage();
	const startedAt = performance.now();
	await sleep(windowMs);
	const after = await n8n.readUsage();
	return ((after.cpuMs - before.cpuMs) / (performance.now() - startedAt)) * 3_600;
};

export async function measureCost(rows: number): Promise<Cost> {
	const n8n = await startUp();
	try {
		const { testbed, files } = n8n;
		const idle = await cpuPerHour(n8n, FIRST_CHECKS_MS);
		const path = `cost-${rows}`;
		const workflow = await switchOn(testbed, path, [talk(files, { options: OPTIONS })], rows);
		await call(testbed, path);
		await waitForParent(testbed, workflow, 'waiting');
		// n8n loads what it needs for the first time, and nothing is checked right after its start.
		await sleep(FIRST_CHECKS_MS);
		const found = await listExecutionStatuses(testbed.session, workflow);
		const child = found.find(({ mode }) => mode === 'integrated')?.id ?? '';
		const before = await readStoredBytes(n8n, child);
		const startedAt = performance.now();
		const cpu = await cpuPerHour(n8n, WINDOW_MS);
		const grown = (await readStoredBytes(n8n, child)) - before;
		const hours = (performance.now() - startedAt) / 3_600_000;
		return { cpuSecondsPerHour: cpu - idle, megabytesPerHour: grown / 1e6 / hours };
	} finally {
		await n8n.close();
	}
}

/** What two windows of an idle n8n differ by on a busy machine, scaled to an hour. */
const NOISE_SECONDS = 60;

const describeCpu = (seconds: number): string =>
	seconds < NOISE_SECONDS ? 'below the noise' : `${seconds.toFixed(0)} s`;

const startUp = async (): Promise<MeasuredN8n> =>
	await startMeasuredN8n({ taskSeconds: 1_000_000, balance: 100_000, speed: 1 });

export async function measureParked(): Promise<Section> {
	const section: Section = {
		title: 'Parked: lag and cost of the wait, in a real n8n',
		method:
			`One n8n with SQLite, real time. Lag: from the end of a run's last task to the end of its execution, ${RUNS} runs whose ends are spread over a minute; the tasks of the runs with 20 rows end a second apart. ` +
			`Cost per hour of waiting: extrapolated from ${WINDOW_MS / 1000} s, which begin some checks after the run was parked; processor time beyond that of an idle n8n, and the growth of what n8n stores of the child.`,
		columns: [
			'',
			'median',
			'median until it is read',
			'95th percentile',
			'longest',
			'processor per hour',
			'database per hour',
		],
		rows: [],
		bound:
			"without callbacks n8n's timer, which looks once a minute. With them the half second in which callbacks are gathered, and n8n: it reads the parent, then the child, runs the check and the results, and goes on with the parent. " +
			'The cost is that of reading and storing the child: its state and the list of its steps, which grows with each check. ' +
			'Many runs that are called back at once are more than a busy machine gets done: n8n answers late, and refuses calls to a child that is being run until the next attempt or its timer. ' +
			`Processor time below ${NOISE_SECONDS} s per hour can not be told from what an idle n8n takes.`,
		checks: [],
	};
	const n8n = await startUp();
	try {
		await sleep(UNTIL_CHECKED_MS);
		const seconds = ({ middle, untilRead, percentile95, longest }: Lags): string[] =>
			[middle, untilRead, percentile95, longest].map((lag) => `${lag.toFixed(1)} s`);
		const add = (name: string, lags: Lags, aim: number): void => {
			section.rows.push([name, ...seconds(lags), '', '']);
			console.error(section.rows.at(-1)?.join(' | '));
			const what = `${name}: lag at most ${aim} s in 95 of 100 runs`;
			section.checks.push({ what, isMet: lags.percentile95 <= aim });
		};
		add('1 row, with callbacks', await measureLags(n8n, 'called', 1), 5);
		add('20 rows, with callbacks', await measureLags(n8n, 'called20', 20), 5);
		n8n.testbed.emulator.addFault({ step: 'webhook', kind: 'resetBefore', times: Infinity });
		add('1 row, without callbacks', await measureLags(n8n, 'timed', 1), 75);
	} finally {
		await n8n.close();
	}
	const sizes = [1, 100, 1_000];
	// Side by side, each in an n8n of its own: processor time is counted by process.
	const costs = await Promise.all(sizes.map(async (rows) => await measureCost(rows)));
	for (const [index, { cpuSecondsPerHour, megabytesPerHour }] of costs.entries()) {
		section.rows.push([
			...[`${sizes[index]?.toLocaleString('en')} rows that wait`, '', '', '', ''],
			...[describeCpu(cpuSecondsPerHour), `${megabytesPerHour.toFixed(2)} MB`],
		]);
		console.error(section.rows.at(-1)?.join(' | '));
	}
	return section;
}
