import type { Random } from '../async/clock';
import type { AccountLevel } from '../wavespeed/accountLimits';
import { Account } from './account';

/** What a retry may still need of it is minutes old; uploads are then made again. */
const KEPT_IDLE_MS = 24 * 60 * 60_000;

/** Of people who run n8n for others: keys that nobody uses any more must not pile up. */
const MOST_IDLE = 100;

/** The accounts in use in this process, by base URL and key. Those that nobody uses are dropped. */
export class Accounts {
	/** The one used longest ago comes first. */
	readonly #known = new Map<string, { account: Account; usedAt: number }>();

	/** `now`: on the steady clock, ms. */
	open(id: string, level: AccountLevel, now: number, random: Random): Account {
		const account = this.#known.get(id)?.account ?? new Account(level, now, random);
		account.setLevel(level);
		this.#known.delete(id);
		this.#known.set(id, { account, usedAt: now });
		this.#dropIdle(now);
		return account;
	}

	/** For tests, which begin with a process that knows nothing. */
	clear(): void {
		this.#known.clear();
	}

	#dropIdle(now: number): void {
		for (const [id, { account, usedAt }] of this.#known) {
			const isTooMany = this.#known.size > MOST_IDLE;
			if (usedAt > now - KEPT_IDLE_MS && !isTooMany) return;
			if (account.isIdle && usedAt < now) this.#known.delete(id);
		}
	}
}
