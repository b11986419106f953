import { SharedListing } from '../../nodes/shared/account/sharedListing';
import { Cancellation } from '../../nodes/shared/async/cancellation';
import { settle } from '../../nodes/shared/async/settle';
import { createRig, failureFrom, hang, ok, rawTask, refusal, stopped } from './support/api.mts';
import { START_MS } from './support/virtualTime.mts';

const WINDOW = () => ({ from: START_MS, to: START_MS + 60_000 });

describe('the shared listing', () => {
	it('serves all who wait when it begins, and those who come later with the next one', async () => {
		const { api, time, requests } = createRig([
			ok({ items: [rawTask('a')] }),
			ok({ items: [] }),
			ok({ items: [rawTask('b')] }),
			ok({ items: [] }),
		]);
		const listing = new SharedListing();
		const first = listing.get(api, WINDOW);
		const later = [listing.get(api, WINDOW), listing.get(api, WINDOW)];
		const all = await time.run(Promise.all([first, ...later]));
		expect(all.map(({ tasks }) => tasks.map(({ id }) => id))).toEqual([['a'], ['b'], ['b']]);
		expect(requests).toHaveLength(4);
		expect(listing.isIdle).toBe(true);
	});

	it('tells its failure also those who came meanwhile', async () => {
		const { api, time, requests } = createRig([refusal(401)]);
		const listing = new SharedListing();
		const both = [listing.get(api, WINDOW), listing.get(api, WINDOW)].map(failureFrom);
		expect((await time.run(Promise.all(both))).map(({ kind }) => kind)).toEqual([
			'credential',
			'credential',
		]);
		expect(requests).toHaveLength(1);
	});

	it('keeps nothing of a run that was stopped', async () => {
		const { api, time, cancellation } = createRig((virtual) => [hang(virtual)]);
		const listing = new SharedListing();
		const ended = [settle(listing.get(api, WINDOW)), settle(listing.get(api, WINDOW))];
		void time.delay(1_000).then(() => cancellation.cancel(stopped()));
		expect((await time.run(Promise.all(ended))).map(({ ok: isOk }) => isOk)).toEqual([
			false,
			false,
		]);
		expect(listing.isIdle).toBe(true);
	});

	it('is made by another run when the one that makes it is stopped', async () => {
		const { api, time, cancellation } = createRig((virtual) => [
			hang(virtual),
			ok({ items: [rawTask('a')] }),
			ok({ items: [] }),
		]);
		const other = new Cancellation();
		const listing = new SharedListing();
		const ended = [settle(listing.get(api, WINDOW)), settle(listing.get(api, WINDOW))];
		const clock = time.clockFor(other);
		const served = listing.get({ ...api, clock, cancellation: other }, WINDOW);
		void time.delay(1_000).then(() => cancellation.cancel(stopped()));
		expect((await time.run(served)).tasks.map(({ id }) => id)).toEqual(['a']);
		expect((await Promise.all(ended)).map(({ ok: isOk }) => isOk)).toEqual([false, false]);
	});
});
