import type { Clocks } from '../async/clock';
import { ageOf, type Moment, momentOf } from '../async/moment';
import { settle, type Settled } from '../async/settle';
import type { ApiContext, RetryBudget } from '../wavespeed/http/request';
import { fail } from '../wavespeed/failures';
import { fetchWebhookSecret } from '../wavespeed/webhooks/secret';

/** A secret may be replaced because it has become known, so an old one is not believed for longer. */
const MAX_AGE_MS = 10 * 60_000;

/** Anyone can send what isn't signed: callbacks make us ask the API once in this time, whatever comes of it. */
const FETCH_GAP_MS = 60_000;

/** The same for what is signed with a secret that was the right one before: one bad answer would keep all genuine callbacks away. */
const FITTING_GAP_MS = 5_000;

/** For one request on behalf of a callback. There is no second try: the service sends the callback again. */
const FETCH_TIMEOUT_MS = 5_000;

/** n8n holds a copy of the workflow and some 10 MB for every request that has no answer yet. */
const MOST_WAITING = 10;

/** The same for what fits the secret of before: most likely genuine, as when many tasks of a parked run end at once. */
const MOST_FITTING_WAITING = 60;

/**
 * The secret that one account's callbacks are signed with. It is kept in memory alone: n8n's static data would put it
 * into the database, readable, and into every export of the workflow.
 */
export class SigningSecret {
	#known: { secret: string; askedAt: Moment } | undefined;
	/** The last request that a callback has caused. */
	#lastAsk: Ask | undefined;
	#waiting = 0;
	/** The requests so far, and the latest one whose answer counts: an answer that was overtaken is old. */
	#sent = 0;
	#latest = 0;

	/** For the activation of a trigger: whoever switches it on waits for an answer, and should hear of a refusal. */
	async refresh(api: ApiContext, retryBudget: RetryBudget): Promise<void> {
		await this.#fetch(api, retryBudget);
		this.#lastAsk = undefined;
	}

	/** No trigger needs it any more. */
	forget(): void {
		this.#known = undefined;
		this.#lastAsk = undefined;
		this.#latest = this.#sent;
	}

	/**
	 * Whether a signature was made with the account's secret; `fits` tries one. If the secret that is known doesn't fit,
	 * it may have been replaced, so the API is asked. Throws a FailureError if the API can't tell, which says nothing
	 * about the signature.
	 */
	async verify(api: ApiContext, fits: Fits): Promise<boolean> {
		const judged = this.judge(api.clock, fits);
		if (judged !== undefined) return judged;
		const last = this.#lastAsk;
		return fits(await this.#waitFor(last && !last.answer ? last : this.#ask(api)));
	}

	/** As `verify`, by what is known here alone; undefined if the API has to be asked, or its answer waited for. */
	judge(clock: Clocks, fits: Fits): boolean | undefined {
		const known = this.#known;
		const fitsKnown = known !== undefined && fits(known.secret);
		if (fitsKnown && ageOf(known.askedAt, clock) < MAX_AGE_MS) return true;
		const ask = this.#recentAsk(clock, fitsKnown ? FITTING_GAP_MS : FETCH_GAP_MS);
		if (!ask) return undefined;
		if (!ask.answer) {
			const most = fitsKnown ? MOST_FITTING_WAITING : MOST_WAITING;
			return this.#waiting < most ? undefined : failTooMany();
		}
		if (!ask.answer.ok) throw ask.answer.error;
		return fits(ask.answer.value);
	}

	/** One that is under way is always recent. */
	#recentAsk(clock: Clocks, gapMs: number): Ask | undefined {
		const last = this.#lastAsk;
		return last && (!last.answer || ageOf(last.at, clock) < gapMs) ? last : undefined;
	}

	#ask(api: ApiContext): Ask {
		const at = momentOf(api.clock);
		const retryBudget = { deadline: at.steady + FETCH_TIMEOUT_MS, onlyOnce: true };
		// Before it is sent, the request may have to wait behind others.
		const limit = api.clock.sleep(FETCH_TIMEOUT_MS).then(failTooSlow);
		const outcome = Promise.race([this.#fetch(api, retryBudget), limit]);
		const ask: Ask = { at, outcome };
		void settle(outcome).then((answer) => (ask.answer = answer));
		this.#lastAsk = ask;
		return ask;
	}

	async #waitFor({ outcome, answer }: Ask): Promise<string> {
		if (answer) return await outcome;
		this.#waiting += 1;
		return await outcome.finally(() => (this.#waiting -= 1));
	}

	async #fetch(api: ApiContext, retryBudget: RetryBudget): Promise<string> {
		const askedAt = momentOf(api.clock);
		this.#sent += 1;
		const number = this.#sent;
		const secret = await fetchWebhookSecret(api, retryBudget);
		if (number > this.#latest) {
			this.#latest = number;
			this.#known = { secret, askedAt };
		}
		return secret;
	}
}

interface Ask {
	at: Moment;
	outcome: Promise<string>;
	/** Undefined while it is under way. */
	answer?: Settled<string>;
}

/** Tries a secret. */
type Fits = (secret: string) => boolean;

const failTooMany = (): never => fail('unavailable', 'secretUnderWay', {});

const failTooSlow = (): never => fail('unavailable', 'secretTooSlow', {});
