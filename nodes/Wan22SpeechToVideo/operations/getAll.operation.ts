import type { INodeExecutionData } from 'n8n-workflow';

import { toItem, toTaskJson } from '../../shared/n8n/output/taskItem';
import { type ParameterReader, readParameters } from '../../shared/n8n/input/parameters';
import { fail } from '../../shared/wavespeed/failures';
import type { Task } from '../../shared/wavespeed/tasks/task';
import { getAllFields } from '../fields/getAll.fields';
import { showFor } from '../fields/showFor';
import { simplifyField } from '../fields/task.fields';
import type { Operation } from './operation';
import { listAllTasks, type TaskQuery } from '../../shared/wavespeed/tasks/listTasks';
import { isRecord } from '../../shared/json';

const MOST_TASKS = 1_000_000;

/** The account's tasks of the last 7 days, to bring back what a stopped workflow has left behind. */
export const getAll: Operation = {
	fields: showFor(['getAll'], [...getAllFields, simplifyField]),
	holdsPlaces: false,

	async plan(run, row) {
		const parameters = readParameters(run.ctx, row);
		const query = readQuery(parameters);
		const simplify = parameters.flag('simplify');
		const limit = parameters.flag('returnAll')
			? MOST_TASKS
			: parameters.integer('limit', 'Limit', { min: 1, max: MOST_TASKS });
		return async () => {
			const items: INodeExecutionData[] = [];
			for await (const tasks of listAllTasks(run.api, query, { mayBeIncomplete: true })) {
				for (const task of tasks.filter((candidate) => isWanted(candidate, query))) {
					if (items.length >= limit) return items;
					items.push(toItem(row, toTaskJson(task, { simplify }), undefined));
				}
				if (items.length >= limit) break;
			}
			return items;
		};
	},
};

/** The filters once more: the service may not know one of them, and the results must be right all the same. */
function isWanted(task: Task, query: TaskQuery): boolean {
	const createdAt = task.createdAt === null ? undefined : Date.parse(task.createdAt);
	const { status, createdAfter, createdBefore } = query;
	if (status !== undefined && task.status !== status) return false;
	if (createdAt === undefined) return true;
	if (createdAfter !== undefined && createdAt < Date.parse(createdAfter)) return false;
	return createdBefore === undefined || createdAt <= Date.parse(createdBefore);
}

function readQuery({ raw }: ParameterReader): TaskQuery {
	const given = raw('filters');
	const filters = isRecord(given) ? given : {};
	const status = typeof filters.status === 'string' ? filters.status.trim() : '';
	return {
		...(status === '' ? {} : { status }),
		createdAfter: readTime(filters.createdAfter, 'Created After'),
		createdBefore: readTime(filters.createdBefore, 'Created Before'),
	};
}

/** ISO 8601 in UTC, from what the date field or an expression gives. */
function readTime(value: unknown, label: string): string | undefined {
	if (value === undefined || value === null || value === '') return undefined;
	const ms = Date.parse(toTimeText(value));
	if (!Number.isNaN(ms)) return new Date(ms).toISOString();
	return fail('invalidInput', 'notADate', { label });
}

/** Expressions such as {{ $now.minus(2, "days") }} give an object that knows its own text; others may not. */
function toTimeText(value: unknown): string {
	if (typeof value === 'string') return value;
	if (!isRecord(value)) return '';
	try {
		return String(value);
	} catch {
		return '';
	}
}
