import { ACCOUNT_LIMITS } from '../../nodes/shared/wavespeed/accountLevels';

describe('the limits of the account levels', () => {
	it('are those of the docs', () => {
		expect(ACCOUNT_LIMITS).toEqual({
			bronze: { tasksInFlight: 2, submitsPerMinute: 2 },
			silver: { tasksInFlight: 300, submitsPerMinute: 500 },
			gold: { tasksInFlight: 3000, submitsPerMinute: 3000 },
			ultra: { tasksInFlight: 10_000, submitsPerMinute: 5000 },
		});
	});
});
