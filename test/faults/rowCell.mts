import type { INode, INodeExecutionData } from 'n8n-workflow';

import { type RunOptions, type RunResult, sampleFile } from '../engine/harness/engine.mts';
import type { EmulatorTask } from '../emulator/types.mts';
import { type Rig, startRig, storeAudio, storeImage } from '../engine/harness/rig.mts';
import { type Cell, type Setting, toFault } from './cells.mts';
import { BAD, GOOD, PROMPT, type RowScene, URLS } from './scenes.mts';

/** A run of the node with one row that meets the fault and one that doesn't, and what it leaves behind. */

export const API_KEY = 'sk-faults-0123456789abcdef';
export const REDIRECT_PATH = '/elsewhere';
export const BAD_ROW = 0;
export const GOOD_ROW = 1;

export interface RowRun {
	cell: Cell;
	scene: RowScene;
	setting: Setting;
	rig: Rig;
	items: INodeExecutionData[];
	result: RunResult;
	/** The tasks that the service had accepted when the run ended. */
	tasks: EmulatorTask[];
	/** Clock milliseconds that the run took. */
	tookMs: number;
	/** A retry of the execution after the fault has gone; only of runs that ended with an error. */
	retried: RunResult | undefined;
}

/** Runs the cell and hands what is left to `look`, while the emulator still knows everything. */
export async function withRowRun<T>(
	cell: Cell & { scene: RowScene },
	setting: Setting,
	more: Partial<INode>,
	look: (run: RowRun) => T,
): Promise<T> {
	const { scene } = cell;
	const rig = await startRig({ apiKey: API_KEY, taskSeconds: 6, ...scene.emulator });
	try {
		const items = await makeItems(rig, scene);
		const isOfBadRow = (request: Parameters<typeof scene.isOfBadRow>[0]): boolean =>
			scene.isOfBadRow(request, rig);
		if (scene.reachedBy) {
			const when = ({ body }: { body: unknown }): boolean =>
				(body as { prompt?: string }).prompt === BAD.prompt;
			rig.emulator.addFault({ ...scene.reachedBy, when });
		}
		const elsewhere = `${rig.emulator.mediaUrl}${REDIRECT_PATH}`;
		rig.emulator.addFault({ ...toFault(cell, elsewhere), when: isOfBadRow });
		const startedAt = rig.clock.now();
		const options: Pick<RunOptions, 'items' | 'parameters' | 'settings'> = {
			items,
			parameters: scene.parameters,
			settings: { ...more, onError: setting },
		};
		const result = await rig.run(options);
		const tookMs = rig.clock.now() - startedAt;
		const tasks = rig.emulator.tasks();
		rig.emulator.clearFaults();
		// For up to a minute the node believes that the service is still down, and asks it nothing.
		if (result.error) await rig.until(rig.clock.sleep(60_000));
		const retried = result.error ? await rig.run({ ...options, retryOf: result.run }) : undefined;
		return look({ cell, scene, setting, rig, items, result, tasks, tookMs, retried });
	} finally {
		await rig.close();
	}
}

async function makeItems(rig: Rig, scene: RowScene): Promise<INodeExecutionData[]> {
	if (scene.withFiles) return await makeFileRows();
	const audioUrl = await rig.emulator.addUpload(
		'speech.mp3',
		'audio/mpeg',
		sampleFile('speech.mp3'),
	);
	const rows = await Promise.all(
		[BAD, GOOD].map(async ({ prompt, fileName, media }) => ({
			json: {
				prompt,
				imageUrl: await rig.emulator.addUpload(fileName, 'image/png', sampleFile(media)),
				audioUrl,
			},
		})),
	);
	if (!scene.tasksBefore) return rows;
	const parameters = { ...URLS, resource: 'task', operation: 'submit', prompt: PROMPT };
	const { items } = await rig.run({ items: rows, parameters });
	return items.map(({ json: { taskId } }, row) => {
		if (scene.tasksBefore === 'ended') rig.emulator.finishTask(String(taskId));
		return { json: { ...rows[row]?.json, taskId, status: row === BAD_ROW ? 'completed' : '' } };
	});
}

async function makeFileRows(): Promise<INodeExecutionData[]> {
	const audio = await storeAudio();
	return await Promise.all(
		[BAD, GOOD].map(async ({ prompt, fileName, media }) => ({
			json: { prompt },
			binary: { image: { ...(await storeImage(media)), fileName }, audio },
		})),
	);
}
