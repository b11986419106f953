import type { IExecuteFunctions, IHookFunctions, IWebhookFunctions } from 'n8n-workflow';

import { fail } from '../../wavespeed/failures';
import { isRecord } from '../../json';
import type { Wanted } from '../errors/failureFacts';

/**
 * Reads a row's parameters. An expression can give anything, so every value is checked, and errors name the label.
 * Switches and cost limits fail closed: a value that can't be understood never means "off" or "no limit".
 */
export interface ParameterReader {
	/** The value as it is. */
	raw(name: string): unknown;
	text(name: string, label: string): string;
	choice<T extends string>(name: string, label: string, choices: readonly T[]): T;
	integer(name: string, label: string, range: Range): number;
	flag(name: string): boolean;
	/** The values of the Options collection; what isn't there is undefined. */
	options: OptionReader;
}

export interface OptionReader {
	flag(name: string): boolean;
	text(name: string, label: string): string | undefined;
	/** An empty field means the default. */
	number(name: string, label: string, range: Range): number | undefined;
	/** Money: an option that was added and is empty is not "no limit". */
	costLimit(name: string, label: string): number | undefined;
}

interface Range {
	min: number;
	max: number;
}

/** A parameter, by its name in the node and as the editor calls it. */
interface Field {
	name: string;
	label: string;
	value: unknown;
}

export const readParameters = (ctx: IExecuteFunctions, row: number): ParameterReader =>
	createReader((name, fallback) => ctx.getNodeParameter(name, row, fallback));

/** A trigger has no rows. */
export const readTriggerParameters = (ctx: IHookFunctions | IWebhookFunctions): ParameterReader =>
	createReader((name, fallback) => ctx.getNodeParameter(name, fallback));

function createReader(get: (name: string, fallback?: object) => unknown): ParameterReader {
	const field = (name: string, label: string): Field => ({ name, label, value: get(name) });
	return {
		raw: (name) => get(name),
		text: (name, label) => toText(field(name, label)),
		choice: (name, label, choices) => toChoice(field(name, label), choices),
		integer: (name, label, range) => toNumber(field(name, label), range, true),
		flag: (name) => toFlag(field(name, toLabel(name))),
		options: createOptionReader(readOptions(get('options', {}))),
	};
}

/** An expression in the place of the collection could take every limit away. */
function readOptions(value: unknown): Record<string, unknown> {
	return isRecord(value)
		? value
		: failValue({ name: 'options', label: 'Options', value }, { what: 'options' });
}

function createOptionReader(options: Record<string, unknown>): OptionReader {
	const isThere = (name: string): boolean => Object.hasOwn(options, name);
	const field = (name: string, label: string): Field => ({
		...{ name: `options.${name}`, label },
		value: isThere(name) ? options[name] : undefined,
	});
	return {
		flag: (name) => isThere(name) && toFlag(field(name, toLabel(name))),
		text(name, label) {
			const text = toText(field(name, label)).trim();
			return text === '' ? undefined : text;
		},
		number(name, label, range) {
			const option = field(name, label);
			return isUnset(option.value) ? undefined : toNumber(option, range);
		},
		costLimit: (name, label) =>
			isThere(name) ? toNumber(field(name, label), { min: 0, max: Infinity }) : undefined,
	};
}

const isUnset = (value: unknown): boolean => value === undefined || value === null || value === '';

/** `downloadVideo` → "Download Video": switches are called in the editor as they are in the code. */
const toLabel = (name: string): string =>
	name.charAt(0).toUpperCase() + name.slice(1).replace(/[A-Z]/g, (letter) => ` ${letter}`);

/** Expressions give texts: the word "false" is not a yes. */
function toFlag(field: Field): boolean {
	const { value } = field;
	const word = typeof value === 'string' ? value.trim().toLowerCase() : value;
	if (word === true || word === 'true') return true;
	if (word === false || word === 'false') return false;
	return failValue(field, { what: 'flag' });
}

/** A number in a text field, such as a prompt "2026" from a spreadsheet, is meant as text. */
function toText(field: Field): string {
	const { value } = field;
	if (typeof value === 'string') return value;
	if (typeof value === 'number' && Number.isFinite(value)) return String(value);
	if (value === undefined || value === null) return '';
	return failValue(field, { what: 'text' });
}

function toChoice<T extends string>(field: Field, choices: readonly T[]): T {
	const choice = choices.find((candidate) => candidate === field.value);
	return choice ?? failValue(field, { what: 'choice', choices });
}

function toNumber(field: Field, range: Range, isWhole = false): number {
	const { value } = field;
	const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
	const isFine =
		typeof number === 'number' &&
		Number.isFinite(number) &&
		number >= range.min &&
		number <= range.max &&
		(!isWhole || Number.isInteger(number));
	if (isFine) return number;
	return failValue(field, { what: 'number', isWhole, ...range });
}

function failValue({ name, label, value }: Field, wanted: Wanted): never {
	const isOption = name.startsWith('options.');
	const facts = { label, isOption, wanted, given: value };
	return fail('invalidInput', 'wrongValue', facts, { details: { parameter: name } });
}
