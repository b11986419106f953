import axios from 'axios';

import { NODE_TYPE, prepareExample, readExamples } from '../../scripts/n8n/examples.mts';
import {
	addTableRows,
	changeTableRows,
	ensureTable,
	readTableRows,
} from '../../scripts/n8n/n8nDataTables.mts';
import {
	describeFailure,
	listExecutions,
	stopExecution,
	waitForExecution,
} from '../../scripts/n8n/n8nExecutions.mts';
import { activateWorkflow, runWorkflow, saveWorkflow } from '../../scripts/n8n/n8nWorkflows.mts';
import type { JsonRecord } from '../../scripts/n8n/shape.mts';
import type { EveryStep, RecordedRequest } from '../emulator/emulator.mts';
import { until, webhookAt } from './chainedWorkflow.mts';
import { setParameters } from './editWorkflow.mts';
import { type FileServer, serveFolder } from './fileServer.mts';
import {
	HAS_NAMED_TABLES,
	MEDIA,
	ROOT,
	RUN_TIMEOUT_MS,
	START_TIMEOUT_MS,
	startTestbed,
	type Testbed,
} from './testbed.mts';
import { isRecord } from '../../nodes/shared/json';

const TABLE = 'Talking videos';
const COLUMNS = [
	...['name', 'image_url', 'audio_url', 'prompt', 'status', 'seed', 'started_at'],
	...['task_id', 'video_url', 'cost_usd', 'error'],
];

const TRIGGER = 'Every night';
const MODEL = 'wavespeed-ai/wan-2.2/speech-to-video';

const describeWithNamedTables = HAS_NAMED_TABLES ? describe : describe.skip;

describeWithNamedTables('the table batch is started again after whatever ended it', () => {
	let files: FileServer;
	let testbed: Testbed;
	let workflowId: string;
	let round = 0;
	let prompts: string[] = [];

	beforeAll(async () => {
		files = await serveFolder(MEDIA);
		// At the emulator's speed of 50 a task takes a second.
		testbed = await startTestbed({ video: 'placeholder', taskSeconds: 50 });
		await ensureTable(testbed.session, TABLE, COLUMNS);
		workflowId = await saveExample('table-batch');
	}, START_TIMEOUT_MS);
	afterAll(async () => {
		await testbed?.close();
		await files?.close();
	}, 60_000);

	/** As users import it. Two pauses are shorter: the emulator's list is never late, and its tasks take a second. */
	async function saveExample(name: string, trigger?: object): Promise<string> {
		const example = (await readExamples(ROOT)).find(({ key }) => key === 'table-batch');
		const prepared = prepareExample(example!, await testbed.saveCredential(), MEDIA);
		const workflow = structuredClone({ ...prepared, name });
		setParameters(workflow, 'Give the list a minute', { amount: 0 });
		for (const node of workflow.nodes) {
			if (trigger && node.name === TRIGGER) Object.assign(node, trigger);
			if (node.type !== NODE_TYPE || node.name !== 'Wait for the videos') continue;
			const parameters = isRecord(node.parameters) ? node.parameters : {};
			const options = isRecord(parameters.options) ? parameters.options : {};
			node.parameters = { ...parameters, options: { ...options, pollIntervalSeconds: 1 } };
		}
		return await saveWorkflow(testbed.session, workflow);
	}

	async function addThreeRows(more: JsonRecord = {}): Promise<void> {
		testbed.emulator.clearFaults();
		round += 1;
		prompts = [1, 2, 3].map((row) => `Round ${round}, row ${row}`);
		const media = { image_url: `${files.url}/portrait.png`, audio_url: `${files.url}/speech.mp3` };
		const rows = prompts.map((prompt) => ({ prompt, ...media, status: 'new', ...more }));
		await addTableRows(testbed.session, TABLE, rows);
	}

	const rowsOfRound = async (): Promise<JsonRecord[]> =>
		(await readTableRows(testbed.session, TABLE)).filter(({ prompt }) =>
			prompts.includes(String(prompt)),
		);
	const tasksOfRound = () =>
		testbed.emulator.tasks().filter(({ input }) => prompts.includes(String(input.prompt)));
	const startAgain = async () => await runWorkflow(testbed.session, workflowId, TRIGGER);

	async function expectSuccess(executionId: string): Promise<void> {
		const options = { timeoutMs: RUN_TIMEOUT_MS };
		const execution = await waitForExecution(testbed.session, executionId, options);
		if (execution.status !== 'success') throw new Error(describeFailure(execution));
	}

	/** One paid task for each row, and its video in the table. */
	async function expectAllPaidOnce(): Promise<void> {
		expect(
			tasksOfRound()
				.map(({ input }) => input.prompt)
				.sort(),
		).toEqual(prompts);
		const rows = await rowsOfRound();
		expect(rows.map(({ status }) => status)).toEqual(['done', 'done', 'done']);
		for (const row of rows) {
			const task = tasksOfRound().find(({ input }) => input.prompt === row.prompt);
			expect(row).toMatchObject({ task_id: task!.id, video_url: task!.outputs[0] });
			expect(row.seed).toBe(String(task!.input.seed));
		}
	}

	const requestsSince = (first: number, step: EveryStep): RecordedRequest[] =>
		testbed.emulator
			.requests()
			.slice(first)
			.filter((request) => request.step === step);

	/** Resolves when as many requests of the step have had the answer. */
	async function untilAnswered(
		step: EveryStep,
		count: number,
		status: RecordedRequest['status'],
		first = 0,
	): Promise<void> {
		await until(
			() =>
				requestsSince(first, step).filter((request) => request.status === status).length >= count,
		);
	}

	/** A moment at which the power goes: what is prepared before the start, and what is waited for after it. */
	interface Moment {
		title: string;
		prepare?: () => void;
		reached: (first: number) => Promise<void>;
		/** What is paid by then, if the moment leaves no doubt. */
		paid?: number;
		then?: () => Promise<void>;
	}

	const hang = (step: EveryStep, skip: number, kind: 'hang' | 'hangAfter' = 'hang') => ({
		prepare: () => testbed.emulator.addFault({ step, kind, skip, times: Infinity }),
		reached: async (first: number) => await untilAnswered(step, 1, 'hang', first),
	});

	const MOMENTS: Moment[] = [
		{ title: 'before the first submit, with the row begun', ...hang('price', 0), paid: 0 },
		{ title: 'while the first submit is on its way', ...hang('submit', 0), paid: 0 },
		{
			title: 'when the first is accepted, before the answer',
			...hang('submit', 0, 'hangAfter'),
			paid: 1,
		},
		{
			title: 'with the first answer on its way into the table',
			reached: async (first) => await untilAnswered('submit', 1, 200, first),
		},
		{ title: 'between two rows', ...hang('price', 1), paid: 1 },
		{
			title: 'when the second is accepted, before the answer',
			...hang('submit', 1, 'hangAfter'),
			paid: 2,
		},
		{
			title: 'when the last is accepted, before the answer',
			...hang('submit', 2, 'hangAfter'),
			paid: 3,
		},
		{ title: 'while all three are waited for', ...hang('result', 0), paid: 3 },
		{
			title: 'with the videos on their way into the table',
			reached: async () =>
				await until(async () => (await rowsOfRound()).some(({ status }) => status === 'done')),
			paid: 3,
		},
		{
			title: 'twice: before an answer, and again while the next start looks for that task',
			...hang('submit', 1, 'hangAfter'),
			paid: 2,
			async then() {
				const first = testbed.emulator.requests().length;
				testbed.emulator.addFault({ step: 'list', kind: 'hang', times: Infinity });
				await startAgain();
				await untilAnswered('list', 1, 'hang', first);
				await testbed.n8n.kill();
				testbed.emulator.clearFaults();
				await testbed.restart();
			},
		},
	];

	it.each(MOMENTS)(
		'killed $title: the next start pays for nothing twice, and every video is in the table',
		async ({ prepare, reached, paid, then }) => {
			await addThreeRows();
			prepare?.();
			const first = testbed.emulator.requests().length;
			await startAgain();
			await reached(first);
			await testbed.n8n.kill();
			if (paid !== undefined) expect(tasksOfRound()).toHaveLength(paid);
			testbed.emulator.clearFaults();
			await testbed.restart();
			await then?.();

			await expectSuccess(await startAgain());
			await expectAllPaidOnce();
		},
		3 * RUN_TIMEOUT_MS,
	);

	it(
		'killed while it is parked: the next start does not wait for the parked one, and pays for nothing twice',
		async () => {
			await addThreeRows();
			const id = await saveExample('Table batch, switched on', webhookAt('table-batch'));
			await activateWorkflow(testbed.session, id);
			await axios.post(`${testbed.n8n.url}/webhook/table-batch`, {}, { proxy: false });
			await until(async () => {
				const [, parked] = (await listExecutions(testbed.session, id)).reverse();
				return parked !== undefined;
			});
			expect(tasksOfRound()).toHaveLength(3);
			await testbed.n8n.kill();
			await testbed.restart();

			await expectSuccess(await startAgain());
			await expectAllPaidOnce();
		},
		3 * RUN_TIMEOUT_MS,
	);

	it(
		'started twice at the same moment: each row is made by one of the two',
		async () => {
			await addThreeRows();
			const both = [await startAgain(), await startAgain()];
			for (const id of both) await expectSuccess(id);
			await expectSuccess(await startAgain());
			await expectAllPaidOnce();
		},
		2 * RUN_TIMEOUT_MS,
	);

	it(
		'stopped in the middle of the submits: the next start goes on with the task that was accepted',
		async () => {
			await addThreeRows();
			const first = testbed.emulator.requests().length;
			testbed.emulator.addFault({ step: 'submit', kind: 'hangAfter', skip: 1 });
			const id = await startAgain();
			await untilAnswered('submit', 1, 'hang', first);
			await stopExecution(testbed.session, id);

			await expectSuccess(await startAgain());
			await expectAllPaidOnce();
		},
		2 * RUN_TIMEOUT_MS,
	);

	it(
		'a row that was not sent says why, and is made by the next start after it was corrected',
		async () => {
			await addThreeRows({ audio_url: 'not an address' });
			await expectSuccess(await startAgain());
			expect(tasksOfRound()).toHaveLength(0);
			for (const row of await rowsOfRound()) {
				expect(row).toMatchObject({ status: 'retry', task_id: '' });
				expect(row.error).toMatch(/"Audio URL" is not a web address.*Nothing was paid/);
			}
			const data = { audio_url: `${files.url}/speech.mp3` };
			await changeTableRows(testbed.session, TABLE, { status: 'retry' }, data);
			await expectSuccess(await startAgain());
			await expectAllPaidOnce();
		},
		2 * RUN_TIMEOUT_MS,
	);

	it(
		'with a list that does not say what its tasks were made from, a task that may be paid for is named and nothing is sent',
		async () => {
			await addThreeRows();
			await changeTableRows(
				testbed.session,
				TABLE,
				{ prompt: prompts[0]! },
				{ status: 'started', seed: '7', started_at: new Date().toISOString() },
			);
			const task = { id: 'a'.repeat(32), model: MODEL, status: 'processing', outputs: [] };
			const created = { created_at: new Date().toISOString() };
			for (const items of [[{ ...task, ...created }], []]) {
				const body = { code: 200, message: 'success', data: { page: 1, items } };
				testbed.emulator.addFault({ step: 'list', kind: 'status', status: 200, body });
			}
			await expectSuccess(await startAgain());
			const [begun, ...others] = await rowsOfRound();
			expect(begun).toMatchObject({ status: 'check', error: expect.stringContaining(task.id) });
			expect(others.map(({ status }) => status)).toEqual(['done', 'done']);
			expect(tasksOfRound()).toHaveLength(2);

			// As the text says: it was none of this row's.
			await changeTableRows(testbed.session, TABLE, { status: 'check' }, { status: 'new' });
			await expectSuccess(await startAgain());
			await expectAllPaidOnce();
		},
		2 * RUN_TIMEOUT_MS,
	);
});
