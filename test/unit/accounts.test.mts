import { Accounts } from '../../nodes/shared/account/accounts';

const accounts = new Accounts();
beforeEach(() => accounts.clear());

const open = (id: string, now: number) =>
	accounts.open({ id, level: 'bronze' }, now, Math.random);

test('the account of a credential is known for a minute after it was read', () => {
	const account = open('one', 0);
	accounts.remember('workflow 1', 'one', 0);
	expect(accounts.recall('workflow 1', 59_999)).toBe(account);
	expect(accounts.recall('workflow 1', 60_000)).toBeUndefined();
	expect(accounts.recall('workflow 2', 0)).toBeUndefined();
});

test('the account that was read last counts', () => {
	open('one', 0);
	const other = open('other', 0);
	accounts.remember('workflow 1', 'one', 0);
	accounts.remember('workflow 1', 'other', 10);
	expect(accounts.recall('workflow 1', 20)).toBe(other);
});

test('no more than a thousand are known, the latest ones', () => {
	const account = open('one', 0);
	for (let index = 0; index < 3_000; index += 1) accounts.remember(`workflow ${index}`, 'one', 0);
	const known = Array.from({ length: 3_000 }, (_, index) =>
		accounts.recall(`workflow ${index}`, 1),
	).filter((found) => found === account);
	expect(known).toHaveLength(1_000);
	expect(accounts.recall('workflow 2999', 1)).toBe(account);
});
