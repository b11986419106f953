import { textAt } from '../n8n/shape.mts';

/** The shape of a JSON answer: which fields there are and what kind of value each holds. */

export interface Answer {
	/** What was asked. */
	step: string;
	/** Undefined: there was no answer. */
	status?: number;
	body?: unknown;
}

export type Shape = Map<string, Set<string>>;

function kindOf(value: unknown): string {
	if (value === null) return 'null';
	if (Array.isArray(value)) return 'list';
	if (typeof value !== 'string') return typeof value;
	if (/^https?:\/\//.test(value)) return 'address';
	if (/^\d{4}-\d\d-\d\dT/.test(value)) return 'time';
	return 'text';
}

/** A path for each value, `data.items[].id`, with the kinds of value that were seen there. */
export function shapeOf(value: unknown, path = '', shape: Shape = new Map()): Shape {
	const kinds = shape.get(path) ?? new Set();
	shape.set(path, kinds.add(kindOf(value)));
	if (Array.isArray(value)) {
		for (const one of value) shapeOf(one, `${path}[]`, shape);
	} else if (typeof value === 'object' && value !== null) {
		for (const [name, one] of Object.entries(value)) {
			shapeOf(one, path === '' ? name : `${path}.${name}`, shape);
		}
	}
	return shape;
}

const list = (kinds: Set<string>): string => [...kinds].sort().join(' or ');

/** What the service answers otherwise than the emulator, one line for each field; none if they agree. */
export function compareShapes(expected: Shape, actual: Shape): string[] {
	const differences: string[] = [];
	const isBelow = (path: string, parents: string[]): boolean =>
		parents.some((parent) => path.startsWith(`${parent}.`) || path.startsWith(`${parent}[]`));
	const told: string[] = [];
	for (const [path, kinds] of expected) {
		const found = actual.get(path);
		if (!found) {
			if (isBelow(path, told)) continue;
			told.push(path);
			differences.push(`${path || 'the answer'} is missing (${list(kinds)} expected)`);
		} else if (list(found) !== list(kinds)) {
			differences.push(`${path || 'the answer'} is ${list(found)} instead of ${list(kinds)}`);
		}
	}
	for (const [path, kinds] of actual) {
		if (expected.has(path) || isBelow(path, told)) continue;
		told.push(path);
		differences.push(`${path} is new (${list(kinds)})`);
	}
	return differences;
}

/** Where the second ones differ from the first, by step. */
export function compareAnswers(expected: Answer[], actual: Answer[]): string[] {
	const counts = new Map<string, number>();
	return actual.flatMap(({ step, status, body }) => {
		const count = counts.get(step) ?? 0;
		counts.set(step, count + 1);
		const all = expected.filter((answer) => answer.step === step);
		// How often a task is looked at until it ends is chance; what it says in each state isn't.
		const state = textAt(body, 'data', 'status');
		const inState = all.find((answer) => textAt(answer.body, 'data', 'status') === state);
		const same = state === undefined ? (all[count] ?? all.at(-1)) : inState;
		if (!same && all.length > 0) return [];
		if (!same) return [`${step}: the emulator has no such answer`];
		const differences = compareShapes(shapeOf(same.body), shapeOf(body));
		if (same.status !== status) {
			const [seen, wanted] = [status, same.status].map((one) => one ?? 'no answer');
			differences.unshift(`HTTP ${seen} instead of ${wanted}`);
		}
		return differences.map((difference) => `${step}: ${difference}`);
	});
}

/** An answer as it may be printed: no secrets, and no signatures of addresses. */
export function printable(value: unknown): string {
	return JSON.stringify(
		value,
		(name, one: unknown) => {
			if (typeof one !== 'string') return one;
			if (/secret|signature|authorization/i.test(name) || one.startsWith('whsec_'))
				return '(hidden)';
			return kindOf(one) === 'address' ? one.split('?')[0] : one;
		},
		2,
	);
}
