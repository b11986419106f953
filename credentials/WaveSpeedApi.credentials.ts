import type {
	IAuthenticate,
	IAuthenticateRuleResponseCode,
	IAuthenticateRuleResponseSuccessBody,
	Icon,
	ICredentialTestRequest,
	ICredentialType,
	INodeProperties,
} from 'n8n-workflow';

/** Text that was pasted may have white space around it; the node ignores it in the same way. */
const textOf = (field: string): string => `String($credentials.${field} ?? "").trim()`;

const BASE_URL = `(${textOf('baseUrl')} || "https://api.wavespeed.ai")`;

/**
 * As the node itself decides (`checkBaseUrl`): without encryption the key would be readable on the network, and a user
 * name before an @ makes one host look like another.
 */
const IS_SAFE = String.raw`/^(https:\/\/[^\s/?#@\\]+|http:\/\/(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?)(\/[^\s?#@\\]*)?$/i.test(${BASE_URL})`;

const codeRule = (value: number, message: string): IAuthenticateRuleResponseCode => ({
	type: 'responseCode',
	properties: { value, message },
});

const CHECK_BASE_URL = 'Check the base URL: there is no WaveSpeed API at this address.';
const TRY_LATER = 'WaveSpeed may have a passing problem: try again later.';

/** What n8n's test says in words of ours. n8n reads both kinds from one list, though its type allows one at a time. */
const RULES = [
	codeRule(
		401,
		"WaveSpeed doesn't accept the API key. Check the key; it works only after a first top-up of the account.",
	),
	codeRule(
		403,
		'WaveSpeed refuses this API key. Check the role of the key and the state of the account at WaveSpeed.',
	),
	codeRule(404, CHECK_BASE_URL),
	...[301, 302, 303, 307, 308].map((status) =>
		codeRule(
			status,
			'The address answers with a redirect, which is not followed so that the key goes nowhere else. Check the base URL.',
		),
	),
	codeRule(429, 'WaveSpeed answers "too many requests". Wait a minute, then test again.'),
	...[500, 502, 503, 504].map((status) => codeRule(status, TRY_LATER)),
	// Any server can answer 200, and a captive portal does so for every address.
	{
		type: 'responseSuccessBody',
		properties: { key: 'data.balance', value: undefined, message: CHECK_BASE_URL },
	} as IAuthenticateRuleResponseSuccessBody,
] as ICredentialTestRequest['rules'];

export class WaveSpeedApi implements ICredentialType {
	name = 'waveSpeedApi';

	displayName = 'WaveSpeed API';

	icon: Icon = {
		light: 'file:../icons/wavespeed.svg',
		dark: 'file:../icons/wavespeed.dark.svg',
	};

	documentationUrl =
		'https://github.com/n8n-nodes-wavespeed-speech-to-video/n8n-nodes-wavespeed-speech-to-video#credential';

	properties: INodeProperties[] = [
		{
			displayName: 'API Key',
			name: 'apiKey',
			type: 'string',
			typeOptions: { password: true },
			default: '',
			required: true,
			hint: 'Make one at wavespeed.ai/accesskey. It works after the first top-up of the account.',
		},
		{
			displayName: 'Base URL',
			name: 'baseUrl',
			type: 'string',
			default: 'https://api.wavespeed.ai',
			description:
				'Only to be changed for a proxy or the emulator. It must start with https://, except for this machine (http://localhost).',
		},
		{
			displayName: 'Account Level',
			name: 'accountLevel',
			type: 'options',
			default: 'bronze',
			options: [
				{ name: 'Bronze (New Accounts)', value: 'bronze' },
				{ name: 'Silver ($100 Topped Up)', value: 'silver' },
				{ name: 'Gold ($1,000 Topped Up)', value: 'gold' },
				{ name: 'Ultra ($10,000 Topped Up)', value: 'ultra' },
			],
			description: 'Sets how many videos are made side by side and how many are started per minute',
		},
	];

	/** No expression: for the first one in a request to a webhook n8n makes an engine of some 8 MB. */
	authenticate: IAuthenticate = async ({ apiKey }, request) =>
		await Promise.resolve({
			...request,
			headers: { ...request.headers, Authorization: `Bearer ${String(apiKey ?? '').trim()}` },
		});

	/** The cheapest request that needs a key. */
	test: ICredentialTestRequest = {
		request: {
			baseURL: `={{ ${IS_SAFE} ? ${BASE_URL}.replace(/\\/+$/, "").replace(/\\/api\\/v3$/, "") : "https://base-url-not-allowed.invalid" }}`,
			url: '/api/v3/balance',
			// n8n's helper would take the key along to another host.
			disableFollowRedirect: true,
			sendCredentialsOnCrossOriginRedirect: false,
			// Newer versions of n8n send nothing then and show these words; older ones don't find the address above.
			allowedDomains: `={{ ${IS_SAFE} ? "" : "those of a base URL that starts with https:// (http:// only for this machine, such as http://localhost:4010), without a user name, a question mark or a hash" }}`,
		},
		rules: RULES,
	};
}
