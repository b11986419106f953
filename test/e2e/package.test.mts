import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { NODE_TYPE, prepareExample } from '../../scripts/n8n/examples.mts';
import { saveCredential, testCredential } from '../../scripts/n8n/n8nCredentials.mts';
import { outputItems, waitForExecution } from '../../scripts/n8n/n8nExecutions.mts';
import { listNodeTypes } from '../../scripts/n8n/n8nRest.mts';
import { runWorkflow, saveWorkflow } from '../../scripts/n8n/n8nWorkflows.mts';
import { chain } from './chainedWorkflow.mts';
import { MEDIA, START_TIMEOUT_MS, startTestbed, type Testbed } from './testbed.mts';

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

	const test = async (data: object) => {
		const reference = await testbed.saveCredential();
		const input = testbed.credentialInput();
		return await testCredential(testbed.session, reference, {
			...input,
			data: { ...input.data, ...data },
		});
	};

	it('tests the credential red with a wrong key, which the message does not repeat', async () => {
		const { isGreen, message } = await test({ apiKey: 'wrong-key-4711' });
		expect(isGreen).toBe(false);
		expect(message).toMatch(/^WaveSpeed doesn't accept the API key/);
		expect(message).not.toContain('wrong-key-4711');
	}, 30_000);

	it('ignores white space around the key and the base URL, in the test and in a run', async () => {
		const { apiKey, url } = testbed.emulator;
		const data = { apiKey: ` ${apiKey}\n`, baseUrl: `\t${url}/api/v3/ `, accountLevel: 'ultra' };
		expect(await test(data)).toMatchObject({ isGreen: true });
		const input = { ...testbed.credentialInput(), name: 'Padded', data };
		const credential = await saveCredential(testbed.session, input);
		const node = {
			name: 'List',
			type: NODE_TYPE,
			parameters: { resource: 'task', operation: 'getAll' },
		};
		const nodes = [{ name: 'Start', type: 'n8n-nodes-base.manualTrigger' }, node];
		const workflow = prepareExample(
			{ key: 'padded', workflow: chain('padded', nodes) },
			credential,
			MEDIA,
		);
		const id = await saveWorkflow(testbed.session, workflow);
		const execution = await waitForExecution(
			testbed.session,
			await runWorkflow(testbed.session, id, 'Start'),
			{ timeoutMs: 60_000 },
		);
		expect(execution.status).toBe('success');
	}, 90_000);

	it("lets n8n's own HTTP Request use the credential, for what this node does not offer", async () => {
		const types: unknown = (await testbed.session.http.get('/types/credentials.json')).data;
		// By this the editor knows that the credential can be chosen there.
		expect(types).toContainEqual(
			expect.objectContaining({ name: 'waveSpeedApi', authenticate: expect.anything() }),
		);
		const request = {
			...{ name: 'Ask', type: 'n8n-nodes-base.httpRequest', typeVersion: 4.2 },
			credentials: { waveSpeedApi: await testbed.saveCredential() },
			parameters: {
				url: `${testbed.emulator.url}/api/v3/balance`,
				authentication: 'predefinedCredentialType',
				nodeCredentialType: 'waveSpeedApi',
				options: {},
			},
		};
		const nodes = [{ name: 'Start', type: 'n8n-nodes-base.manualTrigger' }, request];
		const id = await saveWorkflow(testbed.session, chain('HTTP Request', nodes));
		const execution = await waitForExecution(
			testbed.session,
			await runWorkflow(testbed.session, id, 'Start'),
			{ timeoutMs: 60_000 },
		);
		expect(outputItems(execution, 'Ask')).toMatchObject([
			{ json: { data: { balance: expect.any(Number) } } },
		]);
	}, 90_000);

	it.each([
		'http://localhost:4010@evil.example',
		'http://api.wavespeed.ai',
		'https://api.wavespeed.ai@evil.example',
	])(
		'tests the base URL %s red, and sends nothing',
		async (baseUrl) => {
			const { isGreen, message } = await test({ baseUrl });
			expect(isGreen).toBe(false);
			expect(message).toMatch(/base URL that starts with https/);
		},
		30_000,
	);

	it.each([
		['a page', 200, 'text/html', '<html>Welcome</html>', /no WaveSpeed API at this address/],
		['JSON of another API', 200, 'application/json', '{"ok":true}', /no WaveSpeed API/],
		['an empty list', 200, 'application/json', '[]', /./],
		['nothing', 200, 'text/plain', '', /no WaveSpeed API/],
		['404', 404, 'application/json', '{}', /no WaveSpeed API/],
		['503', 503, 'application/json', '{}', /passing problem/],
		['a redirect', 302, 'text/plain', '', /redirect/],
	])(
		'tests the credential red where another server answers with %s',
		async (_what, status, contentType, body, words) => {
			const seen: (string | undefined)[] = [];
			const elsewhere = createServer((request, response) => {
				seen.push(request.headers.authorization);
				response.writeHead(200, { 'content-type': 'application/json' });
				response.end('{"data":{"balance":1}}');
			});
			const other = createServer((_request, response) => {
				const location = `http://127.0.0.1:${portOf(elsewhere)}/`;
				response.writeHead(status, { 'content-type': contentType, location });
				response.end(body);
			});
			try {
				for (const server of [elsewhere, other]) {
					await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
				}
				const answer = test({ baseUrl: `http://127.0.0.1:${portOf(other)}` });
				if (body === '[]') {
					// n8n itself fails over an empty list.
					expect(
						await answer.then(
							({ isGreen }) => isGreen,
							() => false,
						),
					).toBe(false);
				} else {
					expect(await answer).toMatchObject({
						isGreen: false,
						message: expect.stringMatching(words),
					});
				}
				expect(seen).toEqual([]);
			} finally {
				for (const server of [elsewhere, other]) server.close();
			}
		},
		30_000,
	);
});

const portOf = (server: Server): number => (server.address() as AddressInfo).port;
