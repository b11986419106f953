import './harness/ssrfProtection.mts';

import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { makeRow, makeRows, type Rig, startRig } from './harness/rig.mts';

/** What can go wrong with a video that exists and is paid for. The rest is in test/unit/downloadVideo.test.mts. */

let rig: Rig;
beforeEach(async () => {
	rig = await startRig({ taskSeconds: 3600 });
});
afterEach(async () => await rig.close());

const submitFinished = async (outputs: string[]): Promise<string> => {
	const result = await rig.run({
		items: [await makeRow()],
		parameters: { resource: 'task', operation: 'submit' },
	});
	const id = String(result.items[0]?.json.taskId);
	rig.emulator.setTask(id, { status: 'completed', outputs });
	return id;
};

const DOWNLOAD = { options: { downloadVideo: true } };

test.each(['get', 'wait'])(
	"%s: an address that n8n's own protection refuses loses neither the task nor the video's URL",
	async (operation) => {
		const url = 'http://10.1.2.3/v.mp4';
		const id = await submitFinished([url]);
		const parameters = { resource: 'task', operation, taskId: id, ...DOWNLOAD };
		const result = await rig.run({ parameters, settings: { onError: 'continueRegularOutput' } });
		expect(result.items[0]?.json).toMatchObject({
			error: expect.stringMatching(/could not be downloaded: .*(blocked|restricted)/),
			details: { taskId: id, status: 'completed', videoUrl: url, videoUrls: [url] },
		});
		const stopped = await rig.run({ parameters });
		expect(stopped.error?.message).toContain(id);
		expect(stopped.error?.message).toContain(url);
	},
);

describe("a connection to the video's host", () => {
	let host: Server;
	let url: string;
	beforeEach(async () => {
		host = createServer();
		await new Promise<void>((resolve) => host.listen(0, '127.0.0.1', resolve));
		url = `http://127.0.0.1:${(host.address() as AddressInfo).port}/v.mp4`;
	});
	afterEach(async () => {
		host.closeAllConnections();
		await new Promise<void>((resolve) => host.close(() => resolve()));
	});

	test('is closed when another row ends the run while the host has not answered', async () => {
		const requested = once(host, 'request');
		const running = rig.run({
			items: await makeRows(2),
			parameters: { operation: 'generate', prompt: '={{ $json.prompt }}', ...DOWNLOAD },
		});
		// The second row ends badly as soon as the first one waits for its video.
		const failing = requested.then(([request]) => {
			const other = rig.emulator.tasks().find(({ input }) => input.prompt === 'row 1');
			rig.emulator.failTask(other!.id, { code: 1402, error: 'Failed to download image' });
			return (request as { socket: NodeJS.EventEmitter }).socket;
		});
		rig.emulator.onRequest('result', () => {
			const first = rig.emulator.tasks().find(({ input }) => input.prompt === 'row 0');
			if (first && first.status !== 'completed') {
				rig.emulator.setTask(first.id, { status: 'completed', outputs: [url] });
			}
		});
		const socket = await failing;
		const closed = once(socket, 'close');
		expect((await running).error?.message).toMatch(/\. Row 2\b/);
		await closed;
	});
});
