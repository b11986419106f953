import { Ledger, type LedgerStore } from '../../nodes/shared/batch/ledger';
import { LiveLedgers } from '../../nodes/shared/batch/liveLedgers';
import { sentEntry } from './support/ledger.mts';

/** The ledgers of executions that have ended, for a second Retry. */

const HOUR = 3_600_000;

/** An execution that has submitted for so many rows and failed; returns its ledger's store. */
function fail(live: LiveLedgers, origin: string, rows: number, promptChars = 20): LedgerStore {
	const store = live.open(origin, {});
	const ledger = new Ledger(store, 0);
	const sent = sentEntry(1);
	const input = { ...sent.input, prompt: 'x'.repeat(promptChars) };
	for (let row = 0; row < rows; row += 1) ledger.noteSent(row, 'a', { ...sent, input });
	live.close(origin, true, HOUR);
	return store;
}

const knows = (live: LiveLedgers, origin: string, store: LedgerStore): boolean =>
	live.open(origin, {}) === store;

describe('the ledgers of executions that have failed', () => {
	it('are kept for those that are retried, with short prompts those of ten thousands of rows', () => {
		const live = new LiveLedgers();
		const stores = Array.from({ length: 30 }, (_, at) => fail(live, `e${at}`, 1_000));
		stores.forEach((store, at) => expect(knows(live, `e${at}`, store)).toBe(true));
	});

	it('take no more memory with long prompts: the one that ended longest ago is dropped', () => {
		const live = new LiveLedgers();
		const stores = Array.from({ length: 40 }, (_, at) => fail(live, `e${at}`, 100, 20_000));
		const kept = stores.filter((store, at) => knows(live, `e${at}`, store)).length;
		expect(kept).toBeGreaterThan(10);
		expect(kept).toBeLessThan(30);
		expect(knows(live, 'e39', stores[39]!)).toBe(true);
	});
});

/** What n8n has stored of an execution whose row 0 has one submit for each of these times. */
function storedWith(hash: string, ...sentAt: number[]): LedgerStore {
	const store: LedgerStore = {};
	const ledger = new Ledger(store, 0);
	for (const at of sentAt) {
		ledger.noteSent(0, hash, sentEntry(at, 0.15));
		ledger.noteAccepted(0, hash, `task ${at}`);
	}
	return store;
}

const summarize = (store: LedgerStore): [string, string[]][] =>
	Object.entries(store).map(([key, { submissionIds }]) => [key, submissionIds]);

describe('two executions that are copies of the same one', () => {
	it('count a row once that one of them has asked for in other words', () => {
		const ledgers = new LiveLedgers();
		const live = ledgers.open('origin', storedWith('a', 1));
		new Ledger(live, 0).goOn(0, 'b', 'asked');
		expect(ledgers.open('origin', storedWith('a', 1))).toBe(live);
		expect(summarize(live)).toEqual([['0:0:b', ['submission 1']]]);
		expect(new Ledger(live, 0).spentUsd()).toBe(0.15);
	});

	it('take over what another process has submitted since, also in other words', () => {
		const ledgers = new LiveLedgers();
		const live = ledgers.open('origin', storedWith('a', 1));
		ledgers.open('origin', storedWith('b', 1, 2));
		expect(summarize(live)).toEqual([['0:0:b', ['submission 1', 'submission 2']]]);
	});
});
