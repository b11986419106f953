import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { NODE_TYPE } from '../../scripts/n8n/examples.mts';
import { addTableRows, ensureTable, readTableRows } from '../../scripts/n8n/n8nDataTables.mts';
import { type JsonRecord, textAt, valueAt } from '../../scripts/n8n/shape.mts';
import { until } from './chainedWorkflow.mts';
import { useLongTasks } from './longTasks.mts';
import { HAS_NAMED_TABLES, ROOT, RUN_TIMEOUT_MS } from './testbed.mts';

const onVersionsWithNamedTables = HAS_NAMED_TABLES ? it : it.skip;

const { testbed, files, newTasks, switchOnExample, start, waitForSuccess } = useLongTasks();

describe('the fan-out examples', () => {
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

	onVersionsWithNamedTables(
		'the fan-out writes each result into the row with its task ID',
		async () => {
			const before = testbed().emulator.paidTasks();
			const table = 'Talking videos';
			const sample = await readFile(join(ROOT, 'examples', 'table.csv'), 'utf8');
			await ensureTable(testbed().session, table, sample.split('\n')[0]!.split(','));
			const media = {
				image_url: `${files().url}/portrait.png`,
				audio_url: `${files().url}/speech.mp3`,
			};
			const data = [1, 2, 3, 4, 5].map((row) => ({
				...{ name: `Name ${row}`, ...media, prompt: `Hello ${row}` },
				...(row === 5 ? { audio_url: `${files().url}/missing.mp3` } : {}),
				status: row === 1 ? 'done' : 'new',
			}));
			await addTableRows(testbed().session, table, data);
			const readRows = async () => await readTableRows(testbed().session, table);

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
				...['done', 'waiting', 'waiting', 'waiting', 'retry'],
			]);
			expect(testbed().emulator.paidTasks() - before).toBe(3);

			const ids = endTwo(before);
			testbed().emulator.finishTask(ids[2]!);
			const statuses = ['done', 'done', 'failed', 'done', 'retry'];
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
