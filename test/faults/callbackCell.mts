import { setImmediate } from 'node:timers/promises';

import type { IDataObject, INodeExecutionData } from 'n8n-workflow';

import { type RunResult, sampleFile } from '../engine/harness/engine.mts';
import { everythingReadable, type Rig, startRig } from '../engine/harness/rig.mts';
import { startTrigger, type TriggerRig } from '../engine/harness/triggerRig.mts';
import { startWaiting } from '../engine/harness/waitingRig.mts';
import { type Cell, toFault } from './cells.mts';
import { mask, type Outcome } from './outcome.mts';
import { speaksPlainly } from './promises.mts';
import { API_KEY, REDIRECT_PATH } from './rowCell.mts';
import { BAD, type CallbackScene, GOOD, PROMPT, URLS } from './scenes.mts';

/** What callbacks, and the trigger that takes them, do under a fault. */

export interface CallbackRun {
	outcome: Outcome;
	broken: string[];
}

type CallbackCell = Cell & { scene: CallbackScene };

export async function runCallbackCell(cell: CallbackCell): Promise<CallbackRun> {
	const rig = await startRig({ apiKey: API_KEY, taskSeconds: 120 });
	try {
		return await RUN[cell.scene.kind](cell, rig);
	} finally {
		await rig.close();
	}
}

const RUN: Record<CallbackScene['kind'], (cell: CallbackCell, rig: Rig) => Promise<CallbackRun>> = {
	activation: activate,
	trigger: callTheTrigger,
	parked: callAParkedExecution,
};

const addFault = (cell: Cell, rig: Rig): void =>
	rig.emulator.addFault(toFault(cell, `${rig.emulator.mediaUrl}${REDIRECT_PATH}`));

const outcomeOf = (rig: Rig, ending: Outcome['ending'], says: string): Outcome => {
	const tasks = rig.emulator.tasks();
	const costUsd = tasks.reduce((sum, { priceUsd }) => sum + priceUsd, 0);
	return { ending, says: mask(says), tasks: tasks.length, costUsd, retry: '' };
};

async function activate(cell: CallbackCell, rig: Rig): Promise<CallbackRun> {
	const trigger = await startTrigger({ credential: rig.credential });
	addFault(cell, rig);
	const activating = trigger.activate().then(
		() => undefined,
		(error: Error & { description?: string }) => error,
	);
	const error = await rig.clock.runUntil(activating, rig.emulator);
	await trigger.close();
	const says = error ? `${error.message}. ${error.description ?? ''}` : '';
	const readable = JSON.stringify([error, says, error?.stack, trigger.logs]);
	return {
		outcome: outcomeOf(rig, error ? 'error' : 'result', says),
		broken: [...speaksPlainly(says), ...keepsSecrets(rig, readable)],
	};
}

async function makeItems(rig: Rig): Promise<INodeExecutionData[]> {
	const audioUrl = await rig.emulator.addUpload('a.mp3', 'audio/mpeg', sampleFile('speech.mp3'));
	return await Promise.all(
		[BAD, GOOD].map(async ({ prompt, fileName, media }) => {
			const bytes = sampleFile(media);
			const imageUrl = await rig.emulator.addUpload(fileName, 'image/png', bytes);
			return { json: { prompt, imageUrl, audioUrl } };
		}),
	);
}

async function submitTasks(rig: Rig, parameters: object): Promise<void> {
	const items = await makeItems(rig);
	await rig.run({ items, parameters: { ...URLS, prompt: PROMPT, ...parameters } });
}

/** The service's last retry comes less than three minutes after the first callback. */
const LONGEST_WAIT_TICKS = 100;
/** Far below the age at which a signature is refused: time may go on while a callback is being looked at. */
const TICK_MS = 5_000;

async function passTimeUntil(rig: Rig, isDone: () => boolean): Promise<void> {
	const wait = async (): Promise<void> => {
		for (let tick = 0; tick < LONGEST_WAIT_TICKS && !isDone(); tick += 1) {
			await rig.clock.sleep(TICK_MS);
			await setImmediate();
		}
	};
	await rig.clock.runUntil(wait(), rig.emulator);
}

const MOST_DELIVERIES = 4;

/** All callbacks were taken, or sent as often as the service sends them. */
const isDelivered = ({ emulator }: Rig): boolean =>
	emulator.tasks().every(({ id }) => {
		const sent = emulator.webhookDeliveries().filter(({ taskId }) => taskId === id);
		return sent.length >= MOST_DELIVERIES || sent.some(({ status }) => status === 200);
	});

async function callTheTrigger(cell: CallbackCell, rig: Rig): Promise<CallbackRun> {
	const trigger = await startTrigger({ credential: rig.credential });
	// At the secret's own step the callback is the first that asks for it.
	if (cell.step !== 'secret') await trigger.activate();
	await submitTasks(rig, {
		resource: 'task',
		operation: 'submit',
		options: { webhookUrl: trigger.url },
	});
	addFault(cell, rig);
	await passTimeUntil(rig, () => isDelivered(rig));
	await rig.clock.runUntil(trigger.idle(), rig.emulator);
	await trigger.close();
	rig.emulator.clearFaults();
	const list = await rig.run({
		parameters: { resource: 'task', operation: 'getAll', returnAll: true },
	});
	const ids = rig.emulator.tasks().map(({ id }) => id);
	const started = trigger.started.map(({ json }) => String(json.taskId));
	const listed = list.items.map(({ json }) => String(json.taskId));
	const missed = ids.length - new Set(started).size;
	const readable = JSON.stringify([trigger.started, trigger.logs, trigger.thrown, trigger.answers]);
	const says = missed === 0 ? '' : `${nameMissed(missed)} ${readLog(trigger)}`;
	return {
		outcome: outcomeOf(rig, missed === 0 ? 'result' : 'later', says),
		broken: [
			...(new Set(started).size === started.length ? [] : ['started twice for one task']),
			...(ids.every((id) => listed.includes(id)) ? [] : ['Get Many misses a task']),
			...(trigger.thrown.length === 0 ? [] : ['threw into n8n']),
			...(/nothing was paid/i.test(readable) ? ['denies a task that is paid for'] : []),
			...keepsSecrets(rig, readable),
		],
	};
}

const nameMissed = (missed: number): string =>
	`The workflow does not start for ${missed === 1 ? 'one of the tasks' : 'the tasks'}; *Get Many* lists ${missed === 1 ? 'it' : 'them'}.`;

const readLog = ({ logs }: TriggerRig): string => {
	const last = logs.at(-1);
	return last === undefined ? 'Nothing reaches n8n.' : `n8n's log: ${last}`;
};

async function callAParkedExecution(cell: CallbackCell, rig: Rig): Promise<CallbackRun> {
	const waiting = await startWaiting(rig);
	const parked = await waiting.start({
		items: await makeItems(rig),
		parameters: { ...URLS, prompt: PROMPT, operation: 'generate', waitMode: 'parked' },
		settings: { onError: 'continueRegularOutput' },
	});
	const bad = rig.emulator.tasks().find(({ input }) => input.prompt === BAD.prompt);
	const when = ({ path }: { path: string }): boolean => path.includes(String(bad?.id));
	rig.emulator.addFault({
		...toFault(cell, `${rig.emulator.mediaUrl}${REDIRECT_PATH}`),
		...(cell.step === 'result' ? { when } : {}),
	});
	const final: RunResult = await waiting.ended();
	await waiting.close();
	const rows = final.items.map(({ json }) => json);
	const failed = rows.find(({ error }) => error !== undefined);
	const handedOut = rows.map(({ taskId, details }) => taskId ?? (details as IDataObject).taskId);
	const ids = rig.emulator.tasks().map(({ id }) => id);
	return {
		outcome: outcomeOf(rig, failed ? 'error' : 'result', String(failed?.error ?? '')),
		broken: [
			...(parked.run.waitTill ? [] : ['was not parked']),
			...(ids.length === 2 && ids.every((id) => handedOut.includes(id)) ? [] : ['lost a task']),
			...(rows.filter(({ error }) => error === undefined).length > 0 ? [] : ['both rows failed']),
			...(waiting.answers.some(({ status }) => status === 500) ? ['threw into n8n'] : []),
			...keepsSecrets(rig, everythingReadable(final) + everythingReadable(parked)),
		],
	};
}

function keepsSecrets({ emulator }: Rig, readable: string): string[] {
	const strangers = emulator.requests().filter(({ origin }) => origin !== 'api');
	return [
		...(readable.includes(API_KEY) ? ['the key can be read'] : []),
		...(readable.includes(emulator.webhookSecret) ? ['the secret can be read'] : []),
		...(JSON.stringify(strangers).includes(API_KEY) ? ['the key went to another host'] : []),
	];
}
