import type { Account } from '../../account/account';
import type { Listing, TimeWindow } from '../../account/sharedListing';
import type { Submission } from '../../account/submissions';
import { untilResumed } from '../../async/cancellation';
import type { ApiContext } from '../../wavespeed/http/request';
import type { SubmitInput } from '../../wavespeed/tasks/submitTask';
import type { Task } from '../../wavespeed/tasks/task';
import type { Ledger, LedgerEntry } from '../ledger';
import { compareEcho, type Evidence, type Sent } from './evidence';
import { CLOCK_PRECISION_MS, serviceTimeOf, spansOf, submissionOf } from './submitTimes';

/** What a search for the task of a submit without a clear answer has found. */
export type Finding =
	| { kind: 'found'; task: Task }
	| { kind: 'none' }
	/** Several tasks, or several rows or runs, could belong together. */
	| { kind: 'several'; taskIds: string[] };

/** Who looks. */
export interface SearchContext {
	api: ApiContext;
	account: Account;
	/** Which key and base URL it looks with. */
	accountId: string;
	ledger: Ledger;
}

/** Whose task is looked for. */
export interface LostSubmit {
	key: string;
	entry: LedgerEntry;
	input: SubmitInput;
}

/** The service's own clocks may differ by so much, and a task is not made in the moment of its submit. */
const CLOCK_DIFFERENCE_MS = 60_000;
/** The answer may have been lost long after the task was made: the window ends only well after the attempt. */
const LATE_CREATION_MS = 120_000;
/**
 * The header may be of another machine than the one that notes when a task was made: of a proxy, say. A drawn seed tells
 * the task then.
 */
const OTHER_CLOCK_MS = 15 * 60_000;
/** With no answer yet that tells the service's time, the machine's is believed within a day. */
const UNKNOWN_CLOCK_MS = 24 * 60 * 60_000;

/**
 * Looks for the task among those of the account. Where the service repeats a task's input, an input that agrees decides;
 * one that contradicts rules the task out. Without an echo a task is taken only if it is the only one that nobody knows,
 * and nobody else in this process has sent anything meanwhile. The list comes first and what is known of others
 * afterwards: an answer that comes in between must not look lost. `listWith` is told when the list is asked for.
 */
export async function findLostTask(
	context: SearchContext,
	lost: LostSubmit,
	listWith: <T>(list: () => Promise<T>) => Promise<T> = async (list) => await list(),
): Promise<Finding> {
	const { api, account, ledger } = context;
	const { entry } = lost;
	const sent = describeSent(account, ledger, lost);
	const compare = (task: Task): Evidence => compareEcho(task, sent);
	const listing = await listWith(async () => await listAround(api, account, entry));
	const windows = toSearchWindows(api, account, entry);
	const wide = [toQueryWindow(api, account, entry)];
	const candidates = listing.tasks.filter(
		(task) =>
			// What agrees is no less ours because the service's header is of another clock than the task's time.
			isInOne(task, compare(task) === 'agrees' ? wide : windows) && compare(task) !== 'contradicts',
	);
	const takeAgreeing = (tasks: Task[]): Task | undefined => {
		const agreeing = tasks
			.filter((task) => compare(task) === 'agrees')
			// The user's own seed may have been used a day before.
			.filter((task) => entry.isSeedDrawn || isInOne(task, toWindows(api, account, entry)));
		// Newest first: of several the oldest is taken, and any of them shows the same video.
		return keepFree(account, ledger, agreeing).at(-1);
	};
	// A seed that was drawn is nobody else's, so there is nothing to wait for, and whatever its time says.
	const drawn = entry.isSeedDrawn ? takeAgreeing(listing.tasks) : undefined;
	if (drawn) return { kind: 'found', task: drawn };
	// Submits that were under way when the list was made may have made what is in it.
	if (candidates.length > 0) await untilAnswered(api, account, listing.askedAt);
	const free = keepFree(account, ledger, candidates);
	const agreeing = takeAgreeing(free);
	if (agreeing) return { kind: 'found', task: agreeing };
	return judgeUnknown(context, lost, free, compare);
}

/** The list itself may be what tells the service's time: where that is not what was believed, it is asked for again. */
async function listAround(api: ApiContext, account: Account, entry: LedgerEntry): Promise<Listing> {
	let asked: TimeWindow | undefined;
	const list = async (): Promise<Listing> =>
		await account.listing.get(api, () => (asked = toQueryWindow(api, account, entry)));
	const listing = await list();
	const due = toQueryWindow(api, account, entry);
	const isCovered =
		asked !== undefined &&
		asked.from <= due.from + CLOCK_DIFFERENCE_MS &&
		asked.to >= due.to - CLOCK_DIFFERENCE_MS;
	return isCovered ? listing : await list();
}

/** Of tasks that nobody knows and none of which agrees. */
function judgeUnknown(
	context: SearchContext,
	lost: LostSubmit,
	free: Task[],
	compare: (task: Task) => Evidence,
): Finding {
	const { api, account } = context;
	const isGiven = ({ id }: Task): boolean => account.submissions.isGiven(id);
	const windows = toWindows(api, account, lost.entry);
	// The workflow says whose it is, and nothing in it says otherwise, unless it was made just when this one's was.
	const unknown = free.filter(
		(task) => compare(task) !== 'silent' || !isGiven(task) || isInOne(task, windows),
	);
	const [only, another] = unknown;
	if (!only) return { kind: 'none' };
	const isAlone = !another && compare(only) === 'silent' && !isGiven(only);
	return isAlone && canOnlyBeOurs(context, lost, only)
		? { kind: 'found', task: only }
		: { kind: 'several', taskIds: unknown.map((task) => task.id) };
}

/** Of the one task that nobody knows, which says nothing of itself. */
function canOnlyBeOurs(
	{ api, account, accountId, ledger }: SearchContext,
	lost: LostSubmit,
	task: Task,
): boolean {
	// Another account's list may hold anybody's.
	if (lost.entry.accountId !== accountId) return false;
	// With the service's own clock a task that is older than the submit can't be its task.
	const margin = account.serviceClock.isKnown(api.clock) ? CLOCK_PRECISION_MS : CLOCK_DIFFERENCE_MS;
	const isYoung = isInOne(task, toWindows(api, account, lost.entry, margin));
	return isYoung && !hasRivals(api, account, ledger, lost);
}

/** Other files are what the process has uploaded besides, and what other rows of the node have sent. */
function describeSent(account: Account, ledger: Ledger, { entry, input }: LostSubmit): Sent {
	const ofRows = new Set(ledger.entries().flatMap(({ image, audio }) => [image, audio]));
	const isOtherFile = (url: string): boolean =>
		url !== input.image && url !== input.audio && (ofRows.has(url) || account.uploads.has(url));
	return { input, isSeedDrawn: entry.isSeedDrawn, isOtherFile };
}

/** Those that have no row at this moment. The ledger is read once, since a large batch has thousands of tasks in both. */
function keepFree(account: Account, ledger: Ledger, tasks: Task[]): Task[] {
	if (tasks.length === 0) return tasks;
	const known = ledger.knownTaskIds();
	return tasks.filter(({ id }) => !account.submissions.isKnown(id) && !known.has(id));
}

/** Until each submit that left before `askedAt` has been answered or given up. */
async function untilAnswered(api: ApiContext, account: Account, askedAt: number): Promise<void> {
	const { submissions } = account;
	const isOpen = (): boolean =>
		submissions.between(-Infinity, askedAt).some(({ state }) => state === 'open');
	while (isOpen()) {
		await untilResumed(api.cancellation, (resume) => {
			const forget = submissions.onEnd(() => {
				forget();
				resume();
			});
			return forget;
		});
	}
}

/** Whether another row or another run may have made the one task that nobody knows. */
function hasRivals(
	{ clock }: ApiContext,
	account: Account,
	ledger: Ledger,
	{ key, entry }: LostSubmit,
): boolean {
	// Where nothing tells the service's time, no time rules a lost submit out.
	const isKnown = account.serviceClock.isKnown(clock);
	const windows = toWindows({ clock }, account, entry);
	const ofOtherRows = ledger
		.unresolved()
		.some(
			(other) =>
				other.key !== key &&
				(!isKnown || overlap(toWindows({ clock }, account, other.entry), windows)),
		);
	if (ofOtherRows) return true;
	const offset = serviceTimeOf(account, clock.now(), clock) - clock.now();
	const steady = windows.map(({ from, to }) => ({ from: from - offset, to: to - offset }));
	// What this process has forgotten, or what was before it, may have been anything.
	const sentAt = submissionOf(account, entry)?.sentAt ?? -Infinity;
	const marginMs = isKnown ? 0 : CLOCK_DIFFERENCE_MS;
	if (!account.submissions.isCompleteSince(sentAt - marginMs)) return true;
	const own = ledger.submissionIds();
	const isRival = ({ state, sentAt: from, endedAt = Infinity }: Submission): boolean =>
		state === 'accepted'
			? overlap([{ from, to: endedAt }], steady)
			: !isKnown || overlap([{ from, to: endedAt + LATE_CREATION_MS }], steady);
	return account.submissions
		.between(-Infinity, Infinity)
		.some((submission) => !own.has(submission.id) && isRival(submission));
}

const overlap = (some: TimeWindow[], others: TimeWindow[]): boolean =>
	some.some((one) => others.some(({ from, to }) => one.from <= to && one.to >= from));

/** When the submit's task can have been made, by the service's time. */
const toWindows = (
	{ clock }: Pick<ApiContext, 'clock'>,
	account: Account,
	entry: LedgerEntry,
	marginMs = CLOCK_DIFFERENCE_MS,
): TimeWindow[] =>
	spansOf(account, entry, clock).map(({ sentAt, endedAt }) => ({
		from: sentAt - marginMs,
		to: endedAt + LATE_CREATION_MS,
	}));

/** What the list is asked for; as long as no answer has told the service's time, far more than is needed. */
function toQueryWindow(api: ApiContext, account: Account, entry: LedgerEntry): TimeWindow {
	const windows = toWindows(api, account, entry);
	const margin = account.serviceClock.isKnown(api.clock) ? OTHER_CLOCK_MS : UNKNOWN_CLOCK_MS;
	return {
		from: Math.min(...windows.map(({ from }) => from)) - margin,
		to: Math.max(...windows.map(({ to }) => to)) + margin,
	};
}

/** Where nothing tells the service's time, the machine's must not rule a task out. */
const toSearchWindows = (api: ApiContext, account: Account, entry: LedgerEntry): TimeWindow[] =>
	account.serviceClock.isKnown(api.clock)
		? toWindows(api, account, entry)
		: [toQueryWindow(api, account, entry)];

/** The time filter may be ignored by the service. */
function isInOne({ createdAt }: Task, windows: TimeWindow[]): boolean {
	if (createdAt === null) return true;
	const at = Date.parse(createdAt);
	return windows.some(({ from, to }) => at >= from && at <= to);
}
