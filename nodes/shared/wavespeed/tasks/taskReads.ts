import { Cancellation } from '../../async/cancellation';
import { FailureError, makeFailure } from '../failures';

/** After so long without an answer new tasks wait: most gaps end by then. */
const DOUBTFUL_AFTER_MS = 60_000;

/** After so long rows that would submit fail. Longer than a restart of the service takes. */
const UNREADABLE_AFTER_MS = 5 * 60_000;

/** Two tasks that nobody will ever be able to read must not stop an account for good. */
const LONGEST_BELIEVED_MS = 60 * 60_000;

/** So often one new task is let through in an outage: where only some tasks are broken, it is read, and that ends it. */
const PROBE_EVERY_MS = 15 * 60_000;

/** So early another one is, if the tasks are gone by which the end of an outage would be seen. */
const FIRST_PROBE_AFTER_MS = 5 * 60_000;

/** "Too many requests" for so long, and nothing else, is more than a passing rush. */
const TURNED_AWAY_TOO_LONG_MS = 5 * 60_000;

/** Longer than the longest pause that it causes: without a read meanwhile, its time begins anew. */
const TURNED_AWAY_FORGOTTEN_MS = 5 * 60_000;

/** A new task may not be found everywhere immediately. */
const NOT_FOUND_AT_FIRST_MS = 60_000;

/** Where a task has been read so lately, one that is not found is one that somebody has deleted. */
const READ_LATELY_MS = 60 * 60_000;

const MOST_BROKEN = 100;

/** One that can't be read says nothing about the others. */
const FEWEST_TASKS = 2;

/** What came in the place of a task. */
interface Problem {
	said: string;
	httpStatus?: number;
}

/** Why a new task should wait. */
export interface Doubt {
	/** One of the tasks that could not be read. */
	taskId: string;
	/** When that was tried last. */
	triedAt: number;
	/** Undefined while it may be a short gap. */
	failure: FailureError | undefined;
}

/**
 * Whether the account's tasks can be read. While they can't, each new one is paid for and holds its place to its time
 * limit, and nobody gets a video: eight rows of a new account paid for eight in four hours. Times are ms on the steady
 * clock.
 */
export class TaskReads {
	/** Whether this process knows that there is such a task: an ID of a sheet may be of none, or of another account. */
	readonly #isKnown: (taskId: string) => boolean;
	/** When this process has submitted a task with this account, within the hour; the first one comes first. */
	readonly #submittedAt = new Map<string, number>();
	/** Those that could not be read since the last answer, as many as count. */
	readonly #taskIds = new Set<string>();
	/** Since when there are enough of them. */
	#since = 0;
	#triedAt = 0;
	#probedAt = -Infinity;
	/** Not to be read while others were: they say nothing about the rest. */
	readonly #broken = new Set<string>();
	#said = '';
	#answeredAt = -Infinity;
	/** The first "too many requests" after the last answer, and the last. */
	#turnedAwaySince = 0;
	#turnedAwayAt = -Infinity;
	/** Some could not be read since the last answer for another reason than that they are not found. */
	#isOutage = false;
	#isProbeDue = false;
	#outage = new Cancellation();

	constructor(isKnown: (taskId: string) => boolean) {
		this.#isKnown = isKnown;
	}

	/** A task of this account is there from now on. */
	noteSubmitted(taskId: string, now: number): void {
		for (const [id, at] of this.#submittedAt) {
			if (now - at < READ_LATELY_MS) break;
			this.#submittedAt.delete(id);
		}
		this.#submittedAt.set(taskId, now);
	}

	/** This task has been read. */
	noteAnswer(taskId: string, now: number): void {
		this.#answeredAt = now;
		this.#turnedAwayAt = -Infinity;
		this.#broken.delete(taskId);
		if (this.doubtAt(now)) for (const id of this.#taskIds) this.#noteBroken(id);
		this.#forget();
	}

	/** Somebody is about to look; whatever comes of it, nobody needs to look again immediately. */
	noteTried(now: number): void {
		this.#triedAt = now;
	}

	#noteBroken(taskId: string): void {
		this.#broken.add(taskId);
		const [oldest] = this.#broken;
		if (this.#broken.size > MOST_BROKEN && oldest !== undefined) this.#broken.delete(oldest);
	}

	#forget(): void {
		this.#taskIds.clear();
		this.#isOutage = false;
		this.#renewOutage();
	}

	#renewOutage(): void {
		if (this.#outage.reason()) this.#outage = new Cancellation();
	}

	/** An attempt to read a task had no usable answer, or was refused. */
	noteProblem(taskId: string, { said, httpStatus }: Problem, now: number): void {
		if (httpStatus === 404 && !this.#isAmiss(taskId, now)) return;
		if (httpStatus === 429 && !this.#isTurnedAwayTooLong(now)) return;
		// It counts late, and was not there in all that time.
		const since = httpStatus === 404 ? now - NOT_FOUND_AT_FIRST_MS : now;
		this.#noteUnread(taskId, said, since, now);
		if (httpStatus !== 404 && this.#taskIds.has(taskId)) this.#isOutage = true;
	}

	/**
	 * A task that can't be "not found": where none can be read, it is the way there that leads nowhere. An older one may have
	 * been deleted, and one of another account is not found with this key.
	 */
	#isAmiss(taskId: string, now: number): boolean {
		const ageMs = now - (this.#submittedAt.get(taskId) ?? -Infinity);
		const isOurs = ageMs >= NOT_FOUND_AT_FIRST_MS && ageMs < READ_LATELY_MS;
		return isOurs && !this.#isReadLately(now);
	}

	#isReadLately(now: number): boolean {
		return now - this.#answeredAt < READ_LATELY_MS;
	}

	#isTurnedAwayTooLong(now: number): boolean {
		if (now - this.#turnedAwayAt >= TURNED_AWAY_FORGOTTEN_MS) this.#turnedAwaySince = now;
		this.#turnedAwayAt = now;
		return now - this.#turnedAwaySince >= TURNED_AWAY_TOO_LONG_MS;
	}

	/** The task by which it would be seen that the outage is over is gone. */
	noteGone(taskId: string, now: number): void {
		if (this.#isReadLately(now)) {
			this.#taskIds.delete(taskId);
			if (this.#taskIds.size < FEWEST_TASKS) this.#renewOutage();
		} else if (this.#isOutage) {
			// It may be over, or the way there leads nowhere: a new task tells.
			this.#isOutage = false;
			this.#isProbeDue = true;
		}
	}

	#noteUnread(taskId: string, said: string, since: number, now: number): void {
		if (!this.#isKnown(taskId) || this.#broken.has(taskId)) return;
		if (this.#taskIds.size < FEWEST_TASKS) {
			this.#since = this.#taskIds.size === 0 ? since : Math.max(this.#since, since);
			this.#taskIds.add(taskId);
		}
		this.#triedAt = now;
		this.#said = said;
		const failure = this.doubtAt(now)?.failure;
		if (failure) this.#outage.cancel(failure);
	}

	/** Whether a new task may be submitted all the same, to see whether it can be read. True for one caller at a time. */
	takeProbe(now: number): boolean {
		const everyMs = this.#isProbeDue ? FIRST_PROBE_AFTER_MS : PROBE_EVERY_MS;
		if (now - Math.max(this.#since, this.#probedAt) < everyMs) return false;
		this.#probedAt = now;
		this.#isProbeDue = false;
		return true;
	}

	/** Undefined while there is no reason against new tasks. */
	doubtAt(now: number): Doubt | undefined {
		const [taskId] = this.#taskIds;
		if (taskId === undefined || this.#taskIds.size < FEWEST_TASKS) return undefined;
		const forMs = now - this.#since;
		if (forMs >= LONGEST_BELIEVED_MS) this.#forget();
		if (forMs < DOUBTFUL_AFTER_MS || forMs >= LONGEST_BELIEVED_MS) return undefined;
		const isSure = forMs >= UNREADABLE_AFTER_MS;
		const failure = makeFailure('unavailable', 'tasksUnreadable', { forMs, said: this.#said });
		return {
			taskId,
			triedAt: this.#triedAt,
			failure: isSure ? new FailureError(failure) : undefined,
		};
	}

	/** Ends what waits for a place, since those that hold the places can't be read. */
	outageAt(now: number): Cancellation {
		// One that is over by its age is forgotten here.
		this.doubtAt(now);
		return this.#outage;
	}
}
