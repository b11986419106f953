import {
	describeFailure,
	listExecutions,
	outputItems,
	retryExecution,
} from '../../scripts/n8n/n8nExecutions.mts';
import { valueAt } from '../../scripts/n8n/shape.mts';
import { until } from './chainedWorkflow.mts';
import { LONG_TIMEOUT_MS, useLongTasks } from './longTasks.mts';

const {
	testbed,
	files,
	newTasks,
	polls,
	finishAll,
	taskOf,
	switchCallbacksOff,
	node,
	input,
	talk,
	switchOn,
	start,
	waitUntil,
	waitForSuccess,
	childOf,
	expectVideos,
	shortenWait,
} = useLongTasks();

describe('n8n is killed', () => {
	it(
		'parked, without any callback: n8n is killed, and each run goes on by itself after the restart',
		async () => {
			switchCallbacksOff();
			const onError = { onError: 'continueErrorOutput' };
			const retry = { retryOnFail: true, maxTries: 3, waitBetweenTries: 500 };
			const odd = 'Talk }} now';
			const fields = { options: { includeInputFields: true } };
			const audioUrl = `={{ $json.bad ? "nonsense" : "${files().url}/speech.mp3" }}`;
			const badUrl = { ...fields, audioUrl };
			const behind = { name: 'Behind', type: 'n8n-nodes-base.set', typeVersion: 3.4 };
			const jsonOutput = `={{ { id: $json.taskId, prompt: $('Split').item.json.prompt } }}`;
			const flows = {
				good: await switchOn('good', [
					talk('Talk'),
					{ ...behind, parameters: { mode: 'raw', jsonOutput, options: {} } },
				]),
				stopped: await switchOn('stopped', [talk('Talk')]),
				odd: await switchOn('odd', [talk(odd, badUrl, { ...onError, ...retry })], {}, [
					{ prompt: 'odd 1', bad: true, constructor: 'a', toString: 'b' },
					{ prompt: 'odd 2', constructor: 'a', toString: 'b' },
					{ prompt: 'odd 3', constructor: 'a', toString: 'b' },
				]),
			};
			const paidBefore = testbed().emulator.paidTasks();
			const ids = {
				good: await start(flows.good, 'good'),
				stopped: await start(flows.stopped, 'stopped'),
				odd: await start(flows.odd, 'odd'),
			};
			for (const id of Object.values(ids)) await waitUntil(id, 'waiting');
			expect(testbed().emulator.paidTasks() - paidBefore).toBe(8);

			await testbed().n8n.kill();
			testbed().emulator.addFault({
				...{ step: 'result', kind: 'status', status: 404, times: Infinity },
				body: { code: 404, message: 'not found' },
				when: ({ path }) => path.includes(taskOf('odd 2').id),
			});
			for (const { id, input: asked } of newTasks(paidBefore)) {
				const failure = { code: 1200, error: 'flagged as sensitive' };
				if (asked.prompt === 'stopped 2') testbed().emulator.failTask(id, failure);
				else testbed().emulator.finishTask(id);
			}
			await testbed().restart();
			const restartedAt = Date.now();

			const good = await waitForSuccess(ids.good);
			expect(Date.now() - restartedAt).toBeLessThan(75_000);
			expect(outputItems(good, 'Behind').map(({ json }) => json)).toEqual(
				[1, 2, 3].map((row) => ({ id: taskOf(`good ${row}`).id, prompt: `good ${row}` })),
			);
			expect(outputItems(good, 'Talk').map(({ json }) => valueAt(json, 'videoUrl'))).toEqual(
				[1, 2, 3].map((row) => taskOf(`good ${row}`).outputs[0]),
			);

			const stopped = await waitUntil(ids.stopped, 'error');
			const said = describeFailure(stopped);
			expect(said).toMatch(/Row 2: .*flagged as sensitive/);
			for (const row of [1, 2, 3]) expect(said).toContain(taskOf(`stopped ${row}`).id);
			expect(said).toMatch(/Existing Task ID/);

			const oddRun = await waitForSuccess(ids.odd);
			const [kept] = outputItems(oddRun, odd);
			expect(kept?.json).toMatchObject({ prompt: 'odd 3', constructor: 'a', toString: 'b' });
			expect(outputItems(oddRun, odd)).toHaveLength(1);
			const failed = outputItems(oddRun, odd, 1).map(({ json }) => valueAt(json, 'prompt'));
			expect(failed).toEqual(['odd 1', 'odd 2']);
			expect(testbed().emulator.paidTasks() - paidBefore).toBe(8);
			expect(await listExecutions(testbed().session, flows.odd)).toHaveLength(2);
			testbed().emulator.clearFaults();
		},
		LONG_TIMEOUT_MS,
	);

	it(
		'parked: n8n is killed in a check, and in the step of the results, and the records of the tasks go on at the limit',
		async () => {
			const before = testbed().emulator.paidTasks();
			const download = { options: { downloadVideo: true } };
			const flows = {
				check: await switchOn('in a check', [talk('Talk')]),
				result: await switchOn('in the results', [talk('Talk', download)]),
			};
			const ids = {
				check: await start(flows.check, 'in a check'),
				result: await start(flows.result, 'in the results'),
			};
			for (const id of Object.values(ids)) await waitUntil(id, 'waiting');
			const children = {
				check: await childOf(flows.check, ids.check),
				result: await childOf(flows.result, ids.result),
			};
			testbed().emulator.addFault({
				...{ step: 'result', kind: 'hang', times: Infinity },
				when: ({ path }) => path.includes(taskOf('in a check 1').id),
			});
			testbed().emulator.addFault({ step: 'download', kind: 'hang', times: Infinity });
			testbed().emulator.finishTask(taskOf('in a check 2').id);
			for (const row of [1, 2, 3])
				testbed().emulator.finishTask(taskOf(`in the results ${row}`).id);
			for (const child of Object.values(children)) await waitUntil(child, 'running');
			await until(() => {
				const open = testbed()
					.emulator.requests()
					.filter(({ status }) => status === 'hang');
				return ['result', 'download'].every((step) => open.some((one) => one.step === step));
			});

			await testbed().n8n.kill();
			testbed().emulator.clearFaults();
			for (const id of Object.values(ids)) await shortenWait(id);
			await testbed().restart();

			for (const child of Object.values(children)) await waitUntil(child, 'crashed');
			for (const [flow, id] of Object.entries(ids)) {
				const name = flow === 'check' ? 'in a check' : 'in the results';
				const records = outputItems(await waitForSuccess(id), 'Talk').map(({ json }) => json);
				expect(records).toEqual(
					[1, 2, 3].map((row) =>
						expect.objectContaining({
							taskId: taskOf(`${name} ${row}`).id,
							prompt: `${name} ${row}`,
						}),
					),
				);
			}
			expect(testbed().emulator.paidTasks() - before).toBe(6);
		},
		LONG_TIMEOUT_MS,
	);

	it(
		'polled: n8n is killed while "Wait" waits, and Retry of the crashed execution goes on there',
		async () => {
			const before = testbed().emulator.paidTasks();
			const workflowId = await switchOn(
				'saved',
				[
					node('Submit', { resource: 'task', operation: 'submit', ...input() }),
					node('Wait', { resource: 'task', operation: 'wait', taskId: '={{ $json.taskId }}' }),
				],
				{ saveExecutionProgress: true },
			);
			const pollsBefore = polls().length;
			const id = await start(workflowId, 'saved');
			await until(() => polls().length > pollsBefore);
			expect(newTasks(before)).toHaveLength(3);

			await testbed().n8n.kill();
			finishAll(before);
			await testbed().restart();

			await waitUntil(id, 'crashed');
			const retried = await waitForSuccess(await retryExecution(testbed().session, id));
			expectVideos(retried, 'Wait', before);
			expect(testbed().emulator.paidTasks() - before).toBe(3);
		},
		LONG_TIMEOUT_MS,
	);

	it(
		'polled: n8n is killed while "Generate" waits, and "Get Many" brings the videos back',
		async () => {
			const before = testbed().emulator.paidTasks();
			const startedAt = new Date().toISOString();
			const talk = { operation: 'generate', ...input() };
			const pollsBefore = polls().length;
			const id = await start(await switchOn('lost', [node('Talk', talk)]), 'lost');
			await until(() => newTasks(before).length === 3 && polls().length > pollsBefore);

			await testbed().n8n.kill();
			finishAll(before);
			await testbed().restart();

			await waitUntil(id, 'crashed');
			const list = {
				resource: 'task',
				operation: 'getAll',
				returnAll: true,
				filters: { createdAfter: startedAt },
			};
			const again = await switchOn('found', [{ ...node('Tasks', list), executeOnce: true }]);
			const found = await waitForSuccess(await start(again, 'found'));
			expectVideos(found, 'Tasks', before);
			expect(testbed().emulator.paidTasks() - before).toBe(3);
		},
		LONG_TIMEOUT_MS,
	);
});
