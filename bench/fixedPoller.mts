import axios from 'axios';

import type { Clock, Emulator } from '../test/emulator/types.mts';

const INTERVAL_MS = 2_000;

/** What a simple node does: one row after the other, and a look at the task every two seconds. */
export async function runFixedPoller(
	emulator: Emulator,
	clock: Clock,
	media: string,
	prompts: string[],
): Promise<void> {
	const http = axios.create({
		baseURL: `${emulator.url}/api/v3`,
		headers: { Authorization: `Bearer ${emulator.apiKey}` },
		proxy: false,
	});
	const [image, audio] = [`${media}/portrait.png`, `${media}/speech.mp3`];
	for (const prompt of prompts) {
		const input = { image, audio, prompt };
		const submitted = await http.post('/wavespeed-ai/wan-2.2/speech-to-video', input);
		const { id } = (submitted.data as { data: { id: string } }).data;
		for (let status = ''; status !== 'completed'; ) {
			await clock.sleep(INTERVAL_MS);
			const looked = await http.get(`/predictions/${id}/result`);
			status = (looked.data as { data: { status: string } }).data.status;
			if (status === 'failed') throw new Error(`Task ${id} has failed`);
		}
	}
}
