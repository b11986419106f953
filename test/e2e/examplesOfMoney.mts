import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import axios from 'axios';

import { describeFailure, outputItems } from '../../scripts/n8n/n8nExecutions.mts';
import { textAt, valueAt } from '../../scripts/n8n/shape.mts';
import { setField } from './editWorkflow.mts';
import type { ExampleBench } from './exampleBench.mts';
import { RUN_TIMEOUT_MS } from './testbed.mts';
import { probeMedia } from './videoFile.mts';

const SUBMIT_PATH = '/api/v3/wavespeed-ai/wan-2.2/speech-to-video';
const HEADER = 'row,name,image_url,audio_url,prompt,status,video_url,cost_usd,error';

/** The examples that ask for the price first, and that bring back what is paid for. */
export function runExamplesOfMoney(bench: () => ExampleBench): void {
	/** Three new rows of 15 cents each, and one that is done. */
	async function runCostCheck(budgetUsd: number) {
		const { folder, media, run } = bench();
		const row = (number: number, status: string) =>
			`${number},Name ${number},${media.url}/portrait.png,${media.url}/speech.mp3,,${status},,,`;
		const rows = [row(1, 'new'), row(2, 'done'), row(3, 'new'), row(4, 'New')];
		await writeFile(join(folder, 'batch.csv'), `${[HEADER, ...rows].join('\n')}\n`);
		return await run('cost-check', {
			filesFolder: folder,
			edit: (workflow) => setField(workflow, 'Budget', 'budget_usd', budgetUsd),
		});
	}

	it(
		'stop a batch that would cost more than the budget, with the sum, and pay nothing',
		async () => {
			const { emulator } = bench().testbed;
			const before = emulator.paidTasks();
			const execution = await runCostCheck(0.44);

			expect(execution.status).toBe('error');
			expect(describeFailure(execution)).toContain(
				'The 3 videos would cost $0.45, and the budget is $0.44. Nothing was made',
			);
			expect(emulator.paidTasks()).toBe(before);
		},
		RUN_TIMEOUT_MS + 30_000,
	);

	it(
		'make the videos of a batch that costs exactly the budget',
		async () => {
			const { emulator } = bench().testbed;
			const before = emulator.paidTasks();
			const execution = await runCostCheck(0.45);

			if (execution.status !== 'success') throw new Error(describeFailure(execution));
			const items = outputItems(execution, 'Make the videos');
			expect(items.map((item) => valueAt(item, 'json', 'row'))).toEqual(['1', '3', '4']);
			for (const item of items) expect(textAt(item, 'json', 'videoUrl')).toMatch(/\.mp4/);
			expect(emulator.paidTasks() - before).toBe(3);
		},
		RUN_TIMEOUT_MS + 30_000,
	);

	/** What a workflow that is gone has submitted. Resolves with the task's ID when it has ended. */
	async function leaveTask(image: string): Promise<string> {
		const { media, testbed } = bench();
		const { emulator } = testbed;
		const answer = await axios.post<unknown>(
			`${emulator.url}${SUBMIT_PATH}`,
			{ image: `${media.url}/${image}`, audio: `${media.url}/speech.mp3` },
			{ headers: { authorization: `Bearer ${emulator.apiKey}` }, proxy: false },
		);
		const id = textAt(answer.data, 'data', 'id') ?? '';
		const headers = { authorization: `Bearer ${emulator.apiKey}` };
		for (let looks = 0; looks < 300; looks++) {
			const url = `${emulator.url}/api/v3/predictions/${id}/result`;
			const { data } = await axios.get<unknown>(url, { headers, proxy: false });
			if (/completed|failed/.test(textAt(data, 'data', 'status') ?? '')) return id;
			await sleep(200);
		}
		throw new Error(`Task ${id} has not ended.`);
	}

	it(
		'bring back the videos that nobody has fetched, and list also the tasks without one',
		async () => {
			const { folder, run, testbed } = bench();
			const { emulator } = testbed;
			const [fine, failed, stuck] = await Promise.all([
				...[leaveTask('portrait.png'), leaveTask('missing.png'), leaveTask('portrait2.png')],
			]);
			const stuckUrl = String(emulator.tasks().find(({ id }) => id === stuck)?.outputs[0]);
			const before = emulator.paidTasks();
			emulator.addFault({
				...{ step: 'download', kind: 'status', status: 404, times: Infinity },
				when: ({ path }) => stuckUrl.includes(path),
			});
			const execution = await run('recover-lost-tasks', { filesFolder: folder });
			emulator.clearFaults();

			if (execution.status !== 'success') throw new Error(describeFailure(execution));
			expect(emulator.paidTasks()).toBe(before);
			const file = join(folder, `${fine}.mp4`);
			expect((await probeMedia(file)).codecs).toEqual(['aac', 'h264']);
			const list = (await readFile(join(folder, 'recovered.csv'), 'utf8')).split('\n');
			const lineOf = (id: string | undefined) => list.filter((line) => line.includes(`${id}`));
			expect(lineOf(fine)).toEqual([expect.stringContaining(file)]);
			expect(lineOf(failed)).toEqual([expect.stringMatching(/,failed,.*(download|load)/i)]);
			expect(lineOf(stuck)).toEqual([expect.stringContaining('could not be downloaded')]);
			expect(lineOf(stuck)[0]).toContain(stuckUrl);
		},
		RUN_TIMEOUT_MS + 30_000,
	);
}
