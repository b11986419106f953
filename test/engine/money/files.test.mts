import type { EventEmitter } from 'node:events';
import fs from 'node:fs';

import { storeFile, sampleFile } from '../harness/engine.mts';
import { GENERATE, jsonOf, makeRows, type Rig } from '../harness/rig.mts';
import { GOES_ON, startMoneyRig } from './support.mts';

/** Files that are open and downloads under way have limits per process, whatever the number of rows and executions. */

let rig: Rig;
beforeEach(async () => {
	rig = await startMoneyRig({ taskSeconds: 5 });
});
afterEach(async () => {
	await rig.close();
	jest.restoreAllMocks();
});

const ROWS = 150;

/** How many files of n8n's storage are open at most, from here on. */
function watchOpenFiles(): () => number {
	const open = new Set<unknown>();
	let most = 0;
	const note = (path: unknown, file: unknown): void => {
		if (!String(path).includes('wan22-engine-')) return;
		open.add(file);
		most = Math.max(most, open.size);
	};
	const openFile = fs.promises.open;
	jest.spyOn(fs.promises, 'open').mockImplementation(async (...args) => {
		const handle = await openFile(...args);
		note(args[0], handle);
		(handle as unknown as EventEmitter).once('close', () => open.delete(handle));
		return handle;
	});
	// Older versions of n8n read in the older way.
	const { createReadStream } = fs;
	jest.spyOn(fs, 'createReadStream').mockImplementation((...args) => {
		const stream = createReadStream(...args);
		stream.once('open', () => note(args[0], stream));
		stream.once('close', () => open.delete(stream));
		return stream;
	});
	return () => most;
}

/** Each row has a picture of its own, so that each is read and uploaded. */
async function makeRowsWithPictures(count: number) {
	const rows = await makeRows(count);
	const picture = sampleFile('portrait.png');
	return await Promise.all(
		rows.map(async (row, index) => {
			const bytes = Buffer.concat([picture, Buffer.from(String(index))]);
			const image = await storeFile(bytes, `portrait${index}.png`, 'image/png');
			return { ...row, binary: { ...row.binary, image } };
		}),
	);
}

test.each(['submit', 'generate'])(
	'%s has at most 64 files open, with two executions side by side',
	async (operation) => {
		const rows = await makeRowsWithPictures(ROWS);
		const most = watchOpenFiles();
		const parameters = {
			...GENERATE,
			resource: operation === 'generate' ? 'video' : 'task',
			operation,
		};
		const results = await rig.until(
			Promise.all([
				rig.start({ items: rows.slice(0, ROWS / 2), parameters }),
				rig.start({ items: rows.slice(ROWS / 2), parameters }),
			]),
		);
		for (const { error, items } of results) {
			expect(error).toBeUndefined();
			expect(items).toHaveLength(ROWS / 2);
		}
		expect(most()).toBeGreaterThan(0);
		expect(most()).toBeLessThanOrEqual(64);
	},
);

test.each(['get', 'wait'])('%s has at most 32 downloads under way', async (operation) => {
	const submitted = await rig.run({
		items: await makeRows(ROWS),
		parameters: { ...GENERATE, resource: 'task', operation: 'submit' },
	});
	await rig.until(rig.clock.sleep(10_000));
	let underWay = 0;
	let most = 0;
	rig.emulator.onRequest('download', async () => {
		underWay += 1;
		most = Math.max(most, underWay);
		await new Promise((resolve) => setTimeout(resolve, 300));
		underWay -= 1;
	});
	const items = jsonOf(submitted.items).map((json) => ({ json }));
	const parameters = {
		resource: 'task',
		operation,
		taskId: '={{ $json.taskId }}',
		options: { downloadVideo: true },
	};
	const result = await rig.run({ items, parameters, settings: GOES_ON });
	expect(result.items.every(({ binary }) => binary?.data)).toBe(true);
	expect(most).toBeGreaterThan(1);
	expect(most).toBeLessThanOrEqual(32);
});
