import {
	type ApiContext,
	type ReadCall,
	type RetryBudget,
	requestWithRetry,
} from '../http/request';
import { fail, failureOf, withDetails } from '../failures';
import { type Task, parseTask } from './task';
import { resultPath } from '../endpoints';
import { isRecord } from '../../json';
import { settle } from '../../async/settle';

/** Reads one task. "Get result" in the docs. */
export async function getTask(
	api: ApiContext,
	taskId: string,
	retryBudget: RetryBudget,
): Promise<Task> {
	const request = { method: 'GET', target: { path: resultPath(taskId) } } as const;
	const purpose = { action: 'readTask' } as const;
	const parse = (data: unknown): Task | undefined => {
		const task = parseTask(isNameless(data) ? { ...data, id: taskId } : data);
		// A cache between us and the service may hand out another task, and its video to the wrong row.
		return task?.id === taskId ? task : undefined;
	};
	const noteAttempt: ReadCall<Task>['noteAttempt'] = (problem) => {
		const now = api.clock.now();
		if (problem) api.taskReads.noteProblem(taskId, problem, now);
		else api.taskReads.noteAnswer(taskId, now);
	};
	const call = { purpose, request, parse, noteAttempt };
	const read = await settle(requestWithRetry(api, call, retryBudget));
	if (read.ok) return read.value;
	const failure = failureOf(read.error);
	const isAnswer = failure?.reason === 'requestRefused' || failure?.reason === 'noUsableAnswer';
	if (!isAnswer || failure.httpStatus !== 404) throw withDetails(read.error, { taskId });
	const { kind, httpStatus, facts } = failure;
	return fail(kind, 'taskNotFound', { said: facts.said }, { httpStatus, details: { taskId } });
}

/** The vendor's SDKs do without an ID here: the address says which task it is. */
const isNameless = (data: unknown): data is Record<string, unknown> =>
	isRecord(data) &&
	(data.id ?? '') === '' &&
	typeof data.status === 'string' &&
	('outputs' in data || 'error' in data);
