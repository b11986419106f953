import { Outages } from '../../nodes/shared/wavespeed/http/outages';
import { FailureError, failureOf, makeFailure } from '../../nodes/shared/wavespeed/failures';

/** Which endpoints and hosts do not answer at the moment. */

const SECOND = 1_000;
const HOST = 'store.example';

const silence = (): FailureError =>
	new FailureError(makeFailure('unavailable', 'uploadFailed', { field: 'audio', said: 'silence' }));

/** What a request meets at this time; undefined: it is sent. */
function meet(outages: Outages, now: number, host = HOST): unknown {
	try {
		outages.throwIfDown(host, now);
		return undefined;
	} catch (error) {
		return failureOf(error)?.reason;
	}
}

/** Two different files were given up at 0. */
function createOutages(): Outages {
	const outages = new Outages();
	for (const target of ['a', 'b']) outages.noteDown(HOST, target, silence(), 0);
	return outages;
}

describe('an outage', () => {
	it('is told by two things that were given up, for half a minute', () => {
		const outages = createOutages();
		expect(meet(outages, 29 * SECOND)).toBe('uploadFailed');
		expect(meet(outages, 31 * SECOND)).toBeUndefined();
	});

	it('is not told by one thing alone, nor of another host', () => {
		const outages = new Outages();
		outages.noteDown(HOST, 'a', silence(), 0);
		expect(meet(outages, 1)).toBeUndefined();
		expect(meet(createOutages(), 1, 'other.example')).toBeUndefined();
	});

	it('ends with one answer', () => {
		const outages = createOutages();
		outages.noteAnswer(HOST);
		expect(meet(outages, 1)).toBeUndefined();
	});

	it('is not made longer by those who have only heard of it', () => {
		const outages = createOutages();
		for (let now = 10 * SECOND; now < 30 * SECOND; now += 10 * SECOND) {
			try {
				outages.throwIfDown(HOST, now);
			} catch (error) {
				outages.noteDown(HOST, 'c', error as FailureError, now);
			}
		}
		expect(meet(outages, 31 * SECOND)).toBeUndefined();
	});
});
