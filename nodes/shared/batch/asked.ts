import { createHash } from 'node:crypto';

/** What a row asks for, field by field: what two tries are compared by. */

export const ASKED_FIELDS = ['image', 'audio', 'prompt', 'resolution', 'seed'] as const;

export type AskedField = (typeof ASKED_FIELDS)[number];

/**
 * Where a field's value comes from: the same for what is written the same and reads the same, whatever a clock or a die
 * in it gives this time. Undefined if what it reads can't be told: then only an equal value is the same.
 */
export type Sources = Record<AskedField, string | undefined>;

/** 48 bits: a value that is taken for another one would hand out a wrong video. */
const VALUE_CHARS = 8;

/** 36 bits: it only has to tell the few versions of one field apart. */
const SOURCE_CHARS = 6;

const toHash = (text: string, chars: number): string =>
	createHash('sha256').update(text).digest('base64url').slice(0, chars);

/** As the ledger keeps it: short, since n8n stores it with each row. */
export function noteAsked(values: Record<AskedField, string | number>, sources: Sources): string {
	const fields = ASKED_FIELDS.map((field) => {
		const source = sources[field];
		const value = toHash(String(values[field]), VALUE_CHARS);
		return source === undefined ? value : `${value}.${toHash(source, SOURCE_CHARS)}`;
	});
	return fields.join(' ');
}

/** Whether both ask for the same video. A field that was written otherwise since has to give the same now. */
export function asksForSame(earlier: string, asked: string): boolean {
	const [before, now] = [earlier.split(' '), asked.split(' ')];
	return before.length === now.length && before.every((field, index) => isSame(field, now[index]));
}

function isSame(before: string, now = ''): boolean {
	const [valueBefore, sourceBefore] = before.split('.');
	const [valueNow, sourceNow] = now.split('.');
	return valueBefore === valueNow || (sourceBefore !== undefined && sourceBefore === sourceNow);
}
