/**
 * How long a batch takes, against the best schedule that the account's limits allow: the same rows with one, two or
 * all tasks in flight. In n8n's engine, with real time. Ratios only: seconds say more about the machine than about the node.
 */
import { startEmulator } from '../test/emulator/emulator.mts';
import { initEngine, runNode } from '../test/engine/harness/engine.mts';
import { GENERATE, makeRows } from '../test/engine/harness/rig.mts';

const TASK_SECONDS = 3;

interface Measure {
	rows: number;
	inFlight: number;
}

const MEASURES: Measure[] = [
	{ rows: 1, inFlight: 100 },
	{ rows: 20, inFlight: 100 },
	{ rows: 6, inFlight: 2 },
	{ rows: 100, inFlight: 100 },
];

async function measure({ rows, inFlight }: Measure): Promise<string> {
	const emulator = await startEmulator({ video: 'placeholder', taskSeconds: TASK_SECONDS });
	const items = await makeRows(rows);
	const options = { pollIntervalSeconds: 1, maxTasksInFlight: inFlight };
	const startedAt = performance.now();
	const { error } = await runNode({
		credential: { apiKey: emulator.apiKey, baseUrl: emulator.url, accountLevel: 'ultra' },
		items,
		parameters: { ...GENERATE, options },
	});
	const seconds = (performance.now() - startedAt) / 1000;
	const paid = emulator.paidTasks();
	await emulator.close();
	if (error || paid !== rows) throw new Error(`${rows} rows gave ${paid} tasks: ${error?.message}`);

	const best = Math.ceil(rows / inFlight) * TASK_SECONDS;
	const oneByOne = rows * TASK_SECONDS;
	const cells = [
		rows,
		Math.min(inFlight, rows),
		(seconds / best).toFixed(2),
		(oneByOne / seconds).toFixed(1),
	];
	return `| ${cells.join(' | ')} |`;
}

await initEngine();
console.log(`Tasks of ${TASK_SECONDS} s, checked every second.\n`);
console.log(
	'| rows | tasks in flight | time / best schedule | times faster than one after the other |',
);
console.log('| --- | --- | --- | --- |');
for (const what of MEASURES) console.log(await measure(what));
// Timers of requests that ended long ago would keep the process for some minutes.
process.exit(0);
