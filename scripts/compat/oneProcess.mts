import { saveCredential, testCredential } from '../n8n/n8nCredentials.mts';
import { NODE_TYPE } from '../n8n/examples.mts';
import { listNodeTypes } from '../n8n/n8nRest.mts';
import { N8N_VERSION } from '../n8n/versions.mts';
import { startTestbed, type Testbed } from '../../test/e2e/testbed.mts';
import { report, runScenario } from './report.mts';
import {
	describeWait,
	expectFailure,
	expectVideos,
	failSecond,
	finishTasks,
	generate,
	readHints,
	startToPark,
	trigger,
} from './scenarios.mts';
import { openSite, type Site, taskSeconds } from './site.mts';

/** The node in one process of the n8n that N8N_VERSION names; what came of it goes into the given file. */

async function installAndTest(testbed: Testbed): Promise<string> {
	const types = await listNodeTypes(testbed.session);
	for (const type of [NODE_TYPE, `${NODE_TYPE}Tool`, `${NODE_TYPE}Trigger`]) {
		if (!types.includes(type)) throw new Error(`${type} is missing`);
	}
	const input = testbed.credentialInput();
	const reference = await saveCredential(testbed.session, input);
	const green = await testCredential(testbed.session, reference, input);
	if (!green.isGreen) throw new Error(`the test of the right key is red: ${green.message}`);
	const wrong = testbed.credentialInput('wrong-key');
	const red = await testCredential(testbed.session, reference, wrong);
	if (red.isGreen) throw new Error('the test of a wrong key is green');
	await saveCredential(testbed.session, input);
	return 'yes';
}

/** Both wait over a kill of n8n, if they are parked; one that polls would end with it. */
async function park(site: Site, testbed: Testbed): Promise<Record<string, string>> {
	const good = await startToPark(site, 'held good');
	const stopped = await startToPark(site, 'held stopped');
	const isParked = [good, stopped].every(({ status }) => status === 'waiting');
	if (isParked) await testbed.n8n.kill();
	finishTasks(site, good.started.name);
	failSecond(site, stopped.started.name);
	finishTasks(site, stopped.started.name);
	if (isParked) await testbed.restart();
	return {
		parked: await runScenario(async () => {
			const videos = await expectVideos(site, good);
			if (isParked) return `${videos}, n8n was killed meanwhile`;
			const hints = await readHints(site, good);
			const isTold = /this node waits while the execution runs/.test(hints);
			if (!isTold) throw new Error(`it does not say why it waits while it runs: ${hints}`);
			return `${videos}, a hint says why`;
		}),
		stopMode: await runScenario(async () => await expectFailure(site, stopped)),
	};
}

/** An execution that n8n is not to keep: its end is read from what it has handed on. */
async function unsaved(site: Site): Promise<string> {
	const name = 'held unsaved';
	const waiting = await startToPark(site, name, { saveDataSuccessExecution: 'none' });
	finishTasks(site, name);
	if (describeWait(waiting).startsWith('LOST')) throw new Error('lost while it waited');
	return await expectVideos(site, waiting);
}

const testbed = await startTestbed({ video: 'placeholder', taskSeconds, balance: 10_000 });
const site = await openSite({ session: () => testbed.session, emulator: testbed.emulator });
const results: Record<string, string> = {};
try {
	results.install = await runScenario(async () => await installAndTest(testbed));
	results.generate = await runScenario(async () => await generate(site));
	results.trigger = await runScenario(async () => await trigger(site));
	results.unsaved = await runScenario(async () => await unsaved(site));
	Object.assign(results, await park(site, testbed));
} finally {
	await site.close();
	await testbed.close();
}
await report(`n8n ${N8N_VERSION}, one process`, results);
process.exit(0);
