/**
 * What time it is at the service, told by the `Date` header of its answers. The machine's clock may be wrong by minutes
 * and may jump; a search by time for a lost task must not miss it for that. All times in and out are ms; `steady` is the
 * process's steady clock.
 */
export class ServiceClock {
	#offset: number | undefined;

	get isKnown(): boolean {
		return this.#offset !== undefined;
	}

	/** `steadyNow`: when the answer came. */
	note(headers: Record<string, string>, steadyNow: number): void {
		const date = Date.parse(headers.date ?? '');
		// A cache says how old its copy is (RFC 9111, 5.1).
		const age = Number(headers.age ?? 0);
		if (Number.isNaN(date) || !(age >= 0)) return;
		this.#offset = date + HALF_SECOND_MS + age * 1000 - steadyNow;
	}

	/** The service's time for a moment of the steady clock; undefined as long as no answer has told it. */
	timeAt(steady: number): number | undefined {
		return this.#offset === undefined ? undefined : steady + this.#offset;
	}
}

/** The header has whole seconds, cut off. */
const HALF_SECOND_MS = 500;
