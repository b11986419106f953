/**
 * Waiting items in the order of coming, but owner by owner in turn: a run with a thousand rows doesn't keep one with a
 * single row waiting behind all of them.
 */
export class FairQueue<T> {
	/** The owner whose turn is next comes first. */
	readonly #lines = new Map<object, Set<T>>();

	add(owner: object, item: T): void {
		const line = this.#lines.get(owner) ?? new Set<T>();
		line.add(item);
		this.#lines.set(owner, line);
	}

	delete(owner: object, item: T): void {
		const line = this.#lines.get(owner);
		line?.delete(item);
		if (line?.size === 0) this.#lines.delete(owner);
	}

	shift(): T | undefined {
		for (const [owner, line] of this.#lines) {
			this.#lines.delete(owner);
			const [item] = line;
			if (item === undefined) continue;
			line.delete(item);
			// Behind all others that wait now.
			if (line.size > 0) this.#lines.set(owner, line);
			return item;
		}
		return undefined;
	}

	/** All that wait, in no particular order. */
	*[Symbol.iterator](): Iterator<[owner: object, item: T]> {
		for (const [owner, line] of this.#lines) for (const item of line) yield [owner, item];
	}

	get isEmpty(): boolean {
		return this.#lines.size === 0;
	}
}
