import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { NODE_TYPE } from '../../scripts/n8n/examples.mts';
import { unwrap } from '../../scripts/n8n/n8nRest.mts';
import { type JsonRecord, listAt, textAt, valueAt } from '../../scripts/n8n/shape.mts';
import { N8N_VERSION } from '../../scripts/n8n/versions.mts';
import { until } from './chainedWorkflow.mts';
import { useLongTasks } from './longTasks.mts';
import { ROOT, RUN_TIMEOUT_MS } from './testbed.mts';
import { isRecord } from '../../nodes/shared/json';

/** n8n 1.x finds a data table by its ID only, which an example can't know. */
const onVersionsWithNamedTables = N8N_VERSION.startsWith('1.') ? it.skip : it;

const {
	testbed,
	files,
	folder,
	newTasks,
	taskOf,
	switchOnExample,
	start,
	waitUntil,
	waitForSuccess,
} = useLongTasks();

describe('the examples for long tasks', () => {
	/** An old row, so that rows and items are counted differently, three new ones, and one whose audio is missing. */
	async function writeSheet(): Promise<void> {
		const header = 'row,name,image_url,audio_url,prompt,status,video_url,cost_usd,error';
		const media = `${files().url}/portrait.png,${files().url}/speech.mp3`;
		const lines = [1, 2, 3, 4].map(
			(row) => `${row},Name ${row},${media},Hello ${row},${row === 1 ? 'done' : 'new'},,,`,
		);
		lines.push(`5,Name 5,${media.replace('speech', 'missing')},Hello 5,new,,,`);
		await writeFile(join(folder(), 'batch.csv'), `${[header, ...lines].join('\n')}\n`);
	}
	const readSheet = async () =>
		(await readFile(join(folder(), 'batch.csv'), 'utf8')).trim().split('\n').slice(1);

	/** The video of row 2 has been made, row 3 has failed. */
	function endTwo(before: number): string[] {
		const ids = [2, 3, 4].map((row) => {
			const task = newTasks(before).find((one) => one.input.prompt === `Hello ${row}`);
			return task!.id;
		});
		testbed().emulator.finishTask(ids[0]!);
		testbed().emulator.failTask(ids[1]!, { code: 1200, error: 'flagged as sensitive' });
		return ids;
	}

	it(
		'the durable batch writes the results of each round before it starts the next, and says which row is late',
		async () => {
			const before = testbed().emulator.paidTasks();
			await writeSheet();
			const { id: workflowId } = await switchOnExample('durable-batch', (one) => {
				const options = valueAt(one, 'parameters', 'options');
				if (one.name !== 'Make the videos' || !isRecord(options)) return one;
				// Just more than the shortest wait that is worth parking for.
				const shorter = { ...options, timeoutMinutes: 1.1 };
				return { ...one, parameters: { ...(one.parameters as object), options: shorter } };
			});
			const id = await start(workflowId, 'durable-batch');
			await waitUntil(id, 'waiting');
			const firstRound = newTasks(before).map((task) => task.input.prompt);
			expect(firstRound.sort()).toEqual(['Hello 2', 'Hello 3']);
			testbed().emulator.finishTask(taskOf('Hello 2').id);
			testbed().emulator.failTask(taskOf('Hello 3').id, { code: 1200, error: 'too sensitive' });
			await until(() => newTasks(before).length === 3);
			const [, second, third, fourth] = await readSheet();
			expect(second).toMatch(/^2,Name 2,.*,Hello 2,done,\w+,http.*\.mp4,0\.15,/);
			expect(third).toMatch(/^3,Name 3,.*,Hello 3,failed,.*sensitive/);
			expect(fourth).toMatch(/^4,Name 4,.*,Hello 4,new,/);

			await waitForSuccess(id);
			const sheet = await readSheet();
			expect(sheet).toHaveLength(5);
			expect(sheet[0]).toMatch(/^1,Name 1,.*,Hello 1,done,/);
			expect(sheet[1]).toBe(second);
			expect(sheet[3]).toMatch(/^4,Name 4,.*,Hello 4,late,/);
			expect(sheet[4]).toMatch(/^5,Name 5,.*,Hello 5,failed,.*audio/i);
			for (const row of [2, 3, 4]) expect(sheet[row - 1]).toContain(taskOf(`Hello ${row}`).id);
			expect(testbed().emulator.paidTasks() - before).toBe(3);
		},
		3 * RUN_TIMEOUT_MS,
	);

	onVersionsWithNamedTables(
		'the fan-out writes each result into the row with its task ID',
		async () => {
			const before = testbed().emulator.paidTasks();
			const { http } = testbed().session;
			const project = unwrap(await http.get('/rest/projects/personal'), 'the project');
			const tables = `/rest/projects/${textAt(project, 'id')}/data-tables`;
			const sample = await readFile(join(ROOT, 'examples', 'fan-out.csv'), 'utf8');
			const names = sample.split('\n')[0]!.split(',');
			const columns = names.map((name) => ({ name, type: 'string' }));
			const created = await http.post(tables, { name: 'Talking videos', columns });
			const table = `${tables}/${textAt(unwrap(created, 'creating the table'), 'id')}`;
			const media = {
				image_url: `${files().url}/portrait.png`,
				audio_url: `${files().url}/speech.mp3`,
			};
			const data = [1, 2, 3, 4, 5].map((row) => ({
				...{ name: `Name ${row}`, ...media, prompt: `Hello ${row}` },
				...(row === 5 ? { audio_url: `${files().url}/missing.mp3` } : {}),
				status: row === 1 ? 'done' : 'new',
			}));
			unwrap(await http.post(`${table}/insert`, { data, returnType: 'count' }), 'adding rows');
			const readRows = async () =>
				listAt(unwrap(await http.get(`${table}/rows`), 'reading the rows'), 'data');

			const results = await switchOnExample('fan-out-result');
			const trigger = results.nodes.find(({ type }) => type === `${NODE_TYPE}Trigger`);
			const webhookUrl = `${testbed().n8n.url}/webhook/${textAt(trigger, 'webhookId')}/webhook`;
			const { id: workflowId } = await switchOnExample('fan-out-submit', (one) => {
				const parameters = { ...(one.parameters as JsonRecord) };
				if (one.name !== 'Submit') return one;
				expect(valueAt(parameters, 'options', 'webhookUrl')).toMatch(
					new RegExp(`${new URL(webhookUrl).pathname}$`),
				);
				parameters.options = { ...(parameters.options as object), webhookUrl };
				return { ...one, parameters };
			});
			await waitForSuccess(await start(workflowId, 'fan-out-submit'));
			const submitted = await readRows();
			expect(submitted.map((row) => valueAt(row, 'status'))).toEqual([
				...['done', 'submitted', 'submitted', 'submitted', 'failed'],
			]);
			expect(testbed().emulator.paidTasks() - before).toBe(3);

			const ids = endTwo(before);
			testbed().emulator.finishTask(ids[2]!);
			const statuses = ['done', 'done', 'failed', 'done', 'failed'];
			await until(async () => {
				const found = (await readRows()).map((row) => valueAt(row, 'status'));
				return found.join() === statuses.join();
			});
			const rows = await readRows();
			expect(rows.slice(1, 4).map((row) => valueAt(row, 'task_id'))).toEqual(ids);
			const video = expect.stringMatching(/^http.*\.mp4/);
			expect(rows[1]).toMatchObject({ prompt: 'Hello 2', video_url: video });
			expect(rows[2]).toMatchObject({
				prompt: 'Hello 3',
				error: expect.stringContaining('sensitive'),
			});
			expect(rows[3]).toMatchObject({ prompt: 'Hello 4', video_url: video });
			expect(rows[4]).toMatchObject({ prompt: 'Hello 5', error: expect.stringMatching(/audio/i) });
		},
		2 * RUN_TIMEOUT_MS,
	);
});
