import { untilResumed } from '../async/cancellation';
import { settle, type Settled } from '../async/settle';
import type { ApiContext } from '../wavespeed/http/request';
import { listAllTasks } from '../wavespeed/tasks/listTasks';
import type { Task } from '../wavespeed/tasks/task';

/** Times of the service, ms since the epoch. */
export interface TimeWindow {
	from: number;
	to: number;
}

export interface Listing {
	/** All tasks of the window that was asked for, and perhaps others. */
	tasks: Task[];
	/** When the list was asked for, on the steady clock: what was submitted later can't be in it. */
	askedAt: number;
}

interface Wanting {
	window: () => TimeWindow;
	outcome: Settled<Listing> | undefined;
	wake: (() => void) | undefined;
	/** Its run was cancelled, or it has its list. */
	isGone: boolean;
}

/** A list that can't be had within a minute and a half leaves the rows that wait for it open; a retry asks again. */
const MAX_ATTEMPTS = 3;
const BUDGET_MS = 100_000;

/**
 * The account's task list, for all rows and runs that look for a lost task: one listing serves all who wait when it
 * begins. One that is under way is too old for whoever comes meanwhile; they get the next. A failure is told to all.
 */
export class SharedListing {
	#isUnderWay = false;
	readonly #wanting = new Set<Wanting>();

	get isIdle(): boolean {
		return !this.#isUnderWay && this.#wanting.size === 0;
	}

	/** `window` is asked when the listing begins: the service's time may be known only by then. */
	async get(api: ApiContext, window: () => TimeWindow): Promise<Listing> {
		const wanting: Wanting = { window, outcome: undefined, wake: undefined, isGone: false };
		this.#wanting.add(wanting);
		await this.#untilListed(api, wanting).finally(() => {
			wanting.isGone = true;
			this.#wanting.delete(wanting);
		});
		if (wanting.outcome?.ok) return wanting.outcome.value;
		throw wanting.outcome?.error;
	}

	async #untilListed(api: ApiContext, wanting: Wanting): Promise<void> {
		while (!wanting.outcome) {
			if (!this.#isUnderWay) await this.#list(api);
			else {
				await untilResumed(api.cancellation, (resume) => {
					wanting.wake = resume;
				});
			}
		}
	}

	/** With the connection of the run that came first; if that run is cancelled, another one lists. */
	async #list(api: ApiContext): Promise<void> {
		const served = [...this.#wanting];
		this.#wanting.clear();
		this.#isUnderWay = true;
		const askedAt = api.clock.now();
		const listed = await settle(listWindow(api, unite(served.map(({ window }) => window()))));
		this.#isUnderWay = false;
		const reason = api.cancellation.reason();
		if (!reason && !listed.ok) {
			// Whoever has come meanwhile would hear the same, minutes later.
			served.push(...this.#wanting);
			this.#wanting.clear();
		}
		for (const wanting of served) {
			if (reason && !wanting.isGone) this.#wanting.add(wanting);
			if (!reason)
				wanting.outcome = listed.ok
					? { ok: true, value: { tasks: listed.value, askedAt } }
					: listed;
		}
		for (const wanting of [...served, ...this.#wanting]) {
			wanting.wake?.();
			wanting.wake = undefined;
		}
		if (reason) throw reason;
	}
}

const unite = (windows: TimeWindow[]): TimeWindow => ({
	from: Math.min(...windows.map(({ from }) => from)),
	to: Math.max(...windows.map(({ to }) => to)),
});

async function listWindow(api: ApiContext, { from, to }: TimeWindow): Promise<Task[]> {
	const query = {
		createdAfter: new Date(from).toISOString(),
		createdBefore: new Date(to).toISOString(),
	};
	const retryBudget = {
		deadline: api.clock.now() + BUDGET_MS,
		maxAttempts: MAX_ATTEMPTS,
		// The gap that has cut off a submit's answer may go on for a moment, and all submits wait for what the list says.
		waitsForConnection: true,
	};
	const tasks: Task[] = [];
	for await (const page of listAllTasks(api, query, { retryBudget })) tasks.push(...page);
	return tasks;
}
