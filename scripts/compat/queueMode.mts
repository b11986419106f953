import { N8N_VERSION } from '../n8n/versions.mts';
import { type QueueTestbed, startQueue } from '../../test/queue/queueTestbed.mts';
import { report, runScenario } from './report.mts';
import {
	describeWait,
	expectFailure,
	expectVideos,
	failSecond,
	finishTasks,
	generate,
	startToPark,
	trigger,
	type Waiting,
} from './scenarios.mts';
import { openSite, type Site, taskSeconds } from './site.mts';

/**
 * The node in queue mode of the n8n that N8N_VERSION names: main, two workers, Redis, PostgreSQL. The instance does not keep
 * executions that end well, as many do for their size: some n8n lose a waiting execution then.
 */
const NOT_SAVED = { EXECUTIONS_DATA_SAVE_ON_SUCCESS: 'none' };

async function run(site: Site, testbed: QueueTestbed): Promise<Record<string, string>> {
	const results: Record<string, string> = {};
	results.generate = await runScenario(async () => await generate(site));
	results.trigger = await runScenario(async () => await trigger(site));

	const byWorkflow = await startToPark(site, 'held not kept', { saveDataSuccessExecution: 'none' });
	const byInstance = await startToPark(site, 'held as the instance', {});
	const kept = await startToPark(site, 'held kept');
	const stopped = await startToPark(site, 'held stopped');
	const all = [byWorkflow, byInstance, kept, stopped];
	// Those that poll would end with their worker.
	for (const waiting of all.filter(({ status }) => status !== 'waiting')) {
		finishTasks(site, waiting.started.name);
	}
	const told = async (waiting: Waiting) =>
		await runScenario(async () =>
			describeWait(waiting).startsWith('LOST')
				? describeWait(waiting)
				: await expectVideos(site, waiting),
		);
	for (const [name, waiting] of Object.entries({ byWorkflow, byInstance })) {
		if (waiting.status !== 'waiting') results[name] = await told(waiting);
	}
	// All that is parked goes on with the other worker.
	await testbed.workers[0]?.kill();
	failSecond(site, stopped.started.name);
	for (const { started } of all) finishTasks(site, started.name);
	results.byWorkflow ??= await told(byWorkflow);
	results.byInstance ??= await told(byInstance);
	results.parked = `${await told(kept)}, a worker was killed meanwhile`;
	results.stopMode = await runScenario(async () => await expectFailure(site, stopped));
	return results;
}

const testbed = await startQueue({
	...{ workers: 2, concurrency: 10, env: NOT_SAVED },
	emulator: { video: 'placeholder', taskSeconds, balance: 10_000, speed: 50 },
});
const site = await openSite({ session: () => testbed.session, emulator: testbed.emulator });
let results: Record<string, string> = {};
try {
	results = await run(site, testbed);
} finally {
	await site.close();
	await testbed.close();
}
await report(`n8n ${N8N_VERSION}, queue mode`, results);
process.exit(0);
