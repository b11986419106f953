import { noteAsked } from '../../nodes/shared/batch/asked';
import { Ledger, type LedgerStore } from '../../nodes/shared/batch/ledger';
import { LEDGER_INPUT, sentEntry } from './support/ledger.mts';

describe('the ledger', () => {
	it('tells rounds, rows and what was asked for apart', () => {
		const store: LedgerStore = {};
		const [round0, round1] = [new Ledger(store, 0), new Ledger(store, 1)];
		round0.noteSent(0, 'a', sentEntry(1));
		round0.noteAccepted(0, 'a', 'x');
		expect(round0.find(0, 'a')?.taskId).toBe('x');
		expect(round0.find(1, 'a')).toBeUndefined();
		expect(round0.find(0, 'b')).toBeUndefined();
		expect(round1.find(0, 'a')).toBeUndefined();
		expect(new Ledger(store, 0).find(0, 'a')?.taskId).toBe('x');
		expect(round0.key(0, 'a')).not.toBe(round1.key(0, 'a'));
	});

	it('keeps what is needed to find the task and to report what was sent', () => {
		const store: LedgerStore = {};
		const ledger = new Ledger(store, 0);
		ledger.noteSent(3, 'a', sentEntry(1_000, 0));
		expect(ledger.find(3, 'a')).toEqual({
			state: 'sent',
			sentAt: 1_000,
			clock: 'service',
			accountId: 'account',
			submissionIds: ['submission 1000'],
			...LEDGER_INPUT,
			isSeedDrawn: true,
			asked: 'asked',
			costUsd: 0,
		});
	});

	it('knows submits without an answer in all rounds, from their sending on', () => {
		const store: LedgerStore = {};
		const ledger = new Ledger(store, 0);
		new Ledger(store, 5).noteSent(0, 'z', sentEntry(1));
		ledger.noteSent(0, 'a', sentEntry(1));
		ledger.noteSent(1, 'b', sentEntry(1));
		ledger.noteUnknown(1, 'b', { sentAt: 1, endedAt: 9, clock: 'service' });
		ledger.noteSent(2, 'c', sentEntry(1));
		ledger.noteAccepted(2, 'c', 'x');
		expect(ledger.unresolved().map(({ key, entry }) => [key, entry.endedAt])).toEqual([
			['5:0:z', undefined],
			['0:0:a', undefined],
			['0:1:b', 9],
		]);
	});

	it('forgets a submit that was refused', () => {
		const store: LedgerStore = {};
		const ledger = new Ledger(store, 0);
		ledger.noteSent(0, 'a', sentEntry(1));
		ledger.noteRefused(0, 'a');
		expect(store).toEqual({});
		expect(() => ledger.noteRefused(7, 'z')).not.toThrow();
	});

	it('keeps the IDs of a row’s earlier tasks, also when the next submits are refused', () => {
		const store: LedgerStore = {};
		const ledger = new Ledger(store, 0);
		for (const taskId of ['first', 'second']) {
			ledger.noteSent(0, 'a', sentEntry(1));
			ledger.noteAccepted(0, 'a', taskId);
		}
		expect(ledger.find(0, 'a')).toMatchObject({ taskId: 'second', earlierTaskIds: ['first'] });

		ledger.noteSent(0, 'a', sentEntry(2));
		expect(ledger.find(0, 'a')?.taskId).toBeUndefined();
		expect([...ledger.knownTaskIds()].sort()).toEqual(['first', 'second']);
		ledger.noteRefused(0, 'a');
		expect(ledger.find(0, 'a')).toMatchObject({
			state: 'accepted',
			taskId: 'second',
			earlierTaskIds: ['first'],
		});
		ledger.noteSent(0, 'a', sentEntry(3));
		ledger.noteRefused(0, 'a');
		expect([...ledger.knownTaskIds()].sort()).toEqual(['first', 'second']);
	});

	it('knows all tasks that have a row, in all rounds', () => {
		const store: LedgerStore = {};
		new Ledger(store, 1).noteSent(0, 'a', sentEntry(1));
		new Ledger(store, 1).noteAccepted(0, 'a', 'x');
		const ledger = new Ledger(store, 0);
		ledger.noteSent(0, 'a', sentEntry(1));
		expect([...ledger.knownTaskIds()]).toEqual(['x']);
	});

	it('lists the entries of its own round, with their rows', () => {
		const store: LedgerStore = {};
		for (const runIndex of [1, 11]) {
			const ledger = new Ledger(store, runIndex);
			ledger.noteSent(12, 'a', sentEntry(runIndex));
		}
		const entries = new Ledger(store, 1).entriesOfRun();
		expect(entries.map(({ row, entry }) => [row, entry.sentAt])).toEqual([[12, 1]]);
	});

	it('tells by rows what this round and what other rounds have submitted', () => {
		const store: LedgerStore = {};
		const ledger = new Ledger(store, 1);
		for (const hash of ['a', 'b']) ledger.noteSent(12, hash, sentEntry(1));
		new Ledger(store, 11).noteSent(3, 'a', sentEntry(11));
		const { entries, rowsOfOtherRuns } = ledger.byRow();
		expect([...entries].map(([row, { length }]) => [row, length])).toEqual([[12, 2]]);
		expect([...rowsOfOtherRuns]).toEqual([3]);
	});

	it('does not invent an entry', () => {
		const store: LedgerStore = {};
		const ledger = new Ledger(store, 0);
		ledger.noteAccepted(0, 'a', 'x');
		ledger.noteUnknown(0, 'a', { sentAt: 1, endedAt: 1, clock: 'service' });
		expect(store).toEqual({});
	});

	it('stays below 7 MB with 10,000 rows, as n8n stores it', () => {
		const store: LedgerStore = {};
		const ledger = new Ledger(store, 0);
		const url = `https://d1q70pf5vjeyhc.cloudfront.net/media/${'0123456789abcdef'.repeat(4)}/voice.mp3`;
		const fields = { image: url, audio: url, prompt: '', resolution: '', seed: '' };
		const asked = noteAsked(fields, fields);
		for (let row = 0; row < 10_000; row += 1) {
			const hash = row.toString(16).padStart(16, '0');
			const input = { ...LEDGER_INPUT, image: url, audio: url, seed: 2_147_483_647 };
			ledger.noteSent(row, hash, { ...sentEntry(Date.now(), 0.24, input), asked });
			ledger.noteAccepted(row, hash, 'f'.repeat(32));
		}
		expect(JSON.stringify(store).length).toBeLessThan(7_000_000);
		expect(JSON.parse(JSON.stringify(store))).toEqual(store);
	});

	describe('as a tool of an agent', () => {
		const call = (store: LedgerStore, name: number): Ledger => new Ledger(store, name, 'execution');

		it('goes on with the entry of an earlier try that reached nobody, once', () => {
			const store: LedgerStore = {};
			const first = call(store, 0);
			first.noteSent(0, 'a', sentEntry(1));
			first.noteAccepted(0, 'a', 'x');
			const second = call(store, 1);
			// The first try is still under way: another call of the agent's, which asks for another video.
			expect(second.hasEarlier(0, 'a')).toBe(false);
			second.goOn(0, 'a', 'asked');
			expect(second.find(0, 'a')).toBeUndefined();

			first.noteUndelivered(new Set([0]));
			expect(second.hasEarlier(0, 'a')).toBe(true);
			second.goOn(0, 'a', 'other');
			expect(second.find(0, 'a')).toBeUndefined();
			second.goOn(0, 'a', 'asked');
			expect(second.find(0, 'a')?.taskId).toBe('x');
			const third = call(store, 2);
			third.goOn(0, 'a', 'asked');
			expect(third.find(0, 'a')).toBeUndefined();
		});

		it('leaves the entry of a call that had its result to that call', () => {
			const store: LedgerStore = {};
			const first = call(store, 0);
			first.noteSent(0, 'a', sentEntry(1));
			first.noteAccepted(0, 'a', 'x');
			first.noteUndelivered(new Set());
			const second = call(store, 1);
			second.goOn(0, 'a', 'asked');
			expect(second.find(0, 'a')).toBeUndefined();
		});
	});

	it('goes on with what another execution with the same ledger has submitted meanwhile, in other words', () => {
		const store: LedgerStore = {};
		const [one, two] = [new Ledger(store, 0), new Ledger(store, 0)];
		expect(two.hasEarlier(0, 'b')).toBe(false);
		one.noteSent(0, 'a', sentEntry(1));
		one.noteAccepted(0, 'a', 'x');
		expect(two.hasEarlier(0, 'b')).toBe(true);
		expect(two.hasEarlier(1, 'b')).toBe(false);
		two.goOn(0, 'b', 'asked');
		expect(Object.keys(store)).toEqual(['0:0:b']);
		expect(two.find(0, 'b')?.taskId).toBe('x');
	});
});
