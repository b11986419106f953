import { fileURLToPath } from 'node:url';

import { serveFolder } from '../test/e2e/fileServer.mts';
import { startEmulator } from '../test/emulator/emulator.mts';
import { forgetAll, initEngine, runNode, systemTime } from '../test/engine/harness/engine.mts';
import { GENERATE, makeRows, startRig } from '../test/engine/harness/rig.mts';
import { shortestSchedule, taskSeconds } from './durations.mts';
import { runFixedPoller } from './fixedPoller.mts';
import { ratio, type Section } from './report.mts';

/** A batch against the shortest schedule that the account allows, and against one row after the other. */

interface Batch {
	rows: number;
	/** Places at the account; Infinity: more than rows. */
	inFlight: number;
	/** About how long a task takes. */
	seconds: number;
	/** In real time everything counts, in virtual time the waiting only. */
	time: 'real' | 'virtual';
}

/** A minute is what five seconds of voice take. */
const VIRTUAL: Batch[] = [
	{ rows: 1, inFlight: Number.POSITIVE_INFINITY, seconds: 60, time: 'virtual' },
	{ rows: 10, inFlight: Number.POSITIVE_INFINITY, seconds: 60, time: 'virtual' },
	{ rows: 10, inFlight: 2, seconds: 60, time: 'virtual' },
	{ rows: 100, inFlight: Number.POSITIVE_INFINITY, seconds: 60, time: 'virtual' },
	{ rows: 100, inFlight: 2, seconds: 60, time: 'virtual' },
	{ rows: 1_000, inFlight: 2, seconds: 60, time: 'virtual' },
];
const REAL: Batch[] = [
	{ rows: 1, inFlight: Number.POSITIVE_INFINITY, seconds: 20, time: 'real' },
	{ rows: 10, inFlight: Number.POSITIVE_INFINITY, seconds: 20, time: 'real' },
	{ rows: 10, inFlight: 2, seconds: 8, time: 'real' },
	{ rows: 100, inFlight: Number.POSITIVE_INFINITY, seconds: 20, time: 'real' },
	{ rows: 1_000, inFlight: Number.POSITIVE_INFINITY, seconds: 60, time: 'real' },
];
const SHORT: Batch[] = [
	{ rows: 10, inFlight: 2, seconds: 60, time: 'virtual' },
	{ rows: 100, inFlight: Number.POSITIVE_INFINITY, seconds: 10, time: 'real' },
];

/** Enough for a thousand videos. */
const PLENTY_USD = 10_000;

/** One after the other, a thousand rows only repeat what a hundred show. */
const MOST_ROWS_ONE_BY_ONE = 100;

interface Outcome {
	seconds: number;
	checksPerTask: number;
}

const countChecks = (requests: Array<{ step?: string }>): number =>
	requests.filter(({ step }) => step === 'result').length;

function parametersOf({ rows, inFlight, time }: Batch) {
	const maxTasksInFlight = Math.min(inFlight, rows);
	// In real time the tasks are short, so a check every five seconds would decide everything.
	const options = { maxTasksInFlight, ...(time === 'real' ? { pollIntervalSeconds: 1 } : {}) };
	return { ...GENERATE, options };
}

async function runVirtual(batch: Batch): Promise<Outcome> {
	const rig = await startRig({ balance: PLENTY_USD, taskSeconds: taskSeconds(batch.seconds) });
	const items = await makeRows(batch.rows);
	const before = rig.clock.now();
	const { error } = await rig.run({ items, parameters: parametersOf(batch) });
	const seconds = (rig.clock.now() - before) / 1000;
	const paid = rig.emulator.paidTasks();
	const checksPerTask = countChecks(rig.emulator.requests()) / batch.rows;
	await rig.close();
	if (error || paid !== batch.rows)
		throw new Error(`${batch.rows} rows, ${paid} tasks: ${error?.message}`);
	return { seconds, checksPerTask };
}

async function runReal(batch: Batch): Promise<Outcome> {
	await initEngine();
	systemTime.now = Date.now;
	systemTime.wallTime = Date.now;
	forgetAll();
	systemTime.sleep = async (ms) => await new Promise((resolve) => setTimeout(resolve, ms));
	const emulator = await startEmulator({
		video: 'placeholder',
		accountLevel: 'ultra',
		balance: PLENTY_USD,
		taskSeconds: taskSeconds(batch.seconds),
	});
	const credential = { apiKey: emulator.apiKey, baseUrl: emulator.url, accountLevel: 'ultra' };
	const items = await makeRows(batch.rows);
	const startedAt = performance.now();
	const { error } = await runNode({ credential, items, parameters: parametersOf(batch) });
	const seconds = (performance.now() - startedAt) / 1000;
	const paid = emulator.paidTasks();
	const checksPerTask = countChecks(emulator.requests()) / batch.rows;
	await emulator.close();
	if (error || paid !== batch.rows)
		throw new Error(`${batch.rows} rows, ${paid} tasks: ${error?.message}`);
	return { seconds, checksPerTask };
}

async function runOneByOne(batch: Batch): Promise<Outcome> {
	const rig = await startRig({ balance: PLENTY_USD, taskSeconds: taskSeconds(batch.seconds) });
	const prompts = Array.from({ length: batch.rows }, (_, row) => `row ${row}`);
	const before = rig.clock.now();
	const files = await serveFolder(fileURLToPath(new URL('../test/media', import.meta.url)));
	const polling = runFixedPoller(rig.emulator, rig.clock, files.url, prompts);
	await rig.clock.runUntil(polling, rig.emulator);
	await files.close();
	const seconds = (rig.clock.now() - before) / 1000;
	const checksPerTask = countChecks(rig.emulator.requests()) / batch.rows;
	await rig.close();
	return { seconds, checksPerTask };
}

export async function measureBatches(isShort: boolean): Promise<Section> {
	const section: Section = {
		title: 'Batch: as long as its slowest video',
		method:
			'Time of one execution of Generate Video, divided by the shortest schedule that the account allows: no task is longer than the whole, and no place of the account is ever empty. ' +
			'Tasks differ by ± 20 %. Virtual time shows the waiting alone (Check Interval 5 s, the default), real time adds uploads, requests and n8n itself (Check Interval 1 s). ' +
			'Beside it a simple node: one row after the other, checked every 2 s. In brackets: checks per task.',
		columns: ['rows', 'tasks in flight', 'a task', 'clock', 'this node', 'one after the other'],
		rows: [],
		bound:
			'the gap between two checks, which is a tenth of the time waited: on average a task is seen 5 % after its end. With two places that delay also holds up the next row; with enough places only the slowest row counts. A smaller share would bring more checks than a third of those of a fixed 2 s. ' +
			'In real time a thousand rows add the time to submit them.',
		checks: [],
	};
	for (const batch of isShort ? SHORT : [...VIRTUAL, ...REAL]) {
		const { rows, inFlight, seconds, time } = batch;
		const best = shortestSchedule(rows, inFlight, seconds);
		const describe = (outcome: Outcome): string =>
			`${ratio(outcome.seconds / best)} (${outcome.checksPerTask.toFixed(1)})`;
		const ours = await (time === 'real' ? runReal(batch) : runVirtual(batch));
		const isCompared = time === 'virtual' && rows <= MOST_ROWS_ONE_BY_ONE;
		const theirs = isCompared ? describe(await runOneByOne(batch)) : '';
		const places = Number.isFinite(inFlight) ? inFlight : 'all';
		section.rows.push([rows, places, `${seconds} s`, time, describe(ours), theirs]);
		section.checks.push({
			what: `${rows} rows with ${places} in flight take less than 1.5 times the shortest schedule`,
			isMet: ours.seconds / best < 1.5,
		});
	}
	return section;
}
