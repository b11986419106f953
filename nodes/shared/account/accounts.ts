import type { Random } from '../async/clock';
import type { AccountLevel } from '../wavespeed/accountLevels';
import { Outages } from '../wavespeed/http/outages';
import { Account } from './account';
import { Submissions } from './submissions';

/** What a retry may still need of it is minutes old; uploads are then made again. */
const KEPT_IDLE_MS = 24 * 60 * 60_000;

/** Of people who run n8n for others: keys that nobody uses any more must not pile up. */
const MOST_IDLE = 100;

/** A run whose rows are between two requests looks idle. */
const SURELY_IDLE_MS = 3 * 60 * 60_000;

/** How long it is believed which account a credential belongs to, where nothing is sent for it. */
const REMEMBERED_MS = 60_000;
const MOST_REMEMBERED = 1_000;

/** Which account: by its key and its base URL, which can't be told from `id`. */
export interface AccountKey {
	id: string;
	level: AccountLevel;
}

/** The accounts in use in this process, by base URL and key. Those that nobody uses are dropped. */
export class Accounts {
	/** The one used longest ago comes first. */
	readonly #known = new Map<string, { account: Account; usedAt: number }>();
	/**
	 * For all of them: two keys may belong to one account, and two addresses lead to one service, which nobody tells. A
	 * search must know what was sent by the other way, or it takes another row's video.
	 */
	#submissions: Submissions | undefined;
	/** Of what belongs to no account: the hosts of videos, which anybody can read, and n8n's storage. */
	#outages = new Outages();
	/** Whose credential is of which account. */
	readonly #remembered = new Map<string, { id: string; at: number }>();

	/** `now`: on the steady clock, ms. */
	open({ id, level }: AccountKey, now: number, random: Random): Account {
		this.#submissions ??= new Submissions(now);
		const account = this.#known.get(id)?.account ?? new Account(level, random, this.#submissions);
		account.setLevel(level);
		this.#known.delete(id);
		this.#known.set(id, { account, usedAt: now });
		this.#dropIdle(now);
		return account;
	}

	/** The credential of `user` was read, and is of the account with this ID. `now`: on the steady clock, ms. */
	remember(user: string, id: string, now: number): void {
		this.#remembered.delete(user);
		this.#remembered.set(user, { id, at: now });
		for (const [oldest, { at }] of this.#remembered) {
			if (at > now - REMEMBERED_MS && this.#remembered.size <= MOST_REMEMBERED) return;
			this.#remembered.delete(oldest);
		}
	}

	/** The account of `user`, if its credential was read within the last minute. */
	recall(user: string, now: number): Account | undefined {
		const found = this.#remembered.get(user);
		const isRecent = found !== undefined && now - found.at < REMEMBERED_MS;
		return isRecent ? this.#known.get(found.id)?.account : undefined;
	}

	get outages(): Outages {
		return this.#outages;
	}

	/** For tests, which begin with a process that knows nothing. */
	clear(): void {
		this.#known.clear();
		this.#remembered.clear();
		this.#submissions = undefined;
		this.#outages = new Outages();
	}

	#dropIdle(now: number): void {
		for (const [id, { account, usedAt }] of this.#known) {
			const keptMs = this.#known.size > MOST_IDLE ? SURELY_IDLE_MS : KEPT_IDLE_MS;
			if (usedAt > now - keptMs) return;
			if (account.isIdle) this.#known.delete(id);
		}
	}
}
