import { createLedger, type LedgerStore } from '../../nodes/shared/batch/ledger';
import type { SubmitInput } from '../../nodes/shared/wavespeed/tasks/submitTask';

const INPUT: SubmitInput = {
	image: 'https://files.example/face.png',
	audio: 'https://files.example/voice.mp3',
	prompt: 'a long prompt that must not be stored',
	resolution: '720p',
	seed: 0,
};

describe('the ledger', () => {
	it('tells rounds, rows and what was asked for apart', () => {
		const store: LedgerStore = {};
		const [round0, round1] = [createLedger(store, 0), createLedger(store, 1)];
		round0.noteSent(0, 'a', INPUT, 1);
		round0.noteAccepted(0, 'a', 'x');
		expect(round0.find(0, 'a')?.taskId).toBe('x');
		expect(round0.find(1, 'a')).toBeUndefined();
		expect(round0.find(0, 'b')).toBeUndefined();
		expect(round1.find(0, 'a')).toBeUndefined();
		expect(createLedger(store, 0).find(0, 'a')?.taskId).toBe('x');
		expect(round0.key(0, 'a')).not.toBe(round1.key(0, 'a'));
	});

	it('keeps what is needed to find the task, and not the prompt', () => {
		const store: LedgerStore = {};
		const ledger = createLedger(store, 0);
		ledger.noteSent(3, 'a', INPUT, 1_000, 0);
		expect(ledger.find(3, 'a')).toEqual({
			state: 'sent',
			sentAt: 1_000,
			image: INPUT.image,
			audio: INPUT.audio,
			seed: 0,
			costUsd: 0,
		});
		expect(JSON.stringify(store)).not.toContain(INPUT.prompt);
	});

	it('knows submits without an answer in all rounds, from their sending on', () => {
		const store: LedgerStore = {};
		const ledger = createLedger(store, 0);
		createLedger(store, 5).noteSent(0, 'z', INPUT, 1);
		ledger.noteSent(0, 'a', INPUT, 1);
		ledger.noteSent(1, 'b', INPUT, 1);
		ledger.noteUnknown(1, 'b', 9);
		ledger.noteSent(2, 'c', INPUT, 1);
		ledger.noteAccepted(2, 'c', 'x');
		expect(ledger.unresolved().map(({ key, entry }) => [key, entry.endedAt])).toEqual([
			['5:0:z', undefined],
			['0:0:a', undefined],
			['0:1:b', 9],
		]);
	});

	it('forgets a submit that was refused', () => {
		const store: LedgerStore = {};
		const ledger = createLedger(store, 0);
		ledger.noteSent(0, 'a', INPUT, 1);
		ledger.noteRefused(0, 'a');
		expect(store).toEqual({});
		expect(() => ledger.noteRefused(7, 'z')).not.toThrow();
	});

	it('keeps the IDs of a row’s earlier tasks, also when the next submits are refused', () => {
		const store: LedgerStore = {};
		const ledger = createLedger(store, 0);
		for (const taskId of ['first', 'second']) {
			ledger.noteSent(0, 'a', INPUT, 1);
			ledger.noteAccepted(0, 'a', taskId);
		}
		expect(ledger.find(0, 'a')).toMatchObject({ taskId: 'second', earlierTaskIds: ['first'] });

		ledger.noteSent(0, 'a', INPUT, 2);
		expect(ledger.find(0, 'a')?.taskId).toBeUndefined();
		expect([...ledger.knownTaskIds()].sort()).toEqual(['first', 'second']);
		ledger.noteRefused(0, 'a');
		expect(ledger.find(0, 'a')).toMatchObject({
			state: 'accepted',
			taskId: 'second',
			earlierTaskIds: ['first'],
		});
		ledger.noteSent(0, 'a', INPUT, 3);
		ledger.noteRefused(0, 'a');
		expect([...ledger.knownTaskIds()].sort()).toEqual(['first', 'second']);
	});

	it('knows all tasks that have a row, in all rounds', () => {
		const store: LedgerStore = {};
		createLedger(store, 1).noteSent(0, 'a', INPUT, 1);
		createLedger(store, 1).noteAccepted(0, 'a', 'x');
		const ledger = createLedger(store, 0);
		ledger.noteSent(0, 'a', INPUT, 1);
		expect([...ledger.knownTaskIds()]).toEqual(['x']);
	});

	it('lists the entries of its own round, with their rows', () => {
		const store: LedgerStore = {};
		for (const runIndex of [1, 11]) {
			const ledger = createLedger(store, runIndex);
			ledger.noteSent(12, 'a', INPUT, runIndex);
		}
		const entries = createLedger(store, 1).entriesOfRun();
		expect(entries.map(({ row, entry }) => [row, entry.sentAt])).toEqual([[12, 1]]);
	});

	it('does not invent an entry', () => {
		const store: LedgerStore = {};
		const ledger = createLedger(store, 0);
		ledger.noteAccepted(0, 'a', 'x');
		ledger.noteUnknown(0, 'a', 1);
		expect(store).toEqual({});
	});

	it('stays below 5 MB with 10,000 rows, as n8n stores it', () => {
		const store: LedgerStore = {};
		const ledger = createLedger(store, 0);
		const url = `https://d1q70pf5vjeyhc.cloudfront.net/media/${'0123456789abcdef'.repeat(4)}/voice.mp3`;
		for (let row = 0; row < 10_000; row += 1) {
			const hash = row.toString(16).padStart(16, '0');
			ledger.noteSent(
				row,
				hash,
				{ ...INPUT, image: url, audio: url, seed: 2_147_483_647 },
				Date.now(),
				0.24,
			);
			ledger.noteAccepted(row, hash, 'f'.repeat(32));
		}
		expect(JSON.stringify(store).length).toBeLessThan(5_000_000);
		expect(JSON.parse(JSON.stringify(store))).toEqual(store);
	});
});
