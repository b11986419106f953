import type { IDataObject } from 'n8n-workflow';

import type { EmulatorTask, RecordedRequest } from '../../emulator/types.mts';
import { built, type RunOptions, type RunResult } from './engine.mts';
import { testSince } from './n8nVersion.mts';
import { GENERATE, makeRows, type Rig, startRig } from './rig.mts';
import { startWaiting, type WaitingRig } from './waitingRig.mts';

/** Waiting that survives everything: the execution is stored by n8n, and a child of it checks the tasks. */

export const testParked = testSince('2.5.0', 'n8n is too old to park in');
export const testFailing = testSince('2.30.0', 'n8n can not let a run fail that was parked');

export const MINUTE = 60_000;

export const { pauses, processStart } = built<{
	pauses: { since: number; count: number; before: number };
	processStart: { at: number };
}>('nodes/shared/n8n/waiting/childSteps.js');

export const PARKED = { ...GENERATE, waitMode: 'parked' };
export const withOptions = (options: IDataObject) => ({ ...PARKED, options });

export const goodItems = ({ run }: RunResult) =>
	run.data.resultData.runData.Good?.at(-1)?.data?.main?.[0] ?? [];
export const badItems = ({ run }: RunResult) =>
	run.data.resultData.runData.Bad?.at(-1)?.data?.main?.[0] ?? [];

/** A service and an n8n that stores executions, for each test of a file. */
export interface ParkedScene {
	rig: Rig;
	waiting: WaitingRig;
	/** Both anew, with another service. */
	open(options?: Parameters<typeof startRig>[0]): Promise<void>;
	park(more?: Partial<RunOptions>, rows?: number): Promise<RunResult>;
	/** Without callbacks the timer alone wakes the child. */
	switchCallbacksOff(): void;
	taskOf(row: number): EmulatorTask;
	polls(): RecordedRequest[];
	lastEnd(): number;
}

/** To be called once at the top of a test file. */
export function useParkedScene(): ParkedScene {
	const scene: Partial<ParkedScene> = {};
	const rig = (): Rig => scene.rig as Rig;
	const close = async (): Promise<void> => {
		await scene.waiting?.close();
		await scene.rig?.close();
	};
	const taskSeconds = (input: { prompt?: string }) =>
		600 + 60 * Number(String(input.prompt).at(-1));
	const open = async (options: Parameters<typeof startRig>[0] = {}): Promise<void> => {
		await close();
		scene.rig = await startRig({ taskSeconds, ...options });
		scene.waiting = await startWaiting(scene.rig);
	};
	beforeEach(async () => {
		processStart.at = 0;
		pauses.count = 0;
		await open();
	});
	afterAll(close);
	const complete: Omit<ParkedScene, 'rig' | 'waiting'> = {
		open,
		async park(more = {}, rows = 3) {
			const items = await makeRows(rows);
			return await (scene.waiting as WaitingRig).start({ items, parameters: PARKED, ...more });
		},
		switchCallbacksOff: () =>
			rig().emulator.addFault({ step: 'webhook', kind: 'resetBefore', times: Infinity }),
		taskOf: (row) =>
			rig()
				.emulator.tasks()
				.find(({ input }) => input.prompt === `row ${row}`)!,
		polls: () =>
			rig()
				.emulator.requests()
				.filter(({ step }) => step === 'result'),
		lastEnd: () =>
			Math.max(
				...rig()
					.emulator.tasks()
					.map(({ endedAt }) => endedAt ?? 0),
			),
	};
	return Object.assign(scene, complete) as ParkedScene;
}
