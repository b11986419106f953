import type {
	ICredentialDataDecryptedObject,
	ICredentialTestRequest,
	ICredentialType,
	INode,
} from 'n8n-workflow';

import { built, makeNode, nodeTypes, workflowPackage } from './harness/engine.mts';
import { makeRows, type Rig, startRig } from './harness/rig.mts';

/** n8n's test of the credential and the runs must agree on what they accept. What n8n makes of it is in test/e2e. */

const { WaveSpeedApi } = built<{ WaveSpeedApi: new () => ICredentialType }>(
	'credentials/WaveSpeedApi.credentials.js',
);
const type = new WaveSpeedApi();
const { request } = type.test as ICredentialTestRequest;

let rig: Rig;
beforeEach(async () => {
	rig = await startRig();
});
afterEach(async () => await rig.close());

function evaluate(expression: unknown, $credentials: ICredentialDataDecryptedObject): unknown {
	const node: INode = makeNode('Talk', 'test.passThrough', {});
	const workflow = new workflowPackage.Workflow({
		nodes: [node],
		connections: {},
		active: false,
		nodeTypes,
	});
	const keys = { $credentials } as never;
	return workflow.expression.getParameterValue(
		String(expression),
		null,
		0,
		0,
		'Talk',
		[],
		'internal',
		keys,
	);
}

const testAddress = (baseUrl: unknown): string =>
	String(evaluate(request.baseURL, { baseUrl } as ICredentialDataDecryptedObject));

/** Undefined if the node takes the base URL, which then isn't reachable here. */
async function refusalOfRun(baseUrl: string): Promise<string | undefined> {
	const credential = { ...rig.credential, baseUrl };
	// The ID is refused before anything is sent, but after the credential was read.
	const { error } = await rig.run({
		credential,
		parameters: { resource: 'task', operation: 'get', taskId: '..' },
	});
	return /base URL/.test(error?.message ?? '') ? error?.message : undefined;
}

const REFUSED = 'https://base-url-not-allowed.invalid';

test.each([
	['https://api.wavespeed.ai', 'https://api.wavespeed.ai'],
	['  https://api.wavespeed.ai/\n', 'https://api.wavespeed.ai'],
	['https://api.wavespeed.ai/api/v3', 'https://api.wavespeed.ai'],
	['https://api.wavespeed.ai/api/v3///', 'https://api.wavespeed.ai'],
	['https://proxy.example:8443/wavespeed/', 'https://proxy.example:8443/wavespeed'],
	['', 'https://api.wavespeed.ai'],
	['   ', 'https://api.wavespeed.ai'],
	['http://localhost:4010', 'http://localhost:4010'],
	['http://LOCALHOST', 'http://LOCALHOST'],
	['http://127.0.0.1:4010/', 'http://127.0.0.1:4010'],
	['http://[::1]:4010/api/v3', 'http://[::1]:4010'],
])('the base URL %j is taken by the test and by runs', async (baseUrl, expected) => {
	expect(testAddress(baseUrl)).toBe(expected);
	expect(evaluate(request.allowedDomains, { baseUrl })).toBe('');
	expect(await refusalOfRun(baseUrl)).toBeUndefined();
});

test.each([
	'http://api.wavespeed.ai',
	'http://localhost:4010@evil.example',
	'http://localhost@evil.example',
	'http://localhost.evil.example',
	'http://127.0.0.1.evil.example',
	'http://127.0.0.1:80:80',
	'http://evil.example/http://localhost',
	'http:///localhost',
	'https://api.wavespeed.ai@evil.example',
	'https://user:secret-word@api.wavespeed.ai',
	'https://api.wavespeed.ai?x=1',
	'https://api.wavespeed.ai/#x',
	'https://api.wavespeed.ai/ x',
	'https:\\\\evil.example',
	'https://evil.example\\@api.wavespeed.ai',
	'https:evil.example',
	'https://',
	'ftp://api.wavespeed.ai',
	'api.wavespeed.ai',
	'javascript:alert(1)',
])('the base URL %j is refused by the test and by runs', async (baseUrl) => {
	expect(testAddress(baseUrl)).toBe(REFUSED);
	expect(evaluate(request.allowedDomains, { baseUrl })).toMatch(/starts with https/);
	const refusal = await refusalOfRun(baseUrl);
	expect(refusal).toMatch(/can't be used/);
	expect(refusal).not.toContain('secret-word');
});

test.each(['the-key', ' \tthe-key\r\n'])(
	'white space around the key is ignored: %j',
	async (apiKey) => {
		const padded = apiKey.replace('the-key', rig.emulator.apiKey);
		const { items, error } = await rig.run({
			credential: { ...rig.credential, apiKey: padded },
			parameters: { resource: 'account', operation: 'getBalance' },
		});
		expect(error).toBeUndefined();
		expect(items).toHaveLength(1);
	},
);

test('a redirect of the test is not followed with the key', () => {
	expect(request).toMatchObject({
		disableFollowRedirect: true,
		sendCredentialsOnCrossOriginRedirect: false,
	});
});

test.each(['constructor', 'toString', '__proto__', 'platinum', ''])(
	'an account level that there is not, %j, counts as the lowest one',
	async (accountLevel) => {
		const credential = { ...rig.credential, accountLevel };
		const parameters = { resource: 'task', operation: 'submit' };
		const { items, error } = await rig.run({ credential, items: await makeRows(3), parameters });
		expect(error).toBeUndefined();
		expect(items).toHaveLength(3);
	},
);
