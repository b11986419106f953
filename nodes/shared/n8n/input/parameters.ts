import type { IExecuteFunctions, IHookFunctions, IWebhookFunctions } from 'n8n-workflow';

import { fail } from '../../wavespeed/failures';
import { isRecord } from '../../json';
import { shorten } from '../../text';

/** Reads a row's parameters. An expression can give anything, so every value is checked, and errors name the label. */
export interface ParameterReader {
	/** The value as it is. */
	raw(name: string): unknown;
	text(name: string, label: string): string;
	choice<T extends string>(name: string, label: string, choices: readonly T[]): T;
	integer(name: string, label: string, range: Range): number;
	/** The values of the Options collection; what isn't set is undefined. */
	options: OptionReader;
}

export interface OptionReader {
	flag(name: string): boolean;
	text(name: string, label: string): string | undefined;
	number(name: string, label: string, range: Range): number | undefined;
}

interface Range {
	min: number;
	max: number;
}

export const readParameters = (ctx: IExecuteFunctions, row: number): ParameterReader =>
	createReader((name, fallback) => ctx.getNodeParameter(name, row, fallback) as unknown);

/** A trigger has no rows. */
export const readTriggerParameters = (ctx: IHookFunctions | IWebhookFunctions): ParameterReader =>
	createReader((name, fallback) => ctx.getNodeParameter(name, fallback) as unknown);

function createReader(get: (name: string, fallback?: object) => unknown): ParameterReader {
	const raw = (name: string): unknown => get(name);
	const given = get('options', {});
	const options = isRecord(given) ? given : {};
	return {
		raw,
		text: (name, label) => toText(raw(name), label),
		choice: (name, label, choices) => toChoice(raw(name), label, choices),
		integer: (name, label, range) => toNumber(raw(name), label, range, true),
		options: {
			flag: (name) => toFlag(options[name]),
			text: (name, label) => {
				const text = isUnset(options[name]) ? '' : toText(options[name], label).trim();
				return text === '' ? undefined : text;
			},
			number: (name, label, range) =>
				isUnset(options[name]) ? undefined : toNumber(options[name], label, range, false),
		},
	};
}

const isUnset = (value: unknown): boolean => value === undefined || value === null || value === '';

/** Expressions give texts: the word "false" is not a yes. */
const toFlag = (value: unknown): boolean =>
	typeof value === 'string' ? value.trim().toLowerCase() === 'true' : value === true;

/** A number in a text field, such as a prompt "2026" from a spreadsheet, is meant as text. */
function toText(value: unknown, label: string): string {
	if (typeof value === 'string') return value;
	if (typeof value === 'number' && Number.isFinite(value)) return String(value);
	if (value === undefined || value === null) return '';
	return failValue(label, value, 'a text');
}

function toChoice<T extends string>(value: unknown, label: string, choices: readonly T[]): T {
	const choice = choices.find((candidate) => candidate === value);
	return choice ?? failValue(label, value, `one of: ${choices.join(', ')}`);
}

function toNumber(value: unknown, label: string, range: Range, isInteger: boolean): number {
	const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
	const isFine =
		typeof number === 'number' &&
		Number.isFinite(number) &&
		number >= range.min &&
		number <= range.max &&
		(!isInteger || Number.isInteger(number));
	if (isFine) return number;
	const kind = isInteger ? 'a whole number' : 'a number';
	const span =
		range.max === Infinity ? `of at least ${range.min}` : `from ${range.min} to ${range.max}`;
	return failValue(label, value, `${kind} ${span}`);
}

function failValue(label: string, value: unknown, wanted: string): never {
	return fail(
		'invalidInput',
		`"${label}" must be ${wanted}, not ${describeValue(value)}`,
		`Correct the field, or the expression in it.`,
	);
}

const MAX_VALUE_CHARS = 60;

function describeValue(value: unknown): string {
	if (value === undefined || value === null || value === '') return 'empty';
	if (Array.isArray(value)) return 'a list';
	if (isRecord(value)) return 'an object';
	return `"${shorten(String(value), MAX_VALUE_CHARS)}"`;
}
