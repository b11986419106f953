/**
 * A process of its own for one run of the node, so that its memory and CPU time are those of the node and n8n's engine alone.
 * The job is the first argument, the measurement the last line of the output, both JSON.
 */
import { readdirSync, readlinkSync } from 'node:fs';
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
	/** Each row has a picture of its own, of so many bytes. */
	pictureBytes?: number;
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
	/** What n8n's engine keeps of the incoming items, before the node begins. */
	incomingBytes: number;
	/** The most that were open at once: files of n8n's storage, and connections. */
	openFiles: number;
	openSockets: number;
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

/** Each is another file: the sample picture, and behind its end what no program reads. */
async function addPictures(items: INodeExecutionData[], bytes: number): Promise<void> {
	const sample = sampleFile('portrait.png');
	for (const [row, item] of items.entries()) {
		const content = Buffer.alloc(Math.max(bytes, sample.length + 8));
		sample.copy(content);
		content.writeUInt32BE(row, sample.length);
		const image = await storeFile(content, `portrait${row}.png`, 'image/png');
		items[row] = { ...item, binary: { ...item.binary, image } };
	}
}

async function makeItems({
	rows,
	voiceBytes,
	pictureBytes,
}: EngineJob): Promise<INodeExecutionData[]> {
	const items = await makeRows(rows);
	if (pictureBytes !== undefined) await addPictures(items, pictureBytes);
	if (voiceBytes === undefined) return items;
	const audio = await storeFile(Readable.from(makeVoice(voiceBytes)), 'voice.mp3', 'audio/mpeg');
	return items.map((item) => ({ ...item, binary: { ...item.binary, audio } }));
}

/** By what they are; files of other places are the engine's own modules and pipes. */
function countOpen(): { files: number; sockets: number } {
	let files = 0;
	let sockets = 0;
	for (const name of readdirSync('/proc/self/fd')) {
		try {
			const target = readlinkSync(`/proc/self/fd/${name}`);
			if (target.startsWith('socket:')) sockets += 1;
			else if (target.includes('wan22-engine-')) files += 1;
		} catch {
			// Closed meanwhile.
		}
	}
	return { files, sockets };
}

async function measure(job: EngineJob): Promise<EngineMeasurement> {
	await initEngine();
	globalThis.gc?.();
	const heldBefore = measureHeld();
	const items = await makeItems(job);
	globalThis.gc?.();
	const incomingBytes = measureHeld() - heldBefore;
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
	let openFiles = 0;
	let openSockets = 0;
	const sampling = setInterval(() => {
		rssPeak = Math.max(rssPeak, process.memoryUsage.rss());
		if (job.pictureBytes === undefined) return;
		const { files, sockets } = countOpen();
		openFiles = Math.max(openFiles, files);
		openSockets = Math.max(openSockets, sockets);
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
		...{ incomingBytes, openFiles, openSockets },
		...(result.error ? { error: result.error.message } : {}),
	};
}

/** What is in use, within the heap and outside of it, as base64 texts and buffers are. */
function measureHeld(): number {
	const { heapUsed, external } = process.memoryUsage();
	return heapUsed + external;
}

const job = JSON.parse(process.argv[2] ?? '{}') as EngineJob;
process.stdout.write(`\n${JSON.stringify(await measure(job))}\n`, () => process.exit(0));
