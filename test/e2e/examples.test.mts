import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';

import {
	findNodeName,
	NODE_TYPE,
	prepareExample,
	readExamples,
	type Example,
} from '../../scripts/n8n/examples.mts';
import {
	describeFailure,
	downloadBinary,
	outputItems,
	waitForExecution,
} from '../../scripts/n8n/n8nExecutions.mts';
import { listNodeTypes } from '../../scripts/n8n/n8nRest.mts';
import { runWorkflow, saveWorkflow } from '../../scripts/n8n/n8nWorkflows.mts';
import { valueAt } from '../../scripts/n8n/shape.mts';
import { MEDIA, RUN_TIMEOUT_MS, START_TIMEOUT_MS, startTestbed, type Testbed } from './testbed.mts';
import { probeMedia } from './videoFile.mts';

/** Run by the browser test, since it starts with a web page, and by the tests of batches and of callbacks. */
const RUN_ELSEWHERE = [
	...['talking-portrait-form', 'spreadsheet-batch'],
	...['durable-batch', 'fan-out-submit', 'fan-out-result'],
];

/** Needs an account of another service: only checked for being a workflow of nodes that n8n has. */
const NOT_RUN = ['spreadsheet-batch-google-sheets'];

describe('the examples in a real n8n', () => {
	let testbed: Testbed;
	let folder: string;
	let examples: Example[];

	beforeAll(async () => {
		examples = await readExamples(process.cwd());
		testbed = await startTestbed();
		folder = await mkdtemp(join(tmpdir(), 'video-'));
	}, START_TIMEOUT_MS);
	afterAll(async () => {
		await testbed?.close();
		if (folder) await rm(folder, { recursive: true, force: true });
	}, 60_000);

	async function runExample(key: string) {
		const example = examples.find((candidate) => candidate.key === key);
		if (example === undefined) throw new Error(`examples/${key}.json is missing`);
		const workflow = prepareExample(example, await testbed.saveCredential(), MEDIA);
		const id = await saveWorkflow(testbed.session, workflow);
		const trigger = findNodeName(workflow, 'n8n-nodes-base.manualTrigger');
		const executionId = await runWorkflow(testbed.session, id, trigger);
		const execution = await waitForExecution(testbed.session, executionId, {
			timeoutMs: RUN_TIMEOUT_MS,
		});
		if (execution.status !== 'success') throw new Error(describeFailure(execution));
		return { execution, items: outputItems(execution, findNodeName(workflow, NODE_TYPE)) };
	}

	it('are all run by a test', () => {
		const tested = ['talking-portrait', ...RUN_ELSEWHERE, ...NOT_RUN];
		expect(examples.map(({ key }) => key).sort()).toEqual(tested.sort());
	});

	it('consist of nodes that n8n has, also those that are not run, and can be imported', async () => {
		const known = await listNodeTypes(testbed.session);
		for (const { workflow } of examples) {
			for (const node of workflow.nodes) expect(known).toContain(node.type);
			expect(await saveWorkflow(testbed.session, workflow)).not.toBe('');
		}
	});

	it('carry neither a credential nor anything else of whoever exported them', () => {
		for (const { workflow } of examples) {
			for (const node of workflow.nodes) expect(node).not.toHaveProperty('credentials');
			expect(workflow).not.toHaveProperty('id');
			expect(workflow).not.toHaveProperty('meta');
		}
	});

	it(
		'make a portrait talk, as long as the voice, and pay once',
		async () => {
			const { items } = await runExample('talking-portrait');

			expect(items).toHaveLength(1);
			expect(items[0]).toMatchObject({
				json: { status: 'completed', videoUrl: expect.stringMatching(/^http.*\.mp4/) },
				pairedItem: { item: 0 },
			});
			expect(testbed.emulator.paidTasks()).toBe(1);

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
});
