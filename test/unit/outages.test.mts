import { Outages } from '../../nodes/shared/wavespeed/http/outages';
import { FailureError, failureOf, makeFailure } from '../../nodes/shared/wavespeed/failures';

/** Which endpoints and hosts do not answer at the moment. */

const SECOND = 1_000;
const HOST = 'store.example';
/** When the outages of these tests are believed: after a minute and a half without a usable answer. */
const BELIEVED_AT = 90 * SECOND;

const silence = (): FailureError =>
	new FailureError(makeFailure('unavailable', 'uploadFailed', { field: 'audio', said: 'silence' }));

/** What a request meets at this time; undefined: it is sent. */
const meet = (outages: Outages, now: number, host = HOST): unknown =>
	failureOf(outages.whyDown(host, now))?.reason;

interface GivenUp {
	files: number;
	/** The answer to all attempts; undefined: silence. */
	status?: number;
	/** When the last one was given up; the first was at 0. */
	until?: number;
}

/** So many different files, one after the other, each after one attempt. */
function giveUp(outages: Outages, { files, status, until = BELIEVED_AT }: GivenUp): Outages {
	for (let file = 0; file < files; file += 1) {
		const now = (until * file) / Math.max(1, files - 1);
		outages.noteNoAnswer(HOST, status, now);
		outages.noteDown(HOST, `file ${file}`, silence(), now);
	}
	return outages;
}

const createOutages = (): Outages => giveUp(new Outages(), { files: 5 });

describe('an outage', () => {
	it.each([
		['silence', undefined, 5],
		['a gateway that waits in vain', 504, 5],
		['errors', 503, 21],
	])('is told by %s for a minute and a half, for whatever is asked', (_what, status, files) => {
		const more = giveUp(new Outages(), { files, status });
		expect(meet(more, BELIEVED_AT)).toBe('uploadFailed');
		const fewer = giveUp(new Outages(), { files: files - 1, status });
		expect(meet(fewer, BELIEVED_AT)).toBeUndefined();
	});

	it('is believed for half a minute', () => {
		const outages = createOutages();
		expect(meet(outages, BELIEVED_AT + 29 * SECOND)).toBe('uploadFailed');
		expect(meet(outages, BELIEVED_AT + 31 * SECOND)).toBeUndefined();
	});

	it('is told by nothing but "too many requests" for ten minutes', () => {
		const minute = 60 * SECOND;
		const refuseUntil = (outages: Outages, from: number, until: number): Outages => {
			for (let at = from; at <= until; at += minute) outages.noteTurnedAway(HOST, silence(), at);
			return outages;
		};
		const outages = refuseUntil(new Outages(), 0, 9 * minute);
		expect(meet(outages, 9 * minute)).toBeUndefined();
		refuseUntil(outages, 10 * minute, 10 * minute);
		expect(meet(outages, 10 * minute)).toBe('uploadFailed');
		outages.noteAnswer(HOST);
		expect(meet(outages, 10 * minute)).toBeUndefined();
		const mixed = refuseUntil(new Outages(), 0, 9 * minute);
		mixed.noteNoAnswer(HOST, 503, 9 * minute);
		refuseUntil(mixed, 10 * minute, 18 * minute);
		expect(meet(mixed, 18 * minute)).toBeUndefined();
	});

	it('is not told by many bad files in a short time', () => {
		const outages = giveUp(new Outages(), { files: 50, status: 500, until: 89 * SECOND });
		expect(meet(outages, 89 * SECOND)).toBeUndefined();
	});

	it('is told by rows that ask for the same only if it is asked for more often than one row does', () => {
		const outages = new Outages();
		for (let tries = 1; tries <= 10; tries += 1) {
			expect(meet(outages, BELIEVED_AT)).toBeUndefined();
			outages.noteDown(HOST, 'a', silence(), tries === 10 ? BELIEVED_AT : 0);
		}
		expect(meet(outages, BELIEVED_AT)).toBe('uploadFailed');
	});

	it('is not told of another host', () => {
		expect(meet(createOutages(), BELIEVED_AT, 'other.example')).toBeUndefined();
	});

	it('ends with one answer, and begins anew after it', () => {
		const outages = createOutages();
		outages.noteAnswer(HOST);
		expect(meet(outages, BELIEVED_AT)).toBeUndefined();
		for (const file of 'abcdef') outages.noteDown(HOST, file, silence(), BELIEVED_AT);
		expect(meet(outages, BELIEVED_AT)).toBeUndefined();
	});

	it('of yesterday does not cut the attempts of today short', () => {
		const outages = new Outages();
		for (let attempt = 0; attempt < 9; attempt += 1) outages.noteNoAnswer(HOST, undefined, 0);
		expect(outages.noteNoAnswer(HOST, undefined, 100 * SECOND)).toBe(true);
		expect(outages.noteNoAnswer(HOST, undefined, 86_400 * SECOND)).toBe(false);
	});

	it('is not forgotten while a large file is under way, however long that takes', () => {
		let now = 0;
		const clock = { now: () => now, wallTime: () => now, sleep: async () => {} };
		const outages = new Outages();
		const begin = (file: string) => outages.watch(HOST, file, clock);
		const first = ['a', 'b', 'c', 'd'].map(begin);
		now = 11 * 60 * SECOND;
		for (const watch of first) watch.noteNoAnswer(undefined);
		const second = ['a', 'b', 'c', 'd'].map(begin);
		now = 22 * 60 * SECOND;
		for (const watch of second) expect(watch.noteNoAnswer(undefined)).toBe(true);
		for (const watch of second) watch.noteDown(silence());
		const fifth = begin('e');
		now = 33 * 60 * SECOND;
		fifth.noteDown(silence());
		expect(meet(outages, now)).toBe('uploadFailed');
	});

	it('is forgotten for the hosts that failed longest ago, where each file has a host of its own', () => {
		const outages = createOutages();
		for (let host = 0; host < 100; host += 1) outages.noteNoAnswer(`host${host}`, undefined, 0);
		expect(meet(outages, BELIEVED_AT)).toBeUndefined();
	});

	it('is not made longer by those who have only heard of it', () => {
		const outages = createOutages();
		for (let now = BELIEVED_AT; now < BELIEVED_AT + 30 * SECOND; now += 10 * SECOND) {
			outages.noteDown(HOST, 'z', outages.whyDown(HOST, now)!, now);
		}
		expect(meet(outages, BELIEVED_AT + 31 * SECOND)).toBeUndefined();
	});
});
