import { isRecord } from '../../json';
import { fail, type FailureDetails } from '../../wavespeed/failures';
import type { NoFile } from '../errors/failureFacts';
import { isBinary } from './itemFiles';

/** What people enter in the place of a field's name or a file. */

/** What a file's `data` is when n8n keeps the file elsewhere. */
const STORAGE_NAMES = new Set([
	'filesystem',
	'filesystem-v2',
	'database',
	's3',
	'azure',
	'default',
]);

type More = { details: FailureDetails };

/** Returns only if the value is a name like any other, of a file that isn't there. */
export function refuseMistake(value: unknown, label: string, more: More): void {
	if (typeof value === 'string') refuseText(value, label, more);
	else refuseObject(value, label, more);
}

function refuseText(text: string, label: string, more: More): void {
	if (text.includes('[object ')) fail('invalidInput', 'textAroundExpression', { label }, more);
	if (text.startsWith('=') || text.includes('{{')) {
		fail('invalidInput', 'expressionAsText', { label, given: text }, more);
	}
	if (STORAGE_NAMES.has(text)) {
		fail('invalidInput', 'expressionGoesTooFar', { label, given: text }, more);
	}
	if (isEncoded(text)) fail('invalidInput', 'contentAsName', { label }, more);
	if (/^https?:\/\//i.test(text)) fail('invalidInput', 'addressAsName', { label }, more);
}

/** Nobody calls a field by more than this without a space or a dot in it. */
const SHORTEST_BASE64_CHARS = 100;

export const isEncoded = (text: string): boolean =>
	/^data:[\w.+/-]*[;,]/i.test(text) ||
	(text.length >= SHORTEST_BASE64_CHARS && /^[\w+/=\s-]+$/.test(text.slice(0, 1000)));

function refuseObject(value: unknown, label: string, more: More): never {
	if (value === undefined || value === null) {
		fail('invalidInput', 'expressionGivesNothing', { label }, more);
	}
	return fail('invalidInput', 'expressionGivesNoFile', { label, ...toNoFile(value) }, more);
}

function toNoFile(value: unknown): NoFile {
	if (Array.isArray(value)) return { gives: 'list' };
	const object = isRecord(value) ? value : {};
	if (isRecord(object.binary)) return { gives: 'item' };
	const [field] = Object.entries(object).find(([, inner]) => isBinary(inner)) ?? [];
	return field === undefined ? { gives: 'other' } : { gives: 'files', field };
}
