import {
	type ApiContext,
	type RetryBudget,
	type ReadRequest,
	preparationBudget,
	requestWithRetry,
} from '../http/request';
import { MODEL_ID, PATHS } from '../endpoints';
import { namesOtherModel } from './otherModel';
import { type Task, parseTask } from './task';
import { fail, failureOf } from '../failures';
import { isRecord } from '../../json';
import { settle } from '../../async/settle';

export interface TaskQuery {
	status?: string;
	/** ISO 8601. */
	createdAfter?: string;
	createdBefore?: string;
}

/** The largest page that the API gives (docs: Predictions). */
const PAGE_SIZE = 100;

/** The largest answer there is: 100 tasks, with inputs if the service repeats them, at 80 kB each. */
const MAX_PAGE_BYTES = 8 * 1024 ** 2;

export interface TaskPage {
	/** Those of this model. */
	tasks: Task[];
	/** Of all items as they came, to tell whether a page is empty or the same as the one before. */
	ids: string[];
	/** Whether there are tasks whose record can't be read, and which may be of this model. */
	hasUnreadable: boolean;
}

export interface ListSettings {
	/** For each page. */
	retryBudget?: RetryBudget;
	/** For somebody who reads the list, what can be had is better than nothing. */
	mayBeIncomplete?: boolean;
}

/** A list that knows no page numbers gives the same, or what is known already, again and again. */
const MAX_PAGES_WITHOUT_NEWS = 200;
/** The next page shows the same once more if as many tasks were submitted meanwhile as a page holds. */
const MOST_REPEATS = 3;
/** A million tasks of a week; beyond that the list has no end. */
const MAX_PAGES = 10_000;
/** A service that gives fewer than so many at a time is not to be expected, so a shorter page is not a full one. */
const SMALLEST_FULL_PAGE = 10;

/**
 * All tasks of the query, page by page and each once. A page may hold fewer than were asked for and not be the last, so
 * only an empty page is the end. Tasks that are submitted meanwhile push others on to the next page, which is read
 * next; tasks that are deleted meanwhile pull others back to a page that was read before, so that the pages are read
 * once more, backwards. (What is pulled back first and then pushed on again, between two requests, is not seen.) Throws
 * (`unavailable`) if the list has no end, unless it may be incomplete.
 */
export async function* listAllTasks(
	api: ApiContext,
	query: TaskQuery,
	{ retryBudget, mayBeIncomplete = false }: ListSettings = {},
): AsyncGenerator<Task[]> {
	const read = async (page: number): Promise<TaskPage> => {
		const listed = await listTasks(api, query, page, retryBudget);
		// A record without a name may be that of the task that is looked for: "not there" would be a guess.
		if (listed.hasUnreadable && !mayBeIncomplete) fail('refused', 'listUnreadable', {});
		return listed;
	};
	const seen = new Set<string>();
	/** Those that were not given before. */
	const take = (tasks: Task[]): Task[] => {
		const news = tasks.filter(({ id }) => !seen.has(id));
		for (const { id } of news) seen.add(id);
		return news;
	};
	let isFull = false;
	let before = '';
	let repeats = 0;
	let pagesWithoutNews = 0;
	for (let page = 1; page <= MAX_PAGES; page += 1) {
		const { tasks, ids } = await read(page);
		if (ids.length === 0) {
			if (isFull) yield* readBackwards(async (back) => take((await read(back)).tasks), page - 1);
			return;
		}
		isFull ||= page > 1 || ids.length >= SMALLEST_FULL_PAGE;
		const shown = ids.join();
		repeats = shown === before ? repeats + 1 : 0;
		before = shown;
		// The service knows no page numbers. A full page then leaves open what else there is.
		if (repeats > 0 && ids.length >= PAGE_SIZE) break;
		if (repeats >= MOST_REPEATS) return;
		const news = take(tasks);
		if (news.length > 0) yield news;
		pagesWithoutNews = news.length > 0 ? 0 : pagesWithoutNews + 1;
		if (pagesWithoutNews >= MAX_PAGES_WITHOUT_NEWS) break;
	}
	if (mayBeIncomplete) return;
	// To take it for complete would be a guess, and a submit on a guess could be paid for twice.
	fail('unavailable', 'listHasNoEnd', {});
}

async function* readBackwards(
	readNews: (page: number) => Promise<Task[]>,
	lastPage: number,
): AsyncGenerator<Task[]> {
	for (let page = lastPage; page >= 1; page -= 1) {
		const news = await readNews(page);
		if (news.length > 0) yield news;
	}
}

/** One page, newest first as the service gives them. `page` counts from 1. */
export async function listTasks(
	api: ApiContext,
	query: TaskQuery,
	page: number,
	retryBudget: RetryBudget = preparationBudget(api.clock),
): Promise<TaskPage> {
	const json = {
		page,
		page_size: PAGE_SIZE,
		model: MODEL_ID,
		...(query.status ? { status: query.status } : {}),
		...(query.createdAfter ? { created_after: query.createdAfter } : {}),
		...(query.createdBefore ? { created_before: query.createdBefore } : {}),
	};
	const parse = (data: unknown): TaskPage | undefined => {
		if (!isRecord(data)) return undefined;
		// Some servers write an empty list as null.
		const items = data.items === null ? [] : data.items;
		if (!Array.isArray(items)) return undefined;
		// The filter may be ignored by the service: a task of another model must never be adopted.
		const own = items.filter((item) => !isRecord(item) || !namesOtherModel(item.model));
		const read = own.map(parseTask);
		const tasks = read.filter((task): task is Task => task !== undefined);
		const ids = items.map((item) => toText(isRecord(item) ? item.id : ''));
		return { tasks, ids, hasUnreadable: tasks.length < read.length };
	};
	const ask = async (body: ReadRequest['json']): Promise<TaskPage> => {
		const target = { path: PATHS.list };
		const request = { method: 'POST', target, json: body, maxAnswerBytes: MAX_PAGE_BYTES } as const;
		const purpose = { action: 'listTasks' } as const;
		return await requestWithRetry(api, { purpose, request, parse }, retryBudget);
	};
	// The inputs tell lost submits apart. The vendor's command line asks for them so; the docs don't name the flag.
	const withInputs = await settle(ask({ ...json, include_inputs: true }));
	if (withInputs.ok) return withInputs.value;
	if (failureOf(withInputs.error)?.httpStatus !== 400) throw withInputs.error;
	return await ask(json);
}

/** Not String(): an object in the place of an ID may have a "toString" that is no function. */
const toText = (id: unknown): string => (typeof id === 'string' ? id : (JSON.stringify(id) ?? ''));
