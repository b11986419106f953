import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';

import { describeFailure, downloadBinary, outputItems } from '../../scripts/n8n/n8nExecutions.mts';
import { listNodeTypes } from '../../scripts/n8n/n8nRest.mts';
import { saveWorkflow } from '../../scripts/n8n/n8nWorkflows.mts';
import { valueAt } from '../../scripts/n8n/shape.mts';
import { startExampleBench, type ExampleBench } from './exampleBench.mts';
import { runExamplesOfMoney } from './examplesOfMoney.mts';
import { runExamplesWithServices } from './examplesWithServices.mts';
import { MEDIA, RUN_TIMEOUT_MS, START_TIMEOUT_MS } from './testbed.mts';
import { probeMedia } from './videoFile.mts';

const RUN_HERE = [
	...['talking-portrait', 'text-to-talking-video', 'text-to-talking-video-by-url'],
	...['ai-agent', 'ai-agent-two-tools', 'approve-and-post', 'join-videos'],
	...['cost-check', 'recover-lost-tasks'],
];

/** Run by the browser test, since they start with a web page, and by the tests of batches, of callbacks and of crashes. */
const RUN_ELSEWHERE = [
	...['talking-portrait-form', 'two-branches', 'table-batch', 'spreadsheet-batch'],
	...['fan-out-submit', 'fan-out-result'],
];

/** The addresses of Google's services are fixed in n8n's node: only checked for being a workflow of nodes that n8n has. */
const NOT_RUN = ['spreadsheet-batch-google-sheets'];

describe('the examples in a real n8n', () => {
	let bench: ExampleBench;

	beforeAll(async () => {
		bench = await startExampleBench();
	}, START_TIMEOUT_MS);
	afterAll(async () => await bench?.close(), 60_000);

	it('are all run by a test', () => {
		const tested = [...RUN_HERE, ...RUN_ELSEWHERE, ...NOT_RUN];
		expect(bench.examples.map(({ key }) => key).sort()).toEqual(tested.sort());
	});

	it('consist of nodes that n8n has, also those that are not run, and can be imported', async () => {
		const known = await listNodeTypes(bench.testbed.session);
		for (const { workflow } of bench.examples) {
			for (const node of workflow.nodes) expect(known).toContain(node.type);
			expect(await saveWorkflow(bench.testbed.session, workflow)).not.toBe('');
		}
	});

	it('carry neither a credential nor anything else of whoever exported them', () => {
		for (const { workflow } of bench.examples) {
			for (const node of workflow.nodes) expect(node).not.toHaveProperty('credentials');
			expect(workflow).not.toHaveProperty('id');
			expect(workflow).not.toHaveProperty('meta');
		}
	});

	it(
		'make a portrait talk, as long as the voice, and pay once',
		async () => {
			const { testbed, folder } = bench;
			const before = testbed.emulator.paidTasks();
			const execution = await bench.run('talking-portrait');

			if (execution.status !== 'success') throw new Error(describeFailure(execution));
			const items = outputItems(execution, 'Wan 2.2 Speech To Video');
			expect(items).toHaveLength(1);
			expect(items[0]).toMatchObject({
				json: { status: 'completed', videoUrl: expect.stringMatching(/^http.*\.mp4/) },
				pairedItem: { item: 0 },
			});
			expect(testbed.emulator.paidTasks() - before).toBe(1);

			const file = join(folder, 'video.mp4');
			const video = await downloadBinary(testbed.session, valueAt(items[0], 'binary', 'data'));
			await pipeline(video, createWriteStream(file));
			const voice = await probeMedia(join(MEDIA, 'speech.mp3'));
			const { codecs, seconds } = await probeMedia(file);
			expect(codecs).toEqual(['aac', 'h264']);
			expect(Math.abs(seconds - voice.seconds)).toBeLessThanOrEqual(0.2);
		},
		RUN_TIMEOUT_MS + 30_000,
	);

	describe('with another service', () => runExamplesWithServices(() => bench));

	describe('that count money', () => runExamplesOfMoney(() => bench));
});
