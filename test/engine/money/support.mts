import type { IDataObject, INodeExecutionData } from 'n8n-workflow';

import type { EmulatorOptions, EmulatorTask } from '../../emulator/types.mts';
import { type RunResult, sampleFile } from '../harness/engine.mts';
import { type Rig, startRig } from '../harness/rig.mts';

/** What the tests of money share. */

export const RETRY = { retryOnFail: true, maxTries: 3, waitBetweenTries: 1 };

export const GOES_ON = { onError: 'continueRegularOutput' as const };

/** Tasks of a minute, unless the test says otherwise. */
export const startMoneyRig = async (options: EmulatorOptions = {}): Promise<Rig> =>
	await startRig({ taskSeconds: 60, ...options });

export const submitsOf = (rig: Rig) =>
	rig.emulator.requests().filter(({ step }) => step === 'submit');

export const idsOf = (rig: Rig): string[] => rig.emulator.tasks().map(({ id }) => id);

/** The tasks that were paid for a prompt. */
export const tasksOf = (rig: Rig, prompt: string): EmulatorTask[] =>
	rig.emulator.tasks().filter(({ input }) => input.prompt === prompt);

/** For faults and holds that concern one row only. */
export const isOf =
	(prompt: string) =>
	({ body }: { body: unknown }): boolean =>
		(body as { prompt?: string }).prompt === prompt;

/** What is in a row's place. */
export const jsonOfRow = (items: INodeExecutionData[], row = 0): IDataObject =>
	items[row]?.json ?? {};

export const textOf = ({ error }: RunResult): string =>
	error ? `${error.message} ${error.description ?? ''}` : '';

export const minutesOf = async (rig: Rig, work: () => Promise<unknown>): Promise<number> => {
	const before = rig.clock.now();
	await work();
	return (rig.clock.now() - before) / 60_000;
};

/** Parameters that name a picture and a recording at web addresses, as for rows and tools that have no files. */
export async function parametersByUrl(rig: Rig) {
	const upload = async (name: string, type: string): Promise<string> =>
		await rig.emulator.addUpload(name, type, sampleFile(name));
	return {
		imageSource: 'url',
		imageUrl: await upload('portrait.png', 'image/png'),
		audioSource: 'url',
		audioUrl: await upload('speech.mp3', 'audio/mpeg'),
	};
}

/** The task list shows nothing for so long: a lost task is in it only then. */
export function hideTasksFor(rig: Rig, ms: number): void {
	const startedAt = rig.clock.now();
	rig.emulator.addFault({
		step: 'list',
		kind: 'status',
		status: 200,
		body: { code: 200, message: 'success', data: { page: 1, items: [] } },
		times: Infinity,
		when: () => rig.clock.now() < startedAt + ms,
	});
}
