import { parseRetryAfter, pauseAfterRateLimit } from './backoff';
import { untilResumed } from './cancellation';
import type { Random } from './clock';
import type { Waiter } from './waiter';

/** Permission for one request; tell it how that ended, once. */
export interface Permit {
	/** 429: everyone waits. */
	refused(retryAfter: string | undefined): void;
	/** Any other answer, which shows that the limit no longer applies. */
	accepted(): void;
	/** No answer: says nothing about the limit. */
	release(): void;
	/** It goes on for long, so nobody is to wait behind it; how it ends is to be told all the same. */
	letOthersPass(): void;
}

/**
 * Nobody has asked for so long, in ms: what was refused before says nothing about the next refusal. Longer than the
 * longest pause and the longest request together.
 */
const FORGOTTEN_AFTER_MS = 10 * 60_000;

/** Wide enough for any account; from here on nothing is held back any more. */
const WIDEST = 64;

/** A caller that is not in yet. */
interface Entrant extends Waiter {
	/** On the steady clock, ms. */
	deadline: number;
	/** Its place in the line. */
	turn: number;
	/** Set while it waits for a place. */
	wake?: () => void;
}

/**
 * One pause for all requests of an account after "too many requests": they slow down together, once, instead of each
 * finding out for itself. Afterwards they come back one, two, four … side by side, so that a limit that is lower than
 * the credential says doesn't end in a burst of refusals.
 */
export class BackoffGate {
	readonly #random: Random;
	#openAt = 0;
	/** Counts the refusals that were events of their own. */
	#round = 0;
	#refusals = 0;
	#since: number | undefined;
	#refusedAt = -Infinity;
	#width = Infinity;
	#underWay = 0;
	/** By turn: one that is refused again and again must not keep all others out. */
	readonly #line: Entrant[] = [];
	/** The last turn of each kind, and the last that has come. */
	readonly #turns = new Map<string, number>();
	#turn = 0;

	constructor(random: Random) {
		this.#random = random;
	}

	get isIdle(): boolean {
		return this.#underWay === 0 && this.#line.length === 0;
	}

	/**
	 * Since when every request has been refused, on the steady clock; undefined if the last was not, or is too long ago.
	 * `now`: on the steady clock, ms.
	 */
	refusedSince(now: number): number | undefined {
		return now - this.#refusedAt > FORGOTTEN_AFTER_MS ? undefined : this.#since;
	}

	/** When the last refusal came, on the steady clock, ms. */
	get lastRefusedAt(): number {
		return this.#refusedAt;
	}

	async enter(waiter: Waiter): Promise<Permit> {
		for (;;) {
			const permit = await this.enterBefore(waiter, Infinity);
			if (permit) return permit;
		}
	}

	/**
	 * As above; undefined if `deadline` (ms on the steady clock) comes while everyone has to wait. Behind a request that
	 * is under way, the caller hears of it when that request ends. `kind`: each has its turn, however many of another wait.
	 */
	async enterBefore(
		{ clock, cancellation }: Waiter,
		deadline: number,
		kind = '',
	): Promise<Permit | undefined> {
		if (this.isIdle) this.#forgetOld(clock.now());
		const turn = Math.max(this.#turn, this.#turns.get(kind) ?? 0) + 1;
		this.#turns.set(kind, turn);
		const entrant: Entrant = { clock, cancellation, deadline, turn };
		const behind = this.#line.findIndex((other) => other.turn > turn);
		this.#line.splice(behind === -1 ? this.#line.length : behind, 0, entrant);
		let permit: Permit | undefined;
		try {
			permit = await this.#enterInTurn(entrant);
			return permit;
		} finally {
			this.#leaveLine(entrant);
			if (!permit) this.#wakeWaiting(clock.now());
		}
	}

	/** Nobody asks or waits: the turns of before say nothing any more, nor does a refusal of long ago. */
	#forgetOld(now: number): void {
		this.#turns.clear();
		this.#turn = 0;
		if (now - this.#refusedAt > FORGOTTEN_AFTER_MS) this.#width = Infinity;
	}

	async #enterInTurn(entrant: Entrant): Promise<Permit | undefined> {
		const { clock, cancellation, deadline } = entrant;
		for (;;) {
			cancellation.throwIfCancelled();
			const now = clock.now();
			if (now >= this.#openAt && this.#isTurnOf(entrant)) break;
			if (now >= deadline) return undefined;
			if (now < this.#openAt) await clock.sleep(Math.min(this.#openAt, deadline) - now);
			else {
				await untilResumed(cancellation, (resume) => {
					entrant.wake = resume;
					return () => (entrant.wake = undefined);
				});
				if (clock.now() >= deadline) return undefined;
			}
		}
		// Before anybody else looks, so that nobody counts this one twice.
		this.#leaveLine(entrant);
		this.#turn = Math.max(this.#turn, entrant.turn);
		this.#underWay += 1;
		return this.#createPermit(entrant);
	}

	#leaveLine(entrant: Entrant): void {
		const index = this.#line.indexOf(entrant);
		if (index !== -1) this.#line.splice(index, 1);
	}

	#isTurnOf(entrant: Entrant): boolean {
		if (this.#width === Infinity) return true;
		let places = this.#width - this.#underWay;
		for (const other of this.#line) {
			if (places <= 0) return false;
			if (other === entrant) return true;
			places -= 1;
		}
		return false;
	}

	/** Wakes as many as there are places, and those who are too late, to give up. */
	#wakeWaiting(now: number): void {
		// During a pause nobody passes a place on, so those who wait for one are all woken, and sleep until its end.
		let places = now < this.#openAt ? this.#line.length : this.#width - this.#underWay;
		for (const entrant of this.#line) {
			if (places <= 0 && now < entrant.deadline) continue;
			// One that sleeps through the pause comes by itself, and takes the place.
			if (now < entrant.deadline) places -= 1;
			entrant.wake?.();
			entrant.wake = undefined;
		}
	}

	#createPermit({ clock }: Waiter): Permit {
		const enteredIn = this.#round;
		let isOpen = true;
		let isCounted = true;
		const leave = (): void => {
			if (isCounted) this.#underWay -= 1;
			isCounted = false;
			this.#wakeWaiting(clock.now());
		};
		const end = (change: () => void): void => {
			if (!isOpen) return;
			isOpen = false;
			change();
			leave();
		};
		return {
			refused: (retryAfter) => end(() => this.#noteRefusal(enteredIn, retryAfter, clock)),
			accepted: () => end(() => this.#noteAcceptance(enteredIn)),
			release: () => end(() => {}),
			letOthersPass: leave,
		};
	}

	#noteRefusal(enteredIn: number, retryAfter: string | undefined, clock: Waiter['clock']): void {
		const now = clock.now();
		// A date in the header is the service's or a person's time, so it is compared with such.
		const asked = parseRetryAfter(retryAfter, clock.wallTime());
		this.#width = 1;
		if (enteredIn === this.#round) {
			// The first of those that were under way together; the others are the same event.
			this.#round += 1;
			if (now - this.#refusedAt > FORGOTTEN_AFTER_MS) {
				this.#since = undefined;
				this.#refusals = 0;
			}
			this.#refusedAt = now;
			this.#refusals += 1;
			this.#since ??= now;
			this.#openAt = now + (asked ?? pauseAfterRateLimit(this.#refusals, this.#random));
		} else if (asked !== undefined) {
			this.#openAt = Math.max(this.#openAt, now + asked);
		}
	}

	#noteAcceptance(enteredIn: number): void {
		if (enteredIn !== this.#round) return;
		this.#refusals = 0;
		this.#since = undefined;
		// One more for each that comes through: so every round is twice as wide as the one before.
		this.#width = this.#width + 1 >= WIDEST ? Infinity : this.#width + 1;
	}
}
