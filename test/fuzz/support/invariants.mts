import { inspect } from 'node:util';

import type { IDataObject, INodeExecutionData } from 'n8n-workflow';

import type { RunResult } from '../../engine/harness/engine.mts';

/** What holds whatever anybody sends. */

/** What a mistake in a program says, and nobody else. */
const RAW_ERROR =
	/TypeError|RangeError|SyntaxError|URIError|ReferenceError|Cannot (read|convert|assign|set)|is not a function|is not iterable|result '|Invalid time value|URI malformed|Maximum call stack|Unexpected token|\[object \w+\]|\n\s+at /;

/** Nobody reads more, and n8n stores each of them. */
const LONGEST_TEXT_CHARS = 20_000;
/** Two rows whose prompts are as long as a test makes them: what was sent is kept, since it may not come out again. */
const LONGEST_CONTEXT_CHARS = 250_000;

export function checkText(text: unknown): void {
	expect(typeof text).toBe('string');
	expect(String(text).length).toBeLessThan(LONGEST_TEXT_CHARS);
	expect(text).not.toMatch(RAW_ERROR);
	// eslint-disable-next-line no-control-regex
	expect(text).not.toMatch(/[\u0000-\u0008\u001b]/);
}

export function checkNoPollution(): void {
	expect(Object.keys(Object.prototype)).toEqual([]);
	expect(({} as IDataObject).polluted).toBeUndefined();
	expect(Object.keys(Array.prototype)).toEqual([]);
}

/** Everything that anybody could come to see, errors with what is hidden in them. */
export const everything = (...values: unknown[]): string =>
	inspect(values, {
		depth: 20,
		showHidden: true,
		maxStringLength: Infinity,
		maxArrayLength: Infinity,
		breakLength: Infinity,
	});

const NODE_ERRORS = ['NodeApiError', 'NodeOperationError', 'ExpressionError'];

/** Without the whole text in the message of a failed test. */
export function checkKeyHidden(text: string, key: string): void {
	for (const form of [key, JSON.stringify(key).slice(1, -1), encodeURIComponent(key)]) {
		const at = text.indexOf(form);
		expect(at === -1 ? '' : text.slice(at - 200, at + 50)).toBe('');
	}
}

export function checkRun(result: RunResult, key: string): void {
	const { error, items, errorItems, logs, context } = result;
	if (error) {
		expect(NODE_ERRORS).toContain(error.name);
		checkText(error.message);
		checkText(error.description ?? '');
	}
	for (const item of [...items, ...errorItems]) checkItem(item);
	logs.forEach(checkText);
	expect(JSON.stringify(context).length).toBeLessThan(LONGEST_CONTEXT_CHARS);
	checkKeyHidden(everything(result.run.data, error, error?.cause, logs, context), key);
	checkNoPollution();
}

function checkItem({ json }: INodeExecutionData): void {
	if (json.error !== undefined && json.details !== undefined) checkText(json.error);
	// n8n stores items as JSON: what has no JSON ends the execution there.
	expect(() => JSON.stringify(json)).not.toThrow();
}
