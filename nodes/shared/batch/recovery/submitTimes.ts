import type { Account } from '../../account/account';
import type { Submission } from '../../account/submissions';
import type { Clock } from '../../async/clock';
import type { LedgerEntry } from '../ledger';

/**
 * When a submit without a clear answer left and was given up, as well as it can be told. Three clocks know something of it:
 * the service's, which counts, but which no answer may have told yet; the machine's, which may be wrong and be set; and the
 * steady one, which stands still while the machine sleeps. Where they disagree the times widen: a search then finds too many
 * tasks rather than none, and none means a second submit.
 */

type Clocks = Pick<Clock, 'now' | 'wallTime'>;

/** Ms since the epoch. */
interface Times {
	sentAt: number;
	endedAt: number;
}

/** How exact the service's `Date` header is, with the time that an answer takes. */
export const CLOCK_PRECISION_MS = 10_000;

/** The service's time for a moment of the steady clock, else the machine's. */
export function serviceTimeOf(account: Account, steady: number, clock: Clocks): number {
	return account.serviceClock.timeAt(steady, clock) ?? clock.wallTime() + (steady - clock.now());
}

/** Undefined after a restart of n8n. */
export const submissionOf = (
	account: Account,
	{ submissionIds }: LedgerEntry,
): Submission | undefined => account.submissions.get(submissionIds.at(-1) ?? '');

/**
 * Of a submit of this process by the steady clock, which no jump has touched; else as the ledger has them. That clock
 * stands still while the machine sleeps, and what was noted at the time doesn't: where they disagree, both may be right.
 */
export function timesOf(account: Account, entry: LedgerEntry, clock: Clocks): Times {
	const own = submissionOf(account, entry);
	const noted = { sentAt: entry.sentAt, endedAt: entry.endedAt ?? entry.sentAt };
	if (!own) return noted;
	const steady = {
		sentAt: serviceTimeOf(account, own.sentAt, clock),
		endedAt: serviceTimeOf(account, own.endedAt ?? own.sentAt, clock),
	};
	if (entry.clock === 'service') return both(steady, noted);
	const wasAhead = entry.sentAt - own.sentAt;
	if (Math.abs(clock.wallTime() - clock.now() - wasAhead) <= CLOCK_PRECISION_MS) return steady;
	// The machine has slept since, or its clock was set, and then was as wrong before as it is now, or right.
	const skew = serviceTimeOf(account, clock.now(), clock) - clock.wallTime();
	return both(steady, {
		sentAt: noted.sentAt + Math.min(0, skew),
		endedAt: noted.endedAt + Math.max(0, skew),
	});
}

/** As the ledger keeps them from now on, so that they hold when the process knows nothing of the submit any more. */
export const toLostTimes = (
	account: Account,
	entry: LedgerEntry,
	clock: Clocks,
): Required<Pick<LedgerEntry, 'sentAt' | 'endedAt' | 'clock'>> => ({
	...timesOf(account, entry, clock),
	clock: entry.clock === 'service' || account.serviceClock.isKnown(clock) ? 'service' : 'machine',
});

const both = (one: Times, other: Times): Times => ({
	sentAt: Math.min(one.sentAt, other.sentAt),
	endedAt: Math.max(one.endedAt, other.endedAt),
});
