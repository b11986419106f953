import type { RunResult } from '../engine/harness/engine.mts';
import { everythingReadable } from '../engine/harness/rig.mts';
import { badTasks, itemsOfRow, readText, WHERE_ERRORS_GO, whereIs } from './outcome.mts';
import { BAD } from './scenes.mts';
import { API_KEY, BAD_ROW, GOOD_ROW, type RowRun } from './rowCell.mts';

/** What must hold in every field of the matrix. Each returns what is broken, in words. */

export const brokenPromises = (run: RowRun): string[] => [
	...paysOnce(run),
	...losesNothing(run),
	...ends(run),
	...keepsTheKey(run),
	...leavesTheOtherRowAlone(run),
	...goesWhereItShould(run),
	...speaksPlainly(readText(run)),
	...tellsTheTruthAboutMoney(run),
	...retriesWithoutPaying(run),
];

function paysOnce(run: RowRun): string[] {
	const posts = run.rig.emulator.tasks().map(({ input }) => input.prompt);
	return new Set(posts).size === posts.length ? [] : [`paid twice: ${posts.join(', ')}`];
}

/** Every task is named, or the text says that there may be one, which is then in the list. */
function losesNothing(run: RowRun): string[] {
	const read = everythingReadable(run.result);
	const mayExist = /may exist/.test(readText(run));
	return run.tasks
		.filter(({ id, input }) => !read.includes(id) && !(mayExist && input.prompt === BAD.prompt))
		.map(({ input }) => `lost the task of the ${input.prompt} row`);
}

/** The longest retryBudget of the node is an hour of "too many requests" on submit; Retry On Fail has it twice. */
const LONGEST_RUN_MS = 2.5 * 3_600_000;

const ends = ({ tookMs }: RowRun): string[] =>
	tookMs < LONGEST_RUN_MS ? [] : [`took ${Math.round(tookMs / 60_000)} minutes`];

function keepsTheKey({ rig, result, retried }: RowRun): string[] {
	const read = [result, retried].filter((one): one is RunResult => one !== undefined);
	const broken = read.some((one) => everythingReadable(one).includes(API_KEY))
		? ['the key is in what the run leaves behind']
		: [];
	const strangers = rig.emulator.requests().filter(({ origin }) => origin !== 'api');
	if (strangers.some((request) => JSON.stringify(request).includes(API_KEY))) {
		broken.push('the key went to another host');
	}
	return broken;
}

function leavesTheOtherRowAlone({ result, setting, retried }: RowRun): string[] {
	if (setting === 'stopWorkflow' && result.error) {
		return retried && !retried.error && itemsOfRow(retried.items, GOOD_ROW).length === 0
			? ['the retry has lost the good row']
			: [];
	}
	const [good] = itemsOfRow([...result.items, ...result.errorItems], GOOD_ROW);
	const isFine = good && good.json.error === undefined && typeof good.json.taskId === 'string';
	return isFine ? [] : [`the good row has failed: ${JSON.stringify(good?.json)}`];
}

function goesWhereItShould(run: RowRun): string[] {
	const { result, setting, items } = run;
	const hasFailed = readText(run) !== '';
	const wanted = hasFailed ? WHERE_ERRORS_GO[setting] : 'item';
	const where = whereIs(run, BAD_ROW);
	if (where !== wanted) return [`is at "${where}" instead of "${wanted}"`];
	if (!hasFailed || setting === 'stopWorkflow') return [];

	const failed = itemsOfRow([...result.items, ...result.errorItems], BAD_ROW);
	const own = setting === 'continueErrorOutput' ? Object.keys(items[BAD_ROW]?.json ?? {}) : [];
	const keys = [...new Set(['error', 'details', ...own])].sort().join();
	return failed.flatMap(({ json, error }) => [
		...(Object.keys(json).sort().join() === keys ? [] : [`has the keys ${Object.keys(json)}`]),
		...(typeof json.details === 'object' ? [] : ['has no details']),
		...(error === undefined ? [] : ['sets item.error']),
	]);
}

/** Marks of texts that were never written for a person. */
const RAW = [
	/undefined|NaN|\bnull\b|\[object |Error:|\n|\.js:\d/,
	/Request failed with status|axios|socket/i,
	/\bE[A-Z]{5,}\b/,
];

export function speaksPlainly(text: string): string[] {
	if (text === '') return [];
	const raw = RAW.flatMap((mark) => mark.exec(text)?.[0] ?? []);
	return [
		...raw.map((words) => `says "${words}": ${text}`),
		...(/[.!?] \S.*\.$/.test(text) ? [] : [`gives no advice: ${text}`]),
		...(/\.\.|\s{2,}/.test(text) ? [`is badly put together: ${text}`] : []),
	];
}

function tellsTheTruthAboutMoney(run: RowRun): string[] {
	const text = readText(run);
	if (text === '') return [];
	const isPaid = badTasks(run).length > 0 && run.scene.parameters.operation !== 'getAll';
	const saysUnpaid = /nothing was paid/i.test(text);
	if (isPaid && saysUnpaid) return [`denies a task that is paid for: ${text}`];
	if (!isPaid && !saysUnpaid) return [`does not say that nothing was paid: ${text}`];
	if (!isPaid || /paid|refund/i.test(text)) return [];
	return [`does not speak of the money: ${text}`];
}

function retriesWithoutPaying({ retried, rig }: RowRun): string[] {
	if (!retried) return [];
	const isVideo = retried.items.length > 0 && !retried.error;
	const isFailedTask = rig.emulator.tasks().some(({ status }) => status === 'failed');
	return isVideo || isFailedTask ? [] : [`the retry fails: ${retried.error?.message}`];
}
