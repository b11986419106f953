import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { prepareExample, readExamples, type Example } from '../../scripts/n8n/examples.mts';
import { waitForExecution, type Execution } from '../../scripts/n8n/n8nExecutions.mts';
import { runWorkflow, saveWorkflow, type Workflow } from '../../scripts/n8n/n8nWorkflows.mts';
import { textAt, type JsonRecord } from '../../scripts/n8n/shape.mts';
import { serveFolder, type FileServer } from './fileServer.mts';
import { MEDIA, ROOT, RUN_TIMEOUT_MS, startTestbed, type Testbed } from './testbed.mts';

const TRIGGER = /Trigger$/;

export interface ExampleRun {
	/** What the user changes after importing, beside the WaveSpeed credential and the paths of files. */
	edit?: (workflow: Workflow) => void;
	/** Where the example's files are; without it: the sample picture and speech. */
	filesFolder?: string;
	/** What the trigger hands out. */
	triggerItem?: JsonRecord;
}

export interface ExampleBench {
	testbed: Testbed;
	examples: Example[];
	/** A folder that workflows may read and write. */
	folder: string;
	/** The sample picture and speech on the web. */
	media: FileServer;
	/** Imports an example as a user would, and runs it to its end, whatever that is. */
	run: (key: string, options?: ExampleRun) => Promise<Execution>;
	close: () => Promise<void>;
}

export async function startExampleBench(): Promise<ExampleBench> {
	const examples = await readExamples(ROOT);
	const folder = await mkdtemp(join(tmpdir(), 'examples-'));
	const media = await serveFolder(MEDIA);
	const testbed = await startTestbed({}, [folder]);
	return {
		...{ testbed, examples, folder, media },
		async run(key, { edit, filesFolder = MEDIA, triggerItem } = {}) {
			const example = examples.find((candidate) => candidate.key === key);
			if (example === undefined) throw new Error(`examples/${key}.json is missing`);
			const prepared = prepareExample(example, await testbed.saveCredential(), filesFolder);
			const workflow = structuredClone(prepared);
			edit?.(workflow);
			const id = await saveWorkflow(testbed.session, workflow);
			const trigger = workflow.nodes.find((node) => TRIGGER.test(textAt(node, 'type') ?? ''));
			const name = textAt(trigger, 'name') ?? '';
			const executionId = await runWorkflow(testbed.session, id, name, triggerItem);
			return await waitForExecution(testbed.session, executionId, { timeoutMs: RUN_TIMEOUT_MS });
		},
		async close() {
			await testbed.close();
			await media.close();
			await rm(folder, { recursive: true, force: true });
		},
	};
}
