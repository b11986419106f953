import { testCredential } from '../../scripts/n8n/n8nCredentials.mts';
import { listNodeTypes } from '../../scripts/n8n/n8nRest.mts';
import { NODE_TYPE } from '../../scripts/n8n/examples.mts';
import { START_TIMEOUT_MS, startTestbed, type Testbed } from './testbed.mts';

describe('the packed package in a real n8n', () => {
	let testbed: Testbed;

	beforeAll(async () => {
		testbed = await startTestbed({ video: 'placeholder' });
	}, START_TIMEOUT_MS);
	afterAll(() => testbed?.close(), 60_000);

	it('brings its node, also as a tool for AI agents', async () => {
		const types = await listNodeTypes(testbed.session);
		expect(types).toContain(NODE_TYPE);
		expect(types).toContain(`${NODE_TYPE}Tool`);
	});

	it('tests the credential green with the right key', async () => {
		const reference = await testbed.saveCredential();
		const result = await testCredential(testbed.session, reference, testbed.credentialInput());
		expect(result).toMatchObject({ isGreen: true });
		expect(testbed.emulator.requests().map(({ path }) => path)).toContain('/api/v3/balance');
	}, 30_000);

	it('tests the credential red with a wrong key, which the message does not repeat', async () => {
		const reference = await testbed.saveCredential();
		const input = testbed.credentialInput('wrong-key-4711');
		const result = await testCredential(testbed.session, reference, input);
		expect(result.isGreen).toBe(false);
		expect(result.message).not.toBe('');
		expect(result.message).not.toContain('wrong-key-4711');
	}, 30_000);
});
