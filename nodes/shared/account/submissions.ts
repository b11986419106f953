/**
 * Which submits of this process are on their way, which have no clear answer, and which task IDs have their row: what a
 * search for a lost task must know of all runs, so that none of them takes another one's video. Times are ms on the
 * steady clock.
 */

/** A submit as long as it matters to anybody's search. */
export interface Submission {
	/** Unlike any other; the ledger keeps it. */
	id: string;
	state: 'open' | 'lost' | 'accepted';
	sentAt: number;
	/** When it was answered or given up; undefined while it is under way. */
	endedAt: number | undefined;
	taskId: string | undefined;
}

/** A search looks minutes back, and Retry On Fail comes within minutes. */
const KEPT_MS = 60 * 60_000;

/** Whose task it is matters longer: a row may search hours later, when it has its turn at last. */
const KEPT_TASK_IDS_MS = 24 * 60 * 60_000;

/** The largest account may start 5,000 in a minute; what is dropped makes searches more careful, never less. */
const MOST_KEPT = 50_000;

export class Submissions {
	/** In the order of sending. */
	readonly #kept = new Map<string, Submission>();
	readonly #taskIds = new Map<string, number>();
	readonly #given = new Map<string, number>();
	/** From here on nothing has been forgotten. */
	#completeSince: number;
	#onEnd = new Set<() => void>();

	constructor(now: number) {
		this.#completeSince = now;
	}

	get hasOpen(): boolean {
		return [...this.#kept.values()].some(({ state }) => state === 'open');
	}

	/** To be called before the submit leaves. */
	begin(id: string, now: number): Submission {
		this.#prune(now);
		const submission: Submission = {
			id,
			state: 'open',
			sentAt: now,
			endedAt: undefined,
			taskId: undefined,
		};
		this.#kept.set(id, submission);
		return submission;
	}

	accept(submission: Submission, taskId: string, now: number): void {
		submission.taskId = taskId;
		this.#taskIds.set(taskId, now);
		this.#end(submission, 'accepted', now);
	}

	/** No clear answer: a task may exist. */
	lose(submission: Submission, now: number): void {
		this.#end(submission, 'lost', now);
	}

	/** There is no task: it was refused, or never left. */
	drop(submission: Submission): void {
		this.#kept.delete(submission.id);
		this.#end(submission, 'lost', submission.sentAt);
	}

	/** A task that has its row, wherever its ID comes from. False if it has been taken before. */
	claim(taskId: string, now: number): boolean {
		if (this.#taskIds.has(taskId)) return false;
		this.#taskIds.set(taskId, now);
		return true;
	}

	/** The workflow has named this task for one of its rows. */
	noteGiven(taskId: string, now: number): void {
		this.#given.delete(taskId);
		this.#given.set(taskId, now);
		forgetOld(this.#given, now);
	}

	/** Whether a row has this task because the workflow says so, and not because this process has submitted it. */
	isGiven(taskId: string): boolean {
		return this.#given.has(taskId);
	}

	isKnown(taskId: string): boolean {
		return this.#taskIds.has(taskId);
	}

	/** What a search without an echo has to reckon with: all that may have made a task between these times. */
	between(from: number, to: number): Submission[] {
		return [...this.#kept.values()].filter(
			({ sentAt, endedAt }) => sentAt <= to && (endedAt ?? Infinity) >= from,
		);
	}

	/** Whether all submits of this process since then are known. */
	isCompleteSince(time: number): boolean {
		return time >= this.#completeSince;
	}

	get(id: string): Submission | undefined {
		return this.#kept.get(id);
	}

	/** Calls back whenever a submit has ended; returns a function that takes the call-back out again. */
	onEnd(callback: () => void): () => void {
		this.#onEnd.add(callback);
		return () => this.#onEnd.delete(callback);
	}

	#end(submission: Submission, state: Submission['state'], now: number): void {
		submission.state = state;
		submission.endedAt = now;
		for (const callback of [...this.#onEnd]) callback();
	}

	#prune(now: number): void {
		for (const [id, submission] of this.#kept) {
			const { state, sentAt, endedAt } = submission;
			const isOld = (endedAt ?? now) < now - KEPT_MS;
			if (state === 'open' || (!isOld && this.#kept.size < MOST_KEPT)) break;
			this.#kept.delete(id);
			this.#completeSince = Math.max(this.#completeSince, (endedAt ?? sentAt) + 1);
		}
		for (const [taskId, at] of this.#taskIds) {
			if (at >= now - KEPT_TASK_IDS_MS && this.#taskIds.size < MOST_KEPT) break;
			this.#taskIds.delete(taskId);
			this.#completeSince = Math.max(this.#completeSince, at + 1);
		}
	}
}

/** What was noted longest ago comes first. */
function forgetOld(noted: Map<string, number>, now: number): void {
	for (const [name, at] of noted) {
		if (at >= now - KEPT_MS && noted.size <= MOST_KEPT) return;
		noted.delete(name);
	}
}
