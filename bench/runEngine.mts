import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import type { EngineJob, EngineMeasurement } from './engineRun.mts';

const run = promisify(execFile);
const SCRIPT = fileURLToPath(new URL('engineRun.mts', import.meta.url));

/** One run of the node in a process of its own, against an emulator in this one. */
export async function runEngine(
	job: EngineJob,
	/** How n8n keeps files. */
	binaryMode = 'filesystem',
): Promise<EngineMeasurement> {
	const env = { ...process.env, N8N_DEFAULT_BINARY_DATA_MODE: binaryMode };
	const args = ['--expose-gc', '--import', 'tsx', SCRIPT, JSON.stringify(job)];
	const { stdout } = await run(process.execPath, args, { maxBuffer: 2 ** 26, env });
	const measured = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as EngineMeasurement;
	if (measured.error !== undefined) throw new Error(measured.error);
	return measured;
}
