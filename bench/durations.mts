import type { TaskInput } from '../test/emulator/types.mts';

/**
 * How long tasks take. They differ, as voices do: with equal tasks, all ends would fall on the same side of the node's
 * checks, and a lucky interval would look like a fast node.
 */
const SPREAD = 0.2;

/** From −1 to 1, the same for a row in every run. */
function scatter(row: number): number {
	const mixed = Math.sin(row * 127.1 + 311.7) * 43_758.5453;
	return 2 * (mixed - Math.floor(mixed)) - 1;
}

export const secondsOfRow = (row: number, typicalSeconds: number): number =>
	typicalSeconds * (1 + SPREAD * scatter(row));

/** Rows carry their number at the end of the prompt. */
export const taskSeconds =
	(typicalSeconds: number) =>
	({ prompt }: TaskInput): number =>
		secondsOfRow(Number(/\d+$/.exec(prompt ?? '')?.[0] ?? 0), typicalSeconds);

/**
 * No schedule can be shorter: the places that the account gives are never empty, and no task is longer than the whole.
 * Seconds.
 */
export function shortestSchedule(rows: number, inFlight: number, typicalSeconds: number): number {
	const all = Array.from({ length: rows }, (_, row) => secondsOfRow(row, typicalSeconds));
	const sum = all.reduce((total, seconds) => total + seconds, 0);
	return Math.max(sum / Math.min(inFlight, rows), ...all);
}
