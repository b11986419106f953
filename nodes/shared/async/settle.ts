/** The result of some work as a value, so that what follows stands outside a `catch`. */
export type Settled<T> = { ok: true; value: T } | { ok: false; error: unknown };

export const settle = async <T>(work: Promise<T>): Promise<Settled<T>> =>
	await work.then(
		(value): Settled<T> => ({ ok: true, value }),
		(error: unknown): Settled<T> => ({ ok: false, error }),
	);
