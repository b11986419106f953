import { Cancellation } from '../../nodes/shared/async/cancellation';
import { AccountPlace } from '../../nodes/shared/batch/accountPlace';
import { createBatchRig } from './support/batchRig.mts';

describe('a row’s place at the account', () => {
	const createScene = () => {
		const { account, start } = createBatchRig();
		account.places.resize(1);
		const { batch } = start([]);
		return { account, createPlace: () => new AccountPlace(batch) };
	};

	it('is one, however often it is taken', async () => {
		const { account, createPlace } = createScene();
		const place = createPlace();
		await place.take();
		await place.take();
		expect(account.places.isFull).toBe(true);
		place.giveBack();
		expect(account.places.isIdle).toBe(true);
	});

	it('is not waited for any more by who leaves the line', async () => {
		const { account, createPlace } = createScene();
		const [first, second, third] = [createPlace(), createPlace(), createPlace()];
		await first.take();
		const left = new Cancellation();
		const taking = second.take(false, left);
		const last = third.take();
		left.cancel(new Error('not needed'));
		await expect(taking).rejects.toThrow('not needed');
		first.giveBack();
		await last;
		third.giveBack();
		expect(account.places.isIdle).toBe(true);
	});
});
