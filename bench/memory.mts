import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';

import { startEmulator } from '../test/emulator/emulator.mts';
import { GENERATE } from '../test/engine/harness/rig.mts';
import type { EngineMeasurement } from './engineRun.mts';
import type { Section } from './report.mts';
import { runEngine } from './runEngine.mts';

/** How much memory a large recording takes on its way to the service, and a large video on its way into n8n. */

const MEGABYTE = 1_000_000;
const CHUNK = Buffer.alloc(64 * 1024);

const UPLOADS = [10, 100, 200];
const DOWNLOADS = [10, 100, 500];

async function startService() {
	return await startEmulator({
		...{ video: 'placeholder', accountLevel: 'ultra' as const, taskSeconds: 1, audioSeconds: 5 },
	});
}

async function upload(megabytes: number): Promise<EngineMeasurement> {
	const emulator = await startService();
	const credential = { apiKey: emulator.apiKey, baseUrl: emulator.url, accountLevel: 'ultra' };
	const parameters = { ...GENERATE, options: { pollIntervalSeconds: 1 } };
	const measured = await runEngine({
		...{ credential, parameters, rows: 1, voiceBytes: megabytes * MEGABYTE },
	});
	const largest = Math.max(...emulator.uploads().map(({ bytes }) => bytes));
	await emulator.close();
	if (largest !== megabytes * MEGABYTE) throw new Error(`${largest} bytes arrived`);
	return measured;
}

/** Where the video lies: bytes as fast as they are taken. */
async function serveVideo(bytes: number): Promise<{ url: string; close(): void }> {
	const server = createServer((_, response) => {
		response.writeHead(200, { 'content-type': 'video/mp4', 'content-length': String(bytes) });
		const chunks = function* (): Generator<Buffer> {
			for (let left = bytes; left > 0; left -= CHUNK.length) yield CHUNK.subarray(0, left);
		};
		Readable.from(chunks()).pipe(response);
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	const { port } = server.address() as AddressInfo;
	return { url: `http://127.0.0.1:${port}/video.mp4`, close: () => void server.close() };
}

async function download(megabytes: number): Promise<EngineMeasurement> {
	const emulator = await startService();
	const video = await serveVideo(megabytes * MEGABYTE);
	const credential = { apiKey: emulator.apiKey, baseUrl: emulator.url, accountLevel: 'ultra' };
	await runEngine({
		credential,
		parameters: { ...GENERATE, resource: 'task', operation: 'submit' },
		rows: 1,
	});
	const [task] = emulator.tasks();
	const taskId = task?.id ?? '';
	emulator.setTask(taskId, { status: 'completed', outputs: [video.url] });
	const parameters = {
		resource: 'task',
		operation: 'get',
		taskId,
		options: { downloadVideo: true },
	};
	const measured = await runEngine({ credential, parameters, rows: 1 });
	video.close();
	await emulator.close();
	return measured;
}

export async function measureMemory(isShort: boolean): Promise<Section> {
	const section: Section = {
		title: 'Memory: files stream',
		method:
			"Growth of resident memory in a process that holds n8n's engine and the node, from before the node starts to its peak; n8n keeps files on disk (its default).",
		columns: ['', 'file', 'growth of the peak'],
		rows: [],
		bound:
			'buffers of the streams and garbage that waits for its collection: the growth does not follow the size of the file.',
		checks: [],
	};
	const cases = [
		...(isShort ? [100] : UPLOADS).map((megabytes) => ['upload', megabytes, upload] as const),
		...(isShort ? [100] : DOWNLOADS).map((megabytes) => ['download', megabytes, download] as const),
	];
	for (const [direction, megabytes, measure] of cases) {
		const { rssBefore, rssPeak } = await measure(megabytes);
		const growth = (rssPeak - rssBefore) / MEGABYTE;
		section.rows.push([direction, `${megabytes} MB`, `${growth.toFixed(0)} MB`]);
		section.checks.push({
			what: `the ${direction} of ${megabytes} MB takes less than 100 MB of memory`,
			isMet: growth < 100,
		});
	}
	return section;
}
