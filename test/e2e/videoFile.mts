import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

import ffprobe from '@ffprobe-installer/ffprobe';

import { listAt, textAt } from '../../scripts/n8n/shape.mts';

const run = promisify(execFile);

export interface MediaFacts {
	/** Codec names, sorted. */
	codecs: string[];
	seconds: number;
}

export async function probeMedia(file: string): Promise<MediaFacts> {
	const { stdout } = await run(ffprobe.path, [
		...['-v', 'error', '-of', 'json', '-show_entries', 'stream=codec_name:format=duration'],
		file,
	]);
	const found: unknown = JSON.parse(stdout);
	const codecs = listAt(found, 'streams').map((stream) => textAt(stream, 'codec_name') ?? '?');
	return { codecs: codecs.sort(), seconds: Number(textAt(found, 'format', 'duration')) };
}
