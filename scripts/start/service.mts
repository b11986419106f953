import { join } from 'node:path';

import { startEmulator } from '../../test/emulator/emulator.mts';
import { CREDENTIAL_TYPE } from '../n8n/examples.mts';
import type { CredentialInput } from '../n8n/n8nCredentials.mts';
import { uploadFile, writeSheet, type Service, type SheetRow } from '../n8n/sampleFiles.mts';
import type { Settings } from './settings.mts';
import type { Shutdown } from './shutdown.mts';

/** The real service takes minutes for a few seconds of speech; a first impression needn't. */
const EMULATOR_SPEED = 20;

/** Rows whose files the emulator can fetch; in the sheet that is shipped beside the example they are placeholders. */
async function writeSampleSheet(
	service: Service,
	media: string,
	files: string,
): Promise<SheetRow[]> {
	const rows = await Promise.all(
		['portrait.png', 'portrait2.png', 'portrait3.png'].map(async (picture, index) => ({
			row: String(index + 1),
			name: `Speaker ${index + 1}`,
			image_url: await uploadFile(service, join(media, picture)),
			audio_url: await uploadFile(service, join(media, 'speech.mp3')),
			status: 'new',
		})),
	);
	await writeSheet(join(files, 'batch.csv'), rows);
	return rows;
}

export interface OpenService {
	credential: CredentialInput;
	/** For the data tables of the examples; none with the real service. */
	sampleRows: SheetRow[];
}

/** Where the tasks go: the real service with the user's key, or an emulator in this process. */
export async function openService(
	settings: Settings,
	filesFolder: string,
	shutdown: Shutdown,
	say: (text: string) => void,
): Promise<OpenService> {
	const credential = (apiKey: string, baseUrl: string, accountLevel: string) => ({
		name: 'WaveSpeed (npm start)',
		type: CREDENTIAL_TYPE,
		data: { apiKey, baseUrl, accountLevel },
	});
	if (settings.realKey !== undefined) {
		say(`Service: ${settings.realApi}, with your key. The sample video costs money there.`);
		// The lowest level is right for every account: it only means that less runs side by side.
		return {
			credential: credential(settings.realKey, settings.realApi, 'bronze'),
			sampleRows: [],
		};
	}
	const emulator = await startEmulator({ accountLevel: 'ultra', speed: EMULATOR_SPEED });
	shutdown.add(() => emulator.close());
	const sampleRows = await writeSampleSheet(emulator, settings.mediaFolder, filesFolder);
	say(`Service: an emulator at ${emulator.url} (set WAVESPEED_API_KEY to use the real one).`);
	return { credential: credential(emulator.apiKey, emulator.url, 'ultra'), sampleRows };
}
