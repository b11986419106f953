import type { IDataObject } from 'n8n-workflow';

import { isRecord } from '../../json';

/**
 * Where a row keeps its tasks: `task`, and what follows for rows that have a column of that name, such as those of which a
 * node before has made another video. The last name is one that the row does not have.
 */
function listTaskFields(row: IDataObject): string[] {
	const names = ['task', 'wan22Task'];
	for (let count = 2; Object.hasOwn(row, names.at(-1) ?? ''); count += 1) {
		names.push(`wan22Task${count}`);
	}
	return names;
}

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
	const taskField =
		earlier.field ?? listTaskFields(row).find((name) => !Object.hasOwn(row, name)) ?? '';
	return Object.fromEntries<IDataObject[string]>([
		...Object.entries(row),
		...added,
		[taskField, all],
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
	const names = listTaskFields(row);
	const isOfTask = (name: string): boolean => idOf(ownValue(row, name)) === id;
	const field = id === undefined ? undefined : names.find(isOfTask);
	// What an earlier task has put there stays: it still says so.
	const before = names.slice(0, Math.max(0, names.indexOf(field ?? '')));
	const isOfEarlier = (name: string): boolean =>
		before
			.map((other) => ownValue(row, other))
			.some((task) => idOf(task) !== undefined && saysTheSame(task, name, row));
	const isItemOfNode = id !== undefined && row.taskId === id && Array.isArray(row.videoUrls);
	const said = field === undefined ? isItemOfNode && row : ownValue(row, field);
	const isFrom = (name: string): boolean => saysTheSame(said, name, row) && !isOfEarlier(name);
	return { field, isFrom };
}

const saysTheSame = (task: unknown, name: string, row: IDataObject): boolean =>
	isRecord(task) &&
	Object.hasOwn(task, name) &&
	JSON.stringify(task[name]) === JSON.stringify(row[name]);

const ownValue = (record: Record<string, unknown>, name: string): unknown =>
	Object.hasOwn(record, name) ? record[name] : undefined;

/** Ours, or that of the API's own object. */
function idOf(task: unknown): string | undefined {
	const id = isRecord(task) ? (task.taskId ?? task.id) : undefined;
	return typeof id === 'string' ? id : undefined;
}

/** The task of an item of this node, whatever columns its row has. */
export function taskIdOfItem(json: IDataObject): string | undefined {
	const named = listTaskFields(json)
		.reverse()
		.map((name) => idOf(ownValue(json, name)));
	const known = named.find((id) => id !== undefined);
	const { taskId } = isRecord(json.details) ? json.details : json;
	return known ?? (typeof taskId === 'string' ? taskId : undefined);
}
