import type { Account } from '../../account/account';
import type { Submission } from '../../account/submissions';
import type { Clocks } from '../../async/clock';
import type { LedgerEntry, Span } from '../ledger';

/**
 * When a submit without a clear answer left and was given up, as well as it can be told. Three clocks know something of it:
 * the service's, which counts, but which no answer may have told yet, or told before a pause; the machine's, which may be
 * wrong, be set, or stand still with a virtual machine; and the steady one, which stands still while the machine sleeps.
 * Where they disagree each may be right, so that there are several spans: a task in none of them is not the submit's, and
 * what is between them is nobody's, since a machine that sleeps sends nothing.
 */

/** How exact the service's `Date` header is, with the time that an answer takes. */
export const CLOCK_PRECISION_MS = 10_000;

/** Enough for a clock that is set again and again; a list of any length must not get into n8n's database. */
const MOST_SPANS = 8;

/** The service's time for a moment of the steady clock, else the machine's. */
export function serviceTimeOf(account: Account, steady: number, clock: Clocks): number {
	return account.serviceClock.timeAt(steady, clock) ?? clock.wallTime() + (steady - clock.now());
}

/** Undefined after a restart of n8n. */
export const submissionOf = (
	account: Account,
	{ submissionIds }: LedgerEntry,
): Submission | undefined => account.submissions.get(submissionIds.at(-1) ?? '');

/** By the service's time, as far as it is known; in the order of time. */
export function spansOf(account: Account, entry: LedgerEntry, clock: Clocks): Span[] {
	const own = submissionOf(account, entry);
	const lastedMs = own?.endedAt === undefined ? 0 : own.endedAt - own.sentAt;
	const { sentAt, endedAt = sentAt + lastedMs, otherSpans = [] } = entry;
	const noted = [{ sentAt, endedAt }, ...otherSpans];
	// By the machine's clock: it may have been as wrong then as it is now, or right.
	const skew = serviceTimeOf(account, clock.now(), clock) - clock.wallTime();
	const shifted = entry.clock === 'machine' ? noted.map((span) => shift(span, skew)) : [];
	const steady = own && {
		sentAt: serviceTimeOf(account, own.sentAt, clock),
		endedAt: serviceTimeOf(account, own.endedAt ?? own.sentAt, clock),
	};
	return joinNear([...noted, ...shifted, ...(steady ? [steady] : [])]);
}

/** As the ledger keeps them from now on, so that they hold when the process knows nothing of the submit any more. */
export function toLostTimes(
	account: Account,
	entry: LedgerEntry,
	clock: Clocks,
): Pick<LedgerEntry, 'sentAt' | 'endedAt' | 'otherSpans' | 'clock'> {
	const spans = spansOf(account, entry, clock);
	// Others reckon from the last one on: when it may be looked for, and what counts in the minute.
	const last = spans.at(-1) ?? { sentAt: entry.sentAt, endedAt: entry.endedAt ?? entry.sentAt };
	const others = spans.slice(0, -1).slice(-MOST_SPANS);
	const isService = entry.clock === 'service' || account.serviceClock.isKnown(clock);
	return {
		...last,
		...(others.length > 0 || entry.otherSpans ? { otherSpans: others } : {}),
		clock: isService ? 'service' : 'machine',
	};
}

const shift = ({ sentAt, endedAt }: Span, ms: number): Span => ({
	sentAt: sentAt + ms,
	endedAt: endedAt + ms,
});

/** What differs by less than the clocks' precision is the same. */
function joinNear(spans: Span[]): Span[] {
	const joined: Span[] = [];
	for (const span of [...spans].sort((a, b) => a.sentAt - b.sentAt)) {
		const last = joined.at(-1);
		if (last && span.sentAt <= last.endedAt + CLOCK_PRECISION_MS) {
			last.endedAt = Math.max(last.endedAt, span.endedAt);
		} else joined.push({ ...span });
	}
	return joined;
}
