/**
 * A process of its own for one run of the node, so that its memory and CPU time are those of the node and n8n's engine alone.
 * The job is the first argument, the measurement the last line of the output, both JSON.
 */
import { Readable } from 'node:stream';

import type { IDataObject, INodeExecutionData } from 'n8n-workflow';

import {
	type Credential,
	initEngine,
	runNode,
	sampleFile,
	storeFile,
} from '../test/engine/harness/engine.mts';
import { makeRows } from '../test/engine/harness/rig.mts';

export interface EngineJob {
	credential: Credential;
	parameters: IDataObject;
	rows: number;
	/** The voice recording's size in bytes; the sample's own without it. */
	voiceBytes?: number;
}

export interface EngineMeasurement {
	cpuMs: number;
	wallMs: number;
	/** Resident memory before the node, and the most while it ran. */
	rssBefore: number;
	rssPeak: number;
	/** What the run left behind: its items and the node's context. */
	heapGrowth: number;
	items: number;
	error?: string;
}

const CHUNK_BYTES = 64 * 1024;
const SAMPLE_MS = 5;

/** A file of any size that begins like the sample recording. */
function* makeVoice(bytes: number): Generator<Buffer> {
	const head = sampleFile('speech.mp3');
	yield head;
	for (let left = bytes - head.length; left > 0; left -= CHUNK_BYTES) {
		yield Buffer.alloc(Math.min(left, CHUNK_BYTES));
	}
}

async function makeItems({ rows, voiceBytes }: EngineJob): Promise<INodeExecutionData[]> {
	const items = await makeRows(rows);
	if (voiceBytes === undefined) return items;
	const audio = await storeFile(Readable.from(makeVoice(voiceBytes)), 'voice.mp3', 'audio/mpeg');
	return items.map((item) => ({ ...item, binary: { ...item.binary, audio } }));
}

async function measure(job: EngineJob): Promise<EngineMeasurement> {
	await initEngine();
	const items = await makeItems(job);
	const { credential, parameters } = job;
	// What every process does once is not the row's or the file's doing: modules load, the compiler warms up.
	await runNode({
		credential,
		items: [{ json: {} }],
		parameters: { resource: 'task', operation: 'getAll' },
	});
	globalThis.gc?.();
	const heapBefore = process.memoryUsage().heapUsed;
	const rssBefore = process.memoryUsage.rss();
	let rssPeak = rssBefore;
	const sampling = setInterval(() => {
		rssPeak = Math.max(rssPeak, process.memoryUsage.rss());
	}, SAMPLE_MS);
	const cpuBefore = process.cpuUsage();
	const startedAt = performance.now();
	const result = await runNode({ credential, items, parameters });
	const { user, system } = process.cpuUsage(cpuBefore);
	const wallMs = performance.now() - startedAt;
	clearInterval(sampling);
	globalThis.gc?.();
	return {
		cpuMs: (user + system) / 1000,
		wallMs,
		rssBefore,
		rssPeak: Math.max(rssPeak, process.memoryUsage.rss()),
		heapGrowth: process.memoryUsage().heapUsed - heapBefore,
		items: result.items.length,
		...(result.error ? { error: result.error.message } : {}),
	};
}

const job = JSON.parse(process.argv[2] ?? '{}') as EngineJob;
process.stdout.write(`\n${JSON.stringify(await measure(job))}\n`, () => process.exit(0));
