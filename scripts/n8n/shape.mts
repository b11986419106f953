/** Narrowing of JSON that comes over the network: every field is unknown until it was looked at. */

export type JsonRecord = Record<string, unknown>;

export function isRecord(value: unknown): value is JsonRecord {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value at a path of keys and indexes, or undefined when the path leads nowhere. */
export function valueAt(value: unknown, ...path: Array<string | number>): unknown {
	let current = value;
	for (const key of path) {
		if (Array.isArray(current) && typeof key === 'number') current = current[key];
		else if (isRecord(current)) current = current[String(key)];
		else return undefined;
	}
	return current;
}

export function textAt(value: unknown, ...path: Array<string | number>): string | undefined {
	const found = valueAt(value, ...path);
	return typeof found === 'string' ? found : undefined;
}

export function listAt(value: unknown, ...path: Array<string | number>): unknown[] {
	const found = valueAt(value, ...path);
	return Array.isArray(found) ? found : [];
}
