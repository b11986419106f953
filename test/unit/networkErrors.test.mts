import { describeNetworkError } from '../../nodes/shared/n8n/http/networkErrors';

const hideKey = (text: string): string => text;
const CUT_OFF = {
	answered: false,
	reason: 'noReply',
	text: 'the connection was cut off before the answer came',
};

describe('a request that failed', () => {
	it.each([
		['the error itself', { code: 'ECONNRESET' }],
		['its cause, as in n8n 2.40', { cause: { cause: { code: 'ECONNRESET' } } }],
		[
			'the HTTP status, as in n8n 1.123',
			{ message: 'perhaps it is offline', httpCode: 'ECONNRESET' },
		],
	])('is recognised by the name of the network error in %s', (_, error) => {
		expect(describeNetworkError(error, hideKey)).toEqual(CUT_OFF);
	});

	it('is passed on if it has no such name, since it may be a mistake in the program', () => {
		const errors = [new TypeError('x is not a function'), { httpCode: '500' }];
		for (const error of errors) expect(() => describeNetworkError(error, hideKey)).toThrow();
	});
});
