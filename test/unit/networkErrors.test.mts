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

	describe('counts as not sent', () => {
		it.each([
			['a refused connection', { code: 'ECONNREFUSED', syscall: 'connect' }],
			['an unknown host', { code: 'ENOTFOUND', syscall: 'getaddrinfo' }],
			['an unreachable host, when connecting', { code: 'EHOSTUNREACH', syscall: 'connect' }],
			['a network that is away, when connecting', { code: 'ENETUNREACH', syscall: 'connect' }],
			['no answer to the connection', { code: 'ETIMEDOUT', syscall: 'connect' }],
			['no address left to connect from', { code: 'EADDRNOTAVAIL', syscall: 'connect' }],
			['no file left to connect with', { code: 'EMFILE', syscall: 'connect' }],
			['a certificate that has expired', { code: 'CERT_HAS_EXPIRED' }],
			['a certificate of its own', { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }],
			['a certificate of another host', { code: 'ERR_TLS_CERT_ALTNAME_INVALID' }],
			[
				'several addresses that all refused',
				{
					code: 'ETIMEDOUT',
					errors: [
						{ code: 'ETIMEDOUT', syscall: 'connect' },
						{ code: 'ECONNREFUSED', syscall: 'connect' },
					],
				},
			],
		])('%s', (_, error) => {
			expect(describeNetworkError(error, hideKey)).toMatchObject({ reason: 'notSent' });
			expect(describeNetworkError({ message: 'wrapped', cause: error }, hideKey)).toMatchObject({
				reason: 'notSent',
			});
		});
	});

	/** A submit that ends so may be paid for. */
	describe('counts as without a reply', () => {
		it.each([
			['an unreachable host, when reading', { code: 'EHOSTUNREACH', syscall: 'read' }],
			['a network that is away, when reading', { code: 'ENETUNREACH', syscall: 'read' }],
			['an unreachable host without a system call', { code: 'EHOSTUNREACH' }],
			['a connection that was cut off', { code: 'ECONNRESET', syscall: 'read' }],
			['a time-out when reading', { code: 'ETIMEDOUT', syscall: 'read' }],
			['a broken pipe', { code: 'EPIPE', syscall: 'write' }],
			['a broken secure connection', { code: 'EPROTO', syscall: 'write' }],
			['a damaged record', { code: 'ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC' }],
			['another protocol', { code: 'ERR_SSL_WRONG_VERSION_NUMBER' }],
			['a key that was renewed in vain', { code: 'ERR_TLS_RENEGOTIATION_DISABLED' }],
			['a full disk', { code: 'ENOSPC', syscall: 'write' }],
			['an answer that is no HTTP', { code: 'HPE_INVALID_CONSTANT' }],
			['what nobody knows', { code: 'EUNKNOWN' }],
			[
				'several addresses, one of which had a connection',
				{
					code: 'ECONNRESET',
					errors: [
						{ code: 'ECONNREFUSED', syscall: 'connect' },
						{ code: 'ECONNRESET', syscall: 'read' },
					],
				},
			],
		])('%s', (_, error) => {
			expect(describeNetworkError(error, hideKey)).toMatchObject({ reason: 'noReply' });
			expect(describeNetworkError({ message: 'wrapped', cause: error }, hideKey)).toMatchObject({
				reason: 'noReply',
			});
		});
	});
});
