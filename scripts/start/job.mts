import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';

import { findNodeName, NODE_TYPE } from '../n8n/examples.mts';
import {
	describeFailure,
	downloadBinary,
	outputItems,
	waitForExecution,
} from '../n8n/n8nExecutions.mts';
import type { N8nSession } from '../n8n/n8nRest.mts';
import { runWorkflow, type Workflow } from '../n8n/n8nWorkflows.mts';
import { textAt, valueAt } from '../n8n/shape.mts';

/** The node's own limit is an hour; a sample of a few seconds that takes longer than this has a problem worth telling. */
const JOB_TIMEOUT_MS = 20 * 60_000;

const MANUAL_TRIGGER = 'n8n-nodes-base.manualTrigger';

export interface JobResult {
	videoUrl: string;
	file: string;
}

/** Runs the workflow as "Execute workflow" does and fetches its video out of n8n. */
export async function runJob(
	session: N8nSession,
	workflowId: string,
	workflow: Workflow,
	outputFolder: string,
	signal: AbortSignal,
): Promise<JobResult> {
	const trigger = findNodeName(workflow, MANUAL_TRIGGER);
	const executionId = await runWorkflow(session, workflowId, trigger);
	const options = { timeoutMs: JOB_TIMEOUT_MS, signal };
	const execution = await waitForExecution(session, executionId, options);
	if (execution.status !== 'success') throw new Error(describeFailure(execution));

	const [item] = outputItems(execution, findNodeName(workflow, NODE_TYPE));
	const videoUrl = textAt(item, 'json', 'videoUrl');
	if (videoUrl === undefined) throw new Error('The workflow ended without a video.');
	await mkdir(outputFolder, { recursive: true });
	const file = join(outputFolder, `talking-portrait-${textAt(item, 'json', 'taskId')}.mp4`);
	const video = await downloadBinary(session, valueAt(item, 'binary', 'data'));
	await pipeline(video, createWriteStream(file));
	return { videoUrl, file };
}
