import type { IDataObject } from 'n8n-workflow';

import { isRecord } from '../../json';

/** Where a row keeps its task; the second name is for rows that have a column of the first. */
const TASK_FIELDS = ['task', 'wan22Task'] as const;

/**
 * Include Input Fields. A sheet that is updated from these items must find its columns as they were, so the row's own
 * fields are not changed: what the node found out is added where the row has no field of that name, and all of it under
 * `task`. Own properties only: a column can be called "constructor" or "__proto__".
 */
export function addToRow(
	row: IDataObject,
	fields: IDataObject,
	all: IDataObject = fields,
): IDataObject {
	const earlier = findEarlier(row, all);
	const isFree = (name: string): boolean => !Object.hasOwn(row, name) || earlier.isFrom(name);
	const added = Object.entries(fields).filter(([name]) => isFree(name));
	const taskField = TASK_FIELDS.find((name) => name === earlier.field || !Object.hasOwn(row, name));
	return Object.fromEntries<IDataObject[string]>([
		...Object.entries(row),
		...added,
		...(taskField ? [[taskField, all] as const] : []),
	]);
}

/**
 * Fields that an earlier node of this package has put there for the same task, such as Submit before Wait, are not the
 * row's own: what it said of the task is out of date. They stand under `task`, or the whole item is such a node's output:
 * a column of a sheet is never a list, as `videoUrls` is.
 */
function findEarlier(
	row: IDataObject,
	all: IDataObject,
): { field: string | undefined; isFrom: (name: string) => boolean } {
	const id = idOf(all);
	const field = TASK_FIELDS.find((name) => id !== undefined && idOf(ownValue(row, name)) === id);
	const isItemOfNode = id !== undefined && row.taskId === id && Array.isArray(row.videoUrls);
	const said = field === undefined ? isItemOfNode && row : ownValue(row, field);
	const isFrom = (name: string): boolean =>
		isRecord(said) &&
		Object.hasOwn(said, name) &&
		JSON.stringify(said[name]) === JSON.stringify(row[name]);
	return { field, isFrom };
}

const ownValue = (record: Record<string, unknown>, name: string): unknown =>
	Object.hasOwn(record, name) ? record[name] : undefined;

/** Ours, or that of the API's own object. */
function idOf(task: unknown): string | undefined {
	const id = isRecord(task) ? (task.taskId ?? task.id) : undefined;
	return typeof id === 'string' ? id : undefined;
}

/** The task of an item of this node, whatever columns its row has. */
export function taskIdOfItem(json: IDataObject): string | undefined {
	const named = [...TASK_FIELDS].reverse().map((name) => idOf(ownValue(json, name)));
	const known = named.find((id) => id !== undefined);
	const { taskId } = isRecord(json.details) ? json.details : json;
	return known ?? (typeof taskId === 'string' ? taskId : undefined);
}
