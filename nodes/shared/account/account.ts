import { BackoffGate } from '../async/backoffGate';
import type { Random } from '../async/clock';
import { RateLimiter } from '../async/rateLimiter';
import { Semaphore } from '../async/semaphore';
import { SingleFlight } from '../async/singleFlight';
import { ACCOUNT_LIMITS, type AccountLevel } from '../wavespeed/accountLevels';
import { Outages } from '../wavespeed/http/outages';
import { TaskReads } from '../wavespeed/tasks/taskReads';
import { ServiceClock } from '../wavespeed/http/serviceClock';
import { SharedListing } from './sharedListing';
import { SigningSecret } from './signingSecret';
import { Submissions } from './submissions';
import { SubmitBreaker } from './submitBreaker';
import { UploadCache } from './uploadCache';

/** A batch of thousands must not open thousands of connections just to check its tasks. */
const REQUESTS_SIDE_BY_SIDE = 32;

/** Enough to keep a connection busy while a file is read or a ticket is asked for. */
const UPLOADS_SIDE_BY_SIDE = 4;

/**
 * The largest account may start 5,000 tasks a minute: with a second for each answer that takes 84 side by side. Without
 * a limit a batch of thousands opens thousands of connections together, and those that break off leave open whether
 * they were paid for.
 */
const SUBMITS_SIDE_BY_SIDE = 100;

/**
 * What all runs of this process share of one account, because the service counts it by account: its limits, its "too
 * many requests", which submits are on their way and which tasks have their row. Nothing here outlives the process; what
 * a run must remember through a crash is in n8n's database.
 */
export class Account {
	/** Places for tasks that are under way and waited for. */
	readonly places: Semaphore;
	readonly submitRate: RateLimiter;
	readonly submits = new Semaphore(SUBMITS_SIDE_BY_SIDE);
	readonly requests = new Semaphore(REQUESTS_SIDE_BY_SIDE);
	readonly uploadSlots = new Semaphore(UPLOADS_SIDE_BY_SIDE);
	readonly submitGate: BackoffGate;
	readonly readGate: BackoffGate;
	/** When a row of this process last saw the end of its task, which leaves the service room for another; steady, ms. */
	taskEndedAt = -Infinity;
	readonly serviceClock = new ServiceClock();
	readonly outages = new Outages();
	readonly taskReads: TaskReads;
	/** One look tells all who want to know whether tasks can be read again. */
	readonly taskLooks = new SingleFlight<void>();
	readonly submitBreaker = new SubmitBreaker();
	readonly submissions: Submissions;
	readonly listing = new SharedListing();
	readonly uploads = new UploadCache();
	readonly signingSecret = new SigningSecret();

	/** `submissions`: shared by all keys and addresses, since two of them may belong to one account. */
	constructor(level: AccountLevel, random: Random, submissions: Submissions) {
		const limits = ACCOUNT_LIMITS[level];
		this.places = new Semaphore(limits.tasksInFlight);
		this.submitRate = new RateLimiter(limits.submitsPerMinute);
		this.submitGate = new BackoffGate(random);
		this.readGate = new BackoffGate(random);
		this.submissions = submissions;
		this.taskReads = new TaskReads((taskId) => submissions.isKnown(taskId));
	}

	/** The credential's word, which may be corrected at any time: it holds for all runs from now on. */
	setLevel(level: AccountLevel): void {
		const limits = ACCOUNT_LIMITS[level];
		this.places.resize(limits.tasksInFlight);
		this.submitRate.resize(limits.submitsPerMinute);
	}

	/** Whether no run uses anything of it at the moment. */
	get isIdle(): boolean {
		const used = [this.places, this.submitRate, this.submits, this.requests, this.uploadSlots];
		const gates = [this.submitGate, this.readGate, this.listing];
		return [...used, ...gates].every(({ isIdle }) => isIdle) && !this.submissions.hasOpen;
	}
}
