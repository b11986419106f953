import { isRecord } from '../../nodes/shared/json';

/**
 * Decodes what n8n stores for an execution: a JSON array whose entries refer to each other by index, each index a string
 * ("flatted" JSON). Strings that are values stand in the array themselves.
 */
export function decodeFlatted(text: string): unknown {
	const table: unknown = JSON.parse(text);
	if (!Array.isArray(table)) throw new Error('This is not the stored form of an execution.');
	const done = new Map<number, unknown>();

	const resolve = (reference: unknown): unknown => {
		if (typeof reference !== 'string') return reference;
		const index = Number(reference);
		if (done.has(index)) return done.get(index);
		const entry: unknown = table[index];
		if (Array.isArray(entry)) {
			const list: unknown[] = [];
			done.set(index, list);
			for (const element of entry) list.push(resolve(element));
			return list;
		}
		if (isRecord(entry)) {
			const record: Record<string, unknown> = {};
			done.set(index, record);
			for (const [key, element] of Object.entries(entry)) record[key] = resolve(element);
			return record;
		}
		return entry;
	};

	return resolve('0');
}
