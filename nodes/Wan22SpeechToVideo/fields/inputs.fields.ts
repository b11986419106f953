import type { INodeProperties } from 'n8n-workflow';

/** Of the model's page at WaveSpeed. A price without its date is a promise that nobody keeps. */
const PRICES =
	'USD 0.03 for each second of the recording at 480p, 0.06 at 720p, at least 3 seconds (November 2026)';

/** Where a file comes from. A model can't hand over files, so for a tool it is the URL that it sees and fills. */
const sourceFields = (displayName: string, name: string, what: string): INodeProperties[] => {
	const field: INodeProperties = {
		displayName,
		name,
		type: 'options',
		default: 'binary',
		options: [
			{ name: 'Binary File', value: 'binary', description: 'A file that this workflow has loaded' },
			{ name: 'URL', value: 'url', description: 'A public web address that WaveSpeed can open' },
		],
		description: `Where ${what} comes from`,
	};
	return [
		{ ...field, displayOptions: { hide: { '@tool': [true] } } },
		{
			...field,
			default: 'url',
			displayOptions: { show: { '@tool': [true] } },
			description: `Where ${what} comes from. An AI agent hands no files to its tools, only texts: leave it on URL, and let the model fill in the address.`,
		},
	];
};

/** What Generate, Get Price and Submit ask for. */
export const inputFields: INodeProperties[] = [
	{
		displayName:
			'An AI agent hands no files to its tools, only texts: click the button with the stars beside both addresses, and the model fills them in. Each call that makes a video is paid for; limit it with the option "Max Cost per Video".',
		name: 'toolNotice',
		type: 'notice',
		default: '',
		displayOptions: { show: { '@tool': [true] } },
	},
	...sourceFields('Image Source', 'imageSource', 'the picture of the speaker'),
	{
		displayName: 'Image Input Data Field Name',
		name: 'imageBinaryPropertyName',
		type: 'string',
		default: '',
		// Another one than that of the recording: two files that are both called "data" don't get through a Merge.
		placeholder: 'e.g. photo',
		displayOptions: { show: { imageSource: ['binary'] } },
		hint: 'Leave it empty to take the only picture of the item. Files that come from two nodes have to be merged into one item first (Merge: Combine by Position). JPG, PNG, WebP, GIF, BMP or TIFF, at most 200 MB.',
		description:
			'The name of the field that holds the picture, such as "photo"; it can stay empty if the item has only one picture. To use the file of an earlier node, enter an expression such as <code>{{ $("Read File").item.binary.data }}</code>.',
	},
	{
		displayName: 'Image URL',
		name: 'imageUrl',
		type: 'string',
		default: '',
		required: true,
		placeholder: 'e.g. https://example.com/portrait.png',
		displayOptions: { show: { imageSource: ['url'] } },
		description: 'The public web address of the picture. WaveSpeed loads it from there.',
	},
	...sourceFields('Audio Source', 'audioSource', 'the voice recording'),
	{
		displayName: 'Audio Input Data Field Name',
		name: 'audioBinaryPropertyName',
		type: 'string',
		default: '',
		placeholder: 'e.g. voice',
		displayOptions: { show: { audioSource: ['binary'] } },
		hint: 'Leave it empty to take the only recording of the item. Files that come from two nodes have to be merged into one item first (Merge: Combine by Position). MP3, WAV, OGG, AAC, FLAC, WebM, M4A or Opus, at most 200 MB.',
		description:
			'The name of the field that holds the recording, such as "voice"; it can stay empty if the item has only one recording. To use the file of an earlier node, enter an expression such as <code>{{ $("Text to Speech").item.binary.data }}</code>.',
	},
	{
		displayName: 'Audio URL',
		name: 'audioUrl',
		type: 'string',
		default: '',
		required: true,
		placeholder: 'e.g. https://example.com/speech.mp3',
		displayOptions: { show: { audioSource: ['url'] } },
		description: 'The public web address of the recording. WaveSpeed loads it from there.',
	},
	{
		displayName: 'Prompt',
		name: 'prompt',
		type: 'string',
		typeOptions: { rows: 3 },
		default: '',
		placeholder: 'e.g. A woman speaks calmly to the camera in a bright office',
		description: 'Describes scene, pose and behavior. It can stay empty.',
	},
	{
		displayName: 'Resolution',
		name: 'resolution',
		type: 'options',
		default: '480p',
		options: [
			{ name: '480p', value: '480p' },
			{ name: '720p (Twice the Price)', value: '720p' },
		],
		hint: PRICES,
		description:
			'The size of the video. Its length follows the recording, its shape the picture. The operation "Get Price" gives the price of exactly your inputs.',
	},
	{
		displayName: 'Seed',
		name: 'seed',
		type: 'number',
		typeOptions: { minValue: -1, maxValue: 2147483647, numberPrecision: 0 },
		default: -1,
		description:
			'The same seed with the same inputs gives the same video. With -1 one is drawn for each video and reported in the output, so that a good video can be made again.',
	},
];
