import type {
	IAuthenticateGeneric,
	Icon,
	ICredentialTestRequest,
	ICredentialType,
	INodeProperties,
} from 'n8n-workflow';

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
			description:
				'Make one at wavespeed.ai/accesskey. It works after the first top-up of the account.',
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

	authenticate: IAuthenticateGeneric = {
		type: 'generic',
		properties: { headers: { Authorization: '=Bearer {{$credentials.apiKey}}' } },
	};

	/**
	 * The cheapest request that needs a key. A base URL without encryption is turned into an address that doesn't
	 * exist, whose name says why, so that the key isn't sent readable over a network.
	 */
	test: ICredentialTestRequest = {
		request: {
			baseURL:
				'={{ /^(https:|http:\\/\\/(localhost|127\\.\\d+\\.\\d+\\.\\d+|\\[::1\\])(:|\\/|$))/i.test($credentials.baseUrl) ? $credentials.baseUrl.replace(/(\\/api\\/v3)?\\/*$/, "") : "https://base-url-must-start-with-https.invalid" }}',
			url: '/api/v3/balance',
		},
	};
}
