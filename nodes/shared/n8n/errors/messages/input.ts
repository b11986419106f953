import { isRecord } from '../../../json';
import { shorten } from '../../../text';
import type { Site, Wanted } from '../failureFacts';
import type { Message, Messages } from './message';

/** Parameters, and what expressions give in their place. */
export const INPUT_MESSAGES: Messages<
	| 'resourceUnknown'
	| 'operationUnknown'
	| 'wrongValue'
	| 'notADate'
	| 'webhookUrlWrong'
	| 'taskIdWrong'
	| 'addressIsContent'
	| 'addressWrong'
	| 'addressIsPage'
> = {
	resourceUnknown: ({ resources }) => ({
		message: `"Resource" must be one of: ${resources.join(', ')}`,
		advice: 'Choose one in the list.',
	}),
	operationUnknown: ({ resource, operations }) => ({
		message: `"Operation" of the resource "${resource}" must be one of: ${operations.join(', ')}`,
		advice: 'Choose one in the list.',
	}),
	wrongValue: ({ label, isOption, wanted, given }) => ({
		message: `"${label}" must be ${describeWanted(wanted)}, not ${describeValue(given)}`,
		advice: isOption
			? 'Correct the option, or the expression in it, or delete the option.'
			: 'Correct the field, or the expression in it.',
	}),
	notADate: ({ label }) => ({
		message: `"${label}" is not a date and time`,
		advice: 'Choose one in the field, or use an expression such as {{ $now.minus(1, "day") }}.',
	}),
	webhookUrlWrong: ({ given }) => ({
		message: `"Webhook URL" is not a web address: ${shorten(given, MAX_ADDRESS_CHARS)}`,
		advice:
			'Enter an address that starts with https://, or {{ $execution.resumeUrl }} as an expression.',
	}),
	taskIdWrong: ({ label, given }) => ({
		message:
			given === ''
				? `"${label}" is empty`
				: `"${label}" is not the ID of a task: ${shorten(given, MAX_VALUE_CHARS)}`,
		advice:
			'Enter the ID of a task, or an expression that gives it, such as {{ $json.taskId }} after "Submit".',
	}),
	addressIsContent: ({ label, kind }) => ({
		message: `"${label}" is not a web address but the content of a file`,
		advice: `Put a Convert to File node before this one (operation "Move Base64 String to File"), and choose "Binary File" as the ${kind} source.`,
	}),
	addressWrong: ({ label, kind, given }) => ({
		message:
			given === ''
				? `"${label}" is empty`
				: `"${label}" is not a web address: ${shorten(given, MAX_ADDRESS_CHARS)}`,
		advice: `Enter a public address that starts with https:// or http://. For a file of the workflow choose "Binary File" as the ${kind} source.`,
	}),
	addressIsPage: ({ label, site }): Message => ({
		message: `"${label}" is the address of a page and not of a file (${site})`,
		advice: ADVICE_BY_SITE[site],
	}),
};

const MAX_VALUE_CHARS = 60;
const MAX_ADDRESS_CHARS = 100;

function describeWanted(wanted: Wanted): string {
	switch (wanted.what) {
		case 'text':
			return 'a text';
		case 'flag':
			return 'true or false';
		case 'options':
			return 'the list of options';
		case 'choice':
			return `one of: ${wanted.choices.join(', ')}`;
		case 'number': {
			const { isWhole, min, max } = wanted;
			const range = max === Infinity ? `of at least ${min}` : `from ${min} to ${max}`;
			return `${isWhole ? 'a whole number' : 'a number'} ${range}`;
		}
	}
}

function describeValue(value: unknown): string {
	if (value === undefined || value === null) return 'empty';
	if (typeof value === 'string' && value.trim() === '') return 'empty';
	if (Array.isArray(value)) return 'a list';
	if (isRecord(value)) return 'an object';
	return `"${shorten(String(value), MAX_VALUE_CHARS)}"`;
}

const byNode = (node: string, operation: string): string =>
	`Load the file with the ${node} node (operation "${operation}") and choose "Binary File" as the source here.`;
const DOWNLOAD_FIRST =
	'Download the file, or take it from where it was made, and hand it over as a "Binary File".';
const ownFile = (what: string): string =>
	`It shows ${what} in a player. Save it as a file of your own, and hand that over as a "Binary File".`;

const ADVICE_BY_SITE: Record<Site, string> = {
	'Google Drive': byNode('Google Drive', 'Download File'),
	'Google Docs': byNode('Google Drive', 'Download File'),
	'Google Photos': DOWNLOAD_FIRST,
	Dropbox: 'Replace dl=0 at the end of the address by raw=1, or add raw=1 to it.',
	OneDrive: byNode('Microsoft OneDrive', 'Download a File'),
	SharePoint: byNode('Microsoft SharePoint', 'Download a File'),
	Box: byNode('Box', 'Download a File'),
	iCloud: DOWNLOAD_FIRST,
	WeTransfer: DOWNLOAD_FIRST,
	MEGA: DOWNLOAD_FIRST,
	YouTube: ownFile('a video'),
	Vimeo: ownFile('a video'),
	Instagram: ownFile('a post'),
	TikTok: ownFile('a video'),
	Facebook: ownFile('a post'),
	X: ownFile('a post'),
	SoundCloud: ownFile('a recording'),
	Spotify: ownFile('a recording'),
	Loom: ownFile('a video'),
	GitHub: 'Add ?raw=true to the address.',
};
