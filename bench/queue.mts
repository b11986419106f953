/**
 * How many executions n8n gets through in queue mode with one and with two workers, against what the workers' slots allow:
 * an execution that polls holds one of its worker's slots for as long as its task takes.
 */
import { cpus } from 'node:os';

import { type QueueTestbed, startQueue } from '../test/queue/queueTestbed.mts';
import {
	type LiveWorkflow,
	send,
	switchOn,
	talk,
	waitForStatus,
} from '../test/queue/workflows.mts';
import { percent, type Section } from './report.mts';

const EXECUTIONS = 60;
const CONCURRENCY = 5;
const TASK_SECONDS = 4;

interface Throughput {
	workers: number;
	executions: number;
	/** From the first webhook call to the end of the last execution. */
	seconds: number;
	perMinute: number;
	/** What the slots allow: workers × concurrency ÷ seconds of a task. */
	slotsAllowPerMinute: number;
	/** How busy the machine's cores were, with everything that ran on it: near 1 they are the bound, not the slots. */
	coresBusy: number;
}

/** Seconds of all cores so far: in use, and altogether. */
function readCores(): { busy: number; all: number } {
	const times = cpus().map((core) => core.times);
	const all = times.flatMap((one) => Object.values(one)).reduce((sum, ms) => sum + ms, 0);
	const idle = times.reduce((sum, one) => sum + one.idle, 0);
	return { busy: (all - idle) / 1000, all: all / 1000 };
}

async function measure(testbed: QueueTestbed, workflow: LiveWorkflow): Promise<Throughput> {
	const ended = ['success', 'error', 'crashed', 'canceled'];
	const workers = testbed.workers.length;
	// Loads what is loaded only once: the node's code, the credential.
	await send(testbed, workflow, ['first', 'second', 'third', 'fourth']);
	await waitForStatus(testbed, workflow, ended, 4);

	const measured = await switchOn(testbed, `workers-${workers}`, [talk(OPTIONS)]);
	const paidBefore = testbed.emulator.paidTasks();
	const coresBefore = readCores();
	const startedAt = performance.now();
	await send(
		testbed,
		measured,
		Array.from({ length: EXECUTIONS }, (_, index) => `video ${index}`),
	);
	const ids = await waitForStatus(testbed, measured, ['success'], EXECUTIONS, 600_000);
	const seconds = (performance.now() - startedAt) / 1000;
	const cores = readCores();
	const paid = testbed.emulator.paidTasks() - paidBefore;
	if (ids.length !== EXECUTIONS || paid !== EXECUTIONS) {
		throw new Error(`${EXECUTIONS} executions gave ${ids.length} results and ${paid} tasks.`);
	}
	return {
		workers,
		executions: EXECUTIONS,
		seconds,
		perMinute: (EXECUTIONS / seconds) * 60,
		slotsAllowPerMinute: ((workers * CONCURRENCY) / TASK_SECONDS) * 60,
		coresBusy: (cores.busy - coresBefore.busy) / (cores.all - coresBefore.all),
	};
}

const OPTIONS = { options: { pollIntervalSeconds: 1 } };

async function measureBoth(): Promise<Throughput[]> {
	const testbed = await startQueue({
		workers: 1,
		concurrency: CONCURRENCY,
		emulator: { video: 'placeholder', taskSeconds: TASK_SECONDS },
	});
	try {
		const workflow = await switchOn(testbed, 'warm-up', [talk(OPTIONS)]);
		const withOne = await measure(testbed, workflow);
		testbed.workers.push(await testbed.startWorker());
		return [withOne, await measure(testbed, workflow)];
	} finally {
		await testbed.close();
	}
}

export async function measureQueue(): Promise<Section> {
	const measured = await measureBoth();
	return {
		title: 'Queue mode: one worker and two',
		method: `${EXECUTIONS} executions of one row each, polling every second, tasks of ${TASK_SECONDS} s; ${CONCURRENCY} slots in each worker; n8n, its workers, Redis, PostgreSQL and the emulator share ${cpus().length} cores.`,
		columns: ['workers', 'per minute', 'the slots allow', 'reached', 'cores busy'],
		rows: measured.map(({ workers, perMinute, slotsAllowPerMinute, coresBusy }) => [
			...[workers, perMinute.toFixed(0), slotsAllowPerMinute.toFixed(0)],
			...[percent(perMinute / slotsAllowPerMinute), percent(coresBusy)],
		]),
		bound:
			"the workers' slots: an execution that polls holds one for as long as its task takes, and in callback mode it holds none. What is missing to 100 % is the gap to the next check and n8n's own work per execution; where the cores are all busy, they are the bound.",
		checks: [],
	};
}
