import type { Ledger } from './ledger';

/** Rows that are prepared while others hold the account's places, so that no place waits for an upload. */
export const PREPARED_AHEAD = 8;

/** Tasks of an earlier attempt run already and hold the account's places, so their rows come first. */
export function orderRows(ledger: Ledger, rowCount: number): number[] {
	const resumed = new Set(ledger.entriesOfRun().map(({ row }) => row));
	const rows = Array.from({ length: rowCount }, (_, row) => row);
	return [...rows.filter((row) => resumed.has(row)), ...rows.filter((row) => !resumed.has(row))];
}
