import { Outages } from '../../nodes/shared/wavespeed/http/outages';
import { FailureError, failureOf, makeFailure } from '../../nodes/shared/wavespeed/failures';

/** Which endpoints and hosts do not answer at the moment. */

const SECOND = 1_000;
const HOST = 'store.example';

const silence = (): FailureError =>
	new FailureError(makeFailure('unavailable', 'uploadFailed', { field: 'audio', said: 'silence' }));

/** What a request meets at this time; undefined: it is sent. */
const meet = (outages: Outages, now: number, host = HOST): unknown =>
	failureOf(outages.whyDown(host, now))?.reason;

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

	it('of yesterday does not cut the attempts of today short', () => {
		const outages = new Outages();
		for (let attempt = 0; attempt < 9; attempt += 1) outages.noteNoAnswer(HOST, 0);
		expect(outages.noteNoAnswer(HOST, 100 * SECOND)).toBe(true);
		expect(outages.noteNoAnswer(HOST, 86_400 * SECOND)).toBe(false);
	});

	it('is forgotten for the hosts that failed longest ago, where each file has a host of its own', () => {
		const outages = createOutages();
		for (let host = 0; host < 100; host += 1) outages.noteNoAnswer(`host${host}`, 0);
		expect(meet(outages, 1)).toBeUndefined();
	});

	it('is not made longer by those who have only heard of it', () => {
		const outages = createOutages();
		for (let now = 10 * SECOND; now < 30 * SECOND; now += 10 * SECOND) {
			outages.noteDown(HOST, 'c', outages.whyDown(HOST, now)!, now);
		}
		expect(meet(outages, 31 * SECOND)).toBeUndefined();
	});
});
