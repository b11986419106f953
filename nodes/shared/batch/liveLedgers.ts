import type { LedgerStore } from './ledger';
import { putEntry, removeEntry } from './ledgerKeys';

/** A second *Retry* of the same execution usually comes within hours. */
const KEPT_MS = 24 * 60 * 60_000;

/** Characters, of all together: ten thousands of entries with prompts of some words, thousands with the longest. */
const MOST_KEPT_CHARS = 50_000_000;

/** Of an entry without its texts. */
const ENTRY_CHARS = 400;

interface LiveLedger {
	store: LedgerStore;
	/** Runs that are under way with it. */
	users: number;
	/** When the last one ended, on the steady clock, ms. */
	endedAt: number;
	/** How large the store was then, roughly, characters. */
	chars: number;
}

/**
 * The ledgers of this process's executions. *Retry* of a failed execution makes a new one with a copy of what was
 * stored, and pressed twice it makes two of them: what one has submitted the other one's copy doesn't say, and it
 * would be paid for again. So all that come from the same execution share one ledger.
 */
export class LiveLedgers {
	/** The one used longest ago comes first. */
	readonly #known = new Map<string, LiveLedger>();

	/** `origin`: of which execution they all are copies. `stored`: what n8n has kept with this one. */
	open(origin: string, stored: LedgerStore): LedgerStore {
		const live = this.#known.get(origin) ?? { store: stored, users: 0, endedAt: 0, chars: 0 };
		if (live.store !== stored) merge(live.store, stored);
		live.users += 1;
		this.#known.delete(origin);
		this.#known.set(origin, live);
		return live.store;
	}

	/** A run has ended. `mayComeBack`: it has failed, or is a retry itself. */
	close(origin: string, mayComeBack: boolean, now: number): void {
		const live = this.#known.get(origin);
		if (!live) return;
		live.users -= 1;
		live.endedAt = now;
		live.chars = live.users > 0 ? 0 : countChars(live.store);
		const isNeeded = live.users > 0 || (mayComeBack && live.chars > 0);
		if (!isNeeded) this.#known.delete(origin);
		this.#drop(now);
	}

	/** For tests, which begin with a process that knows nothing. */
	clear(): void {
		this.#known.clear();
	}

	#drop(now: number): void {
		const ended = [...this.#known].filter(([, { users }]) => users === 0);
		let sum = ended.reduce((before, [, { chars }]) => before + chars, 0);
		for (const [origin, { chars, endedAt }] of ended) {
			if (endedAt > now - KEPT_MS && sum <= MOST_KEPT_CHARS) return;
			this.#known.delete(origin);
			sum -= chars;
		}
	}
}

function countChars(store: LedgerStore): number {
	let chars = 0;
	for (const { image, audio, prompt } of Object.values(store)) {
		chars += ENTRY_CHARS + image.length + audio.length + prompt.length;
	}
	return chars;
}

/**
 * An entry's submits are only ever added to, so the longer list is the later one. By its first submit, and not by its key
 * alone: a row that is asked for in other words takes its entry along, and a copy under the old key would count twice.
 */
function merge(live: LedgerStore, stored: LedgerStore): void {
	const keys = new Map(Object.entries(live).map(([key, entry]) => [entry.submissionIds[0], key]));
	for (const [key, entry] of Object.entries(stored)) {
		const knownKey = keys.get(entry.submissionIds[0]) ?? key;
		const known = Object.hasOwn(live, knownKey) ? live[knownKey] : undefined;
		if (known && known.submissionIds.length >= entry.submissionIds.length) continue;
		if (known) removeEntry(live, knownKey);
		putEntry(live, key, entry);
	}
}
