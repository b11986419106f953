import type { IDataObject, INodeExecutionData, OnError } from 'n8n-workflow';

import { isRecord } from '../../json';
import type { Failure } from '../../wavespeed/failures';
import { parseTask, readTaskId, type Task, toStoredTask } from '../../wavespeed/tasks/task';
import type { TaskWait } from '../../wavespeed/tasks/waitStep';
import { toDataObject } from '../dataObject';
import { MESSAGES } from '../errors/messages';
import { taskIdOfItem } from '../output/rowFields';
import { type ResultSettings, toItem } from '../output/taskItem';
import { toSteadyTime, toWallTime } from '../session/clock';

/**
 * What a parked run has to know, as n8n stores it between the checks: one item with some texts. Texts, because n8n copies
 * objects property by property wherever an expression touches them, and because it stores a text that has not changed
 * only once, however many checks there were. No keys, no files, no fields of the input that the result doesn't need.
 * Times are stored as those of the machine's clock, since the steady one of a process ends with it.
 */

/** A later layout takes another number, and what can't be read then goes on as records of tasks. */
export const STATE_VERSION = 1;

/** A row whose task is submitted, and how its result is to look. */
export interface ParkedTask {
	row: number;
	/** What was asked for; empty for a task that another node has submitted. */
	asked: IDataObject;
	/** The row's own fields, if the output is to keep them. */
	inputFields: IDataObject;
	settings: ResultSettings;
	wait: TaskWait;
}

/** A row that needs no wait: it failed before the run was parked, or its own wait is a short one. */
export interface DoneRow {
	row: number;
	items: INodeExecutionData[];
}

export type ParkedRow = ParkedTask | DoneRow;

/** How the wait for a row's task ended. `error`: a mistake in the program, in words. */
export type RowEnd = { task: Task } | { failure: Failure } | { error: string };

export interface WaitState {
	/** The node that the run belongs to: errors carry its name, and its setting decides about them. */
	node: { name: string; onError: OnError | undefined };
	rowCount: number;
	/** When n8n goes on with the parent in any case, on the steady clock, ms. */
	limitAt: number;
	/** In the order of the rows. */
	rows: ParkedRow[];
	/** The waits that go on, by row. */
	open: Map<number, TaskWait>;
	ends: Map<number, RowEnd>;
	/** Undefined while the credential can be read. */
	withoutKey?: WithoutKey | undefined;
}

/** The credential can't be read: since when, on the steady clock, ms, and how many checks have seen that. */
export interface WithoutKey {
	since: number;
	checks: number;
}

export const isTaskRow = (row: ParkedRow): row is ParkedTask => 'wait' in row;

/** The task that the row is about. */
export const taskIdOf = (row: ParkedRow): string | undefined => {
	if (isTaskRow(row)) return row.wait.taskId;
	return taskIdOfItem(row.items[0]?.json ?? {});
};

/** What only some of the rows have in common: when the next check is due, and what the last one said. */
interface OpenGroup {
	nextCheckAt: number;
	status: string;
	videoUrls?: string[];
	rows: number[];
}

/** A new state as the json of the one item that n8n stores. */
export function encodeState(state: WaitState): IDataObject {
	const { node, rowCount, limitAt, rows } = state;
	const stored = rows.map((row) =>
		isTaskRow(row) ? { ...row, wait: shift(row.wait, toWallTime) } : row,
	);
	const run = { node, rowCount, limitAt: toWallTime(limitAt), rows: stored };
	const json = { run: JSON.stringify(run), ends: [] };
	return updateState(json, state, [...state.ends.keys()]);
}

/** The same json after a check: only what has changed is written anew. */
export function updateState(json: IDataObject, state: WaitState, newEnds: number[]): IDataObject {
	const known = Array.isArray(json.ends) ? json.ends : [];
	const whole = new Set(state.rows.flatMap((row) => (wantsWhole(row) ? [row.row] : [])));
	const ended = newEnds.flatMap((row) => {
		const end = state.ends.get(row);
		return end ? [[row, encodeEnd(end, whole.has(row))]] : [];
	});
	const { withoutKey } = state;
	return toDataObject({
		wan22Wait: STATE_VERSION,
		...(withoutKey && {
			withoutKey: { ...withoutKey, since: toWallTime(withoutKey.since) },
		}),
		run: json.run,
		open: JSON.stringify(groupOpen(state.open)),
		ends: ended.length > 0 ? [...known, JSON.stringify(ended)] : known,
	});
}

/** The output is to be the API's own object. */
const wantsWhole = (row: ParkedRow): boolean => isTaskRow(row) && !row.settings.simplify;

const encodeEnd = (end: RowEnd, isWhole: boolean): unknown =>
	'task' in end ? { task: isWhole ? end.task.raw : toStoredTask(end.task) } : end;

function groupOpen(open: Map<number, TaskWait>): OpenGroup[] {
	const groups = new Map<string, OpenGroup>();
	for (const [row, { nextCheckAt, status, videoUrls }] of open) {
		const key = JSON.stringify([nextCheckAt, status, videoUrls]);
		const said = { status, ...(videoUrls ? { videoUrls } : {}) };
		const group = groups.get(key) ?? { nextCheckAt: toWallTime(nextCheckAt), ...said, rows: [] };
		group.rows.push(row);
		groups.set(key, group);
	}
	return [...groups.values()];
}

/** Undefined for anything that another version, or somebody else, has written. */
export function decodeState(json: unknown): WaitState | undefined {
	if (!isRecord(json) || json.wan22Wait !== STATE_VERSION) return undefined;
	const run = parseText(json.run);
	const groups = parseText(json.open);
	const ends = Array.isArray(json.ends)
		? json.ends.flatMap((text): unknown => parseText(text))
		: undefined;
	if (!isRecord(run) || !Array.isArray(groups) || !ends) return undefined;
	const { node, rowCount, limitAt, rows } = run;
	const isWhole =
		isRecord(node) &&
		typeof node.name === 'string' &&
		typeof rowCount === 'number' &&
		typeof limitAt === 'number' &&
		Array.isArray(rows) &&
		rows.every(isParkedRow) &&
		groups.every(isOpenGroup);
	if (!isWhole) return undefined;
	const parkedRows = rows.map((row) =>
		isTaskRow(row) ? { ...row, wait: shift(row.wait, toSteadyTime) } : row,
	);
	const byRow = new Map(parkedRows.filter(isTaskRow).map((row) => [row.row, row]));
	const open = readOpen(groups, byRow);
	const ended = readEnds(ends, byRow);
	if (!open || !ended) return undefined;
	// Each task's row must be somewhere, or its result would be lost in silence.
	if ([...byRow.keys()].some((row) => !open.has(row) && !ended.has(row))) return undefined;
	return {
		node: { name: String(node.name), onError: node.onError as OnError | undefined },
		rowCount,
		limitAt: toSteadyTime(limitAt),
		rows: parkedRows,
		open,
		ends: ended,
		withoutKey: readWithoutKey(json.withoutKey),
	};
}

function readWithoutKey(stored: unknown): WithoutKey | undefined {
	if (!isRecord(stored)) return undefined;
	const { since, checks } = stored;
	if (typeof since !== 'number' || typeof checks !== 'number') return undefined;
	return { since: toSteadyTime(since), checks };
}

function readOpen(
	groups: OpenGroup[],
	byRow: ReadonlyMap<number, ParkedTask>,
): Map<number, TaskWait> | undefined {
	const open = new Map<number, TaskWait>();
	for (const { nextCheckAt, status, videoUrls, rows } of groups) {
		const said = { status, ...(videoUrls ? { videoUrls } : {}) };
		for (const row of rows) {
			const parked = byRow.get(row);
			if (!parked) return undefined;
			open.set(row, { ...parked.wait, ...said, nextCheckAt: toSteadyTime(nextCheckAt) });
		}
	}
	return open;
}

function readEnds(
	entries: unknown[],
	byRow: ReadonlyMap<number, ParkedTask>,
): Map<number, RowEnd> | undefined {
	const ended = new Map<number, RowEnd>();
	for (const entry of entries) {
		const [row, value]: unknown[] = Array.isArray(entry) ? entry : [];
		const end = readEnd(value);
		if (!end || typeof row !== 'number' || !byRow.has(row)) return undefined;
		ended.set(row, end);
	}
	return ended;
}

function shift(wait: TaskWait, to: (time: number) => number): TaskWait {
	const { since, deadline, nextCheckAt, startedAt } = wait;
	return {
		...wait,
		since: to(since),
		deadline: to(deadline),
		nextCheckAt: to(nextCheckAt),
		...(startedAt === undefined ? {} : { startedAt: to(startedAt) }),
	};
}

const parseText = (text: unknown): unknown => {
	try {
		return typeof text === 'string' ? JSON.parse(text) : undefined;
	} catch {
		return undefined;
	}
};

const isOpenGroup = (value: unknown): value is OpenGroup =>
	isRecord(value) &&
	typeof value.nextCheckAt === 'number' &&
	typeof value.status === 'string' &&
	(value.videoUrls === undefined || isTextList(value.videoUrls)) &&
	Array.isArray(value.rows);

const isTextList = (value: unknown): boolean =>
	Array.isArray(value) && value.every((text) => typeof text === 'string');

function isParkedRow(value: unknown): value is ParkedRow {
	if (!isRecord(value) || !Number.isSafeInteger(value.row)) return false;
	if (!('wait' in value)) return Array.isArray(value.items) && value.items.every(isItem);
	const { wait, settings, asked, inputFields } = value;
	return (
		isRecord(wait) &&
		readTaskId(wait.taskId) === wait.taskId &&
		[wait.since, wait.deadline, wait.minGapMs].every(Number.isFinite) &&
		isRecord(settings) &&
		isRecord(asked) &&
		isRecord(inputFields)
	);
}

const isItem = (value: unknown): value is INodeExecutionData =>
	isRecord(value) && isRecord(value.json);

function readEnd(value: unknown): RowEnd | undefined {
	if (!isRecord(value)) return undefined;
	if ('task' in value) {
		const task = parseTask(value.task);
		return task && { task };
	}
	const { failure, error } = value;
	if (typeof error === 'string') return { error };
	const isFailure =
		isRecord(failure) &&
		typeof failure.reason === 'string' &&
		Object.hasOwn(MESSAGES, failure.reason) &&
		[failure.kind, failure.paid].every((text) => typeof text === 'string') &&
		isRecord(failure.facts) &&
		isRecord(failure.details);
	return isFailure ? { failure: failure as unknown as Failure } : undefined;
}

/** When the parent goes on in any case, as it is stored: ms since the epoch. Any version has written it alike. */
export function readStoredLimit(json: unknown): number | undefined {
	const run = isRecord(json) ? parseText(json.run) : undefined;
	const limitAt = isRecord(run) ? run.limitAt : undefined;
	return typeof limitAt === 'number' ? limitAt : undefined;
}

/** The same on the steady clock, ms. */
export function readLimit(json: unknown): number | undefined {
	const limitAt = readStoredLimit(json);
	return limitAt === undefined ? undefined : toSteadyTime(limitAt);
}

/**
 * The rows of a state that can't be read, as far as any version has written them alike: `run` is the text of an object
 * with `rows`, each with its number and its task. An update of this package in the middle of a wait must lose no ID.
 */
export function salvageRows(json: unknown): INodeExecutionData[] {
	const run = isRecord(json) ? parseText(json.run) : undefined;
	const rows = isRecord(run) && Array.isArray(run.rows) ? run.rows : [];
	return rows.filter(isRecord).flatMap((row): INodeExecutionData[] => {
		const { wait, items, asked, inputFields } = row;
		if (Array.isArray(items)) return items.filter(isItem);
		const taskId = isRecord(wait) ? wait.taskId : undefined;
		if (typeof taskId !== 'string') return [];
		const record = { taskId, status: 'unknown', videoUrl: null, videoUrls: [] };
		const json = toDataObject({ ...(isRecord(asked) ? asked : {}), ...record });
		// They are stored only where the output is to keep them.
		const columns =
			isRecord(inputFields) && Object.keys(inputFields).length > 0 ? inputFields : undefined;
		return [toItem(Number(row.row) || 0, json, columns && toDataObject(columns))];
	});
}

/** The tasks that the service has called back about. */
export function readCalled({ called }: IDataObject): Set<string> {
	try {
		const ids: unknown = typeof called === 'string' ? JSON.parse(called) : [];
		return new Set(Array.isArray(ids) ? ids.filter((id) => typeof id === 'string') : []);
	} catch {
		return new Set();
	}
}
