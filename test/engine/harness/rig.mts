import type { IBinaryData, IDataObject, INodeExecutionData } from 'n8n-workflow';

import { startEmulator } from '../../emulator/emulator.mts';
import type { Emulator, EmulatorOptions } from '../../emulator/types.mts';
import {
	type Credential,
	forgetAll,
	initEngine,
	runNode,
	type RunOptions,
	type RunResult,
	sampleFile,
	storeFile,
	systemTime,
} from './engine.mts';
import { createVirtualClock, type VirtualClock } from './virtualClock.mts';

/** One emulator, one clock, and the node in n8n's engine between them. */
export interface Rig {
	emulator: Emulator;
	clock: VirtualClock;
	credential: Credential;
	/** Runs the node until it ends; time passes as fast as it can. */
	run(options: RigRunOptions): Promise<RunResult>;
	/** An execution that goes on by itself, next to others; `until` lets time pass. */
	start(options: RigRunOptions): Promise<RunResult>;
	until<T>(work: Promise<T>): Promise<T>;
	/** How far the machine's clock is ahead of the true time (negative: behind) from now on. */
	skewMachineClock(ms: number): void;
	/** n8n is started anew: what the process has kept in its memory is gone. */
	restart(): void;
	close(): Promise<void>;
}

type RigRunOptions = Partial<RunOptions> & Pick<RunOptions, 'parameters'>;

export const START = Date.parse('2026-11-22T08:00:00.000Z');

export async function startRig(options: EmulatorOptions = {}): Promise<Rig> {
	await initEngine();
	const clock = createVirtualClock(START);
	const machine = useVirtualTime(clock);
	// The service overlooks what the model doesn't know; here a misspelt field has to be noticed.
	const strict = { clock, video: 'placeholder', strictBody: true } as const;
	const emulator = await startEmulator({ ...strict, ...options });
	const credential = {
		apiKey: emulator.apiKey,
		baseUrl: emulator.url,
		accountLevel: options.accountLevel ?? 'ultra',
	};
	const start: Rig['start'] = async (given) =>
		await runNode({ credential, items: [{ json: {} }], ...given });
	const until: Rig['until'] = async (work) => await clock.runUntil(work, emulator);
	return {
		emulator,
		clock,
		credential,
		start,
		until,
		run: async (given) => await until(start(given)),
		skewMachineClock: machine.skew,
		restart: forgetAll,
		close: async () => await emulator.close(),
	};
}

/** The built node lives in this time from now on, in a process that knows no account. */
export function useVirtualTime(clock: VirtualClock): { skew(ms: number): void } {
	let skewMs = 0;
	systemTime.now = clock.now;
	systemTime.wallTime = () => clock.now() + skewMs;
	systemTime.sleep = clock.sleep;
	forgetAll();
	return { skew: (ms) => void (skewMs = ms) };
}

/** The sample picture and speech as a node before ours would hand them over. */
export const storeImage = async (name = 'portrait.png'): Promise<IBinaryData> =>
	await storeFile(sampleFile(name), name, 'image/png');

export const storeAudio = async (name = 'speech.mp3'): Promise<IBinaryData> =>
	await storeFile(sampleFile(name), name, 'audio/mpeg');

export async function makeRow(json: IDataObject = {}): Promise<INodeExecutionData> {
	return { json, binary: { image: await storeImage(), audio: await storeAudio() } };
}

/** Rows that differ in their prompt only, for batches: `={{ $json.prompt }}`. */
export async function makeRows(count: number): Promise<INodeExecutionData[]> {
	const { binary } = await makeRow();
	return Array.from({ length: count }, (_, row) => ({ json: { prompt: `row ${row}` }, binary }));
}

export const GENERATE = { operation: 'generate', prompt: '={{ $json.prompt }}' };

export const jsonOf = (items: INodeExecutionData[]): IDataObject[] =>
	items.map((item) => item.json);

/** All that a person could read of a run: nothing of it may hold the key. */
export const everythingReadable = (result: RunResult): string =>
	JSON.stringify({ data: result.run.data, logs: result.logs, error: describeError(result.error) });

const describeError = (error: RunResult['error']): unknown =>
	error && { ...error, message: error.message, stack: error.stack };
