import {
	describeFailure,
	type Execution,
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
	rewrite,
	shortenWait,
	statusOf,
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
			expect(said).toMatch(/flagged as sensitive.*\. Row 2, task/);
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

	/** What n8n has stored when it is killed after the end of the child, and before it wakes the parent. */
	const noteEnded = async (child: string): Promise<void> =>
		await rewrite(
			child,
			"UPDATE execution_entity SET status = 'success', finished = 1, waitTill = NULL, stoppedAt = CURRENT_TIMESTAMP WHERE id = ?",
		);

	it(
		'parked: n8n is killed at any point, and the records of the tasks go on at the limit, or Get Many has them',
		async () => {
			const before = testbed().emulator.paidTasks();
			const startedAt = new Date().toISOString();
			const names = {
				submit: 'while submitting',
				check: 'in a check',
				result: 'in the results',
				between: 'between child and parent',
			};
			const download = { options: { downloadVideo: true } };
			// It is paid for, and nobody here knows.
			testbed().emulator.addFault({
				...{ step: 'submit', kind: 'hangAfter' },
				when: ({ body }) => valueAt(body, 'prompt') === `${names.submit} 3`,
			});
			const run = async (name: string, more: object = {}) => {
				const flow = await switchOn(name, [talk('Talk', more)]);
				return { name, flow, id: await start(flow, name) };
			};
			const check = await run(names.check);
			const result = await run(names.result, download);
			const between = await run(names.between);
			const parked = [check, result, between];
			for (const { id } of parked) await waitUntil(id, 'waiting');
			const childOfRun = async ({ flow, id }: (typeof parked)[number]) => await childOf(flow, id);
			const busy = [await childOfRun(check), await childOfRun(result)];
			const ended = await childOfRun(between);
			testbed().emulator.addFault({
				...{ step: 'result', kind: 'hang', times: Infinity },
				when: ({ path }) => path.includes(taskOf(`${names.check} 1`).id),
			});
			testbed().emulator.addFault({ step: 'download', kind: 'hang', times: Infinity });
			testbed().emulator.finishTask(taskOf(`${names.check} 2`).id);
			for (const row of [1, 2, 3]) {
				testbed().emulator.finishTask(taskOf(`${names.result} ${row}`).id);
			}
			for (const child of busy) await waitUntil(child, 'running');
			await until(() => {
				const open = testbed()
					.emulator.requests()
					.filter(({ status }) => status === 'hang');
				return ['result', 'download'].every((step) => open.some((one) => one.step === step));
			});
			const submit = await run(names.submit);
			await until(() => testbed().emulator.paidTasks() - before === 12);
			expect(await statusOf(submit.id)).toBe('running');

			await testbed().n8n.kill();
			testbed().emulator.clearFaults();
			for (const { id } of parked) await shortenWait(id);
			await noteEnded(ended);
			await testbed().restart();

			for (const child of [...busy, submit.id]) await waitUntil(child, 'crashed');
			for (const { name, id } of parked) {
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
			const listed = JSON.stringify(await listTasksSince(startedAt));
			for (const { id } of newTasks(before)) expect(listed).toContain(id);
			expect(testbed().emulator.paidTasks() - before).toBe(12);
		},
		LONG_TIMEOUT_MS,
	);

	let lists = 0;
	/** What "Get Many" gives. */
	async function listTasksSince(createdAfter: string): Promise<Execution> {
		const name = `list ${(lists += 1)}`;
		const list = {
			...{ resource: 'task', operation: 'getAll', returnAll: true },
			filters: { createdAfter },
		};
		const flow = await switchOn(name, [{ ...node('Tasks', list), executeOnce: true }]);
		return await waitForSuccess(await start(flow, name));
	}

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
			const found = await listTasksSince(startedAt);
			expectVideos(found, 'Tasks', before);
			expect(testbed().emulator.paidTasks() - before).toBe(3);
		},
		LONG_TIMEOUT_MS,
	);
});
