import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { startEmulator } from '../emulator/emulator.mts';
import type { Emulator, EmulatorOptions } from '../emulator/types.mts';

/** Real time: these clients know no other. A task takes a moment. */
export const MODEL = 'wavespeed-ai/wan-2.2/speech-to-video';
const TASK_SECONDS = 0.2;

const MEDIA = join(__dirname, '../media');
export const PICTURE = join(MEDIA, 'portrait.png');
export const VOICE = join(MEDIA, 'speech.mp3');
/** Seconds of the voice at $0.03, as the emulator measures it without ffmpeg. */
export const PRICE_USD = 0.15;

export const startFastEmulator = async (options: EmulatorOptions = {}): Promise<Emulator> =>
	await startEmulator({ taskSeconds: TASK_SECONDS, video: 'placeholder', ...options });

/** The two inputs as if they had been uploaded before. */
export async function addInputs(emulator: Emulator): Promise<{ image: string; audio: string }> {
	return {
		image: await emulator.addUpload('face.png', 'image/png', await readFile(PICTURE)),
		audio: await emulator.addUpload('voice.mp3', 'audio/mpeg', await readFile(VOICE)),
	};
}
