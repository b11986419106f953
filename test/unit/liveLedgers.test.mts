import { Ledger, type LedgerStore } from '../../nodes/shared/batch/ledger';
import { LiveLedgers } from '../../nodes/shared/batch/liveLedgers';
import { sentEntry } from './support/ledger.mts';

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
