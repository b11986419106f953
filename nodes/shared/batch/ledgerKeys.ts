/**
 * The store's keys by row: each row of a batch asks for its own, and to go over those of all others would take seconds
 * with 10,000 of them. All changes of a store's keys are made here.
 */
const KEYS = new WeakMap<object, Map<string, Set<string>>>();

/** `0:7:hash` → `0:7`: the round and the row. */
const toRowName = (key: string): string => key.slice(0, key.lastIndexOf(':'));

export function keysOfRow(store: object, rowName: string): readonly string[] {
	return [...(indexOf(store).get(rowName) ?? [])];
}

export function putEntry<T>(store: Record<string, T>, key: string, entry: T): void {
	add(indexOf(store), key);
	store[key] = entry;
}

export function removeEntry(store: Record<string, unknown>, key: string): void {
	const index = indexOf(store);
	const keys = index.get(toRowName(key));
	keys?.delete(key);
	if (keys?.size === 0) index.delete(toRowName(key));
	delete store[key];
}

function indexOf(store: object): Map<string, Set<string>> {
	const known = KEYS.get(store);
	if (known) return known;
	const index = new Map<string, Set<string>>();
	for (const key of Object.keys(store)) add(index, key);
	KEYS.set(store, index);
	return index;
}

function add(index: Map<string, Set<string>>, key: string): void {
	const keys = index.get(toRowName(key)) ?? new Set();
	keys.add(key);
	index.set(toRowName(key), keys);
}
