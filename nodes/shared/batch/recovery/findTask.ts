import type { ApiContext } from '../../wavespeed/http/request';
import { fail } from '../../wavespeed/failures';
import type { Task } from '../../wavespeed/tasks/task';
import type { Ledger, LedgerEntry } from '../ledger';
import { listTasks } from '../../wavespeed/tasks/listTasks';
import type { SubmitInput } from '../../wavespeed/tasks/submitTask';

/** What a search for the task of a submit without a clear answer has found. */
export type Finding =
	| { kind: 'found'; task: Task }
	| { kind: 'none' }
	/** Several tasks, or several rows, could belong together. */
	| { kind: 'several'; taskIds: string[] };

/** The service's clock and ours may differ by so much, and it may take so long until a task is made. */
const CLOCK_DIFFERENCE_MS = 60_000;
/** The answer may have been lost long after the task was made: the window ends only well after the attempt. */
const LATE_CREATION_MS = 120_000;
/** 20,000 tasks in some minutes: more than any account may submit. */
const MAX_PAGES = 200;

/**
 * Looks for the task among those of the account. Where the service repeats a task's input, an equal input decides
 * (a drawn seed makes it unique); else one task that nobody knows, for one submit that nobody can place, decides.
 * To be called while no submit is under way: a task whose answer is still on its way would look lost.
 */
export async function findLostTask(
	api: ApiContext,
	ledger: Ledger,
	key: string,
	entry: LedgerEntry,
	input: SubmitInput,
): Promise<Finding> {
	const from = entry.sentAt - CLOCK_DIFFERENCE_MS;
	const to = (entry.endedAt ?? entry.sentAt) + LATE_CREATION_MS;
	const known = ledger.knownTaskIds();
	const unknown = (await listWindow(api, from, to)).filter((task) => !known.has(task.id));

	const equal = unknown.filter((task) => task.input !== null && hasEqualInput(task.input, input));
	// Rows that ask for exactly the same, seed included, may take either task: the videos are the same.
	const oldest = equal.at(-1);
	if (oldest) return { kind: 'found', task: oldest };

	const candidates = unknown.filter((task) => task.input === null);
	if (candidates.length === 0) return { kind: 'none' };
	const rivals = ledger
		.unresolved()
		.filter((other) => other.key !== key && overlaps(other.entry, from, to));
	const only = candidates[0];
	if (candidates.length === 1 && only && rivals.length === 0) return { kind: 'found', task: only };
	return { kind: 'several', taskIds: candidates.map((task) => task.id) };
}

async function listWindow(api: ApiContext, fromMs: number, toMs: number): Promise<Task[]> {
	const query = {
		createdAfter: new Date(fromMs).toISOString(),
		createdBefore: new Date(toMs).toISOString(),
	};
	const tasks = new Map<string, Task>();
	for (let page = 1; page <= MAX_PAGES; page += 1) {
		const { tasks: found, isLast } = await listTasks(api, query, page);
		for (const task of found) if (isInWindow(task, fromMs, toMs)) tasks.set(task.id, task);
		if (isLast) return [...tasks.values()];
	}
	// "None" would be a guess, and a submit on a guess could be paid for twice.
	return fail('unavailable', 'The task list has no end', 'Try again later.');
}

/** The time filter may be ignored by the service. */
function isInWindow(task: Task, fromMs: number, toMs: number): boolean {
	if (task.createdAt === null) return true;
	const createdAt = Date.parse(task.createdAt);
	return createdAt >= fromMs && createdAt <= toMs;
}

function overlaps(entry: LedgerEntry, fromMs: number, toMs: number): boolean {
	const endsAt = (entry.endedAt ?? entry.sentAt) + LATE_CREATION_MS;
	return entry.sentAt - CLOCK_DIFFERENCE_MS <= toMs && endsAt >= fromMs;
}

const hasEqualInput = (echo: Record<string, unknown>, input: SubmitInput): boolean =>
	echo.image === input.image &&
	echo.audio === input.audio &&
	(echo.prompt ?? '') === input.prompt &&
	(echo.resolution ?? '480p') === input.resolution &&
	echo.seed === input.seed;
