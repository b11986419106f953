import { shorten } from '../../text';
import { fail } from '../../wavespeed/failures';
import type { MediaKind } from '../../wavespeed/media/formats';
import { isEncoded } from './fieldMistakes';
import type { ParameterReader } from './parameters';

/** The address of a picture or a recording, as far as it can be checked without opening it. */

const LABELS = { image: 'Image URL', audio: 'Audio URL' } as const;

export function readWebAddress({ text }: ParameterReader, kind: MediaKind): string {
	const name = `${kind}Url`;
	const label = LABELS[kind];
	const address = text(name, label).trim();
	const inField = { details: { parameter: name } };
	if (isEncoded(address)) {
		fail(
			'invalidInput',
			`"${label}" is not a web address but the content of a file`,
			`Put a Convert to File node before this one (operation "Move Base64 String to File"), and choose "Binary File" as the ${kind} source.`,
			inField,
		);
	}
	const url = URL.canParse(address) ? new URL(address) : undefined;
	if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
		return fail(
			'invalidInput',
			address === ''
				? `"${label}" is empty`
				: `"${label}" is not a web address: ${shorten(address, 100)}`,
			`Enter a public address that starts with https:// or http://. For a file of the workflow choose "Binary File" as the ${kind} source.`,
			inField,
		);
	}
	const page = PAGES.find((candidate) => candidate.isPage(url));
	if (!page) return address;
	return fail(
		'invalidInput',
		`"${label}" is the address of a page and not of a file (${page.site})`,
		page.advice,
		inField,
	);
}

interface PageRule {
	site: string;
	isPage: (url: URL) => boolean;
	advice: string;
}

const isAt = ({ hostname }: URL, ...hosts: string[]): boolean =>
	hosts.some((host) => hostname === host || hostname.endsWith(`.${host}`));

const byNode = (node: string, operation: string): string =>
	`Load the file with the ${node} node (operation "${operation}") and choose "Binary File" as the source here.`;
const DOWNLOAD_FIRST =
	'Download the file, or take it from where it was made, and hand it over as a "Binary File".';
const ownFile = (what: string): string =>
	`It shows ${what} in a player. Save it as a file of your own, and hand that over as a "Binary File".`;

/**
 * Sites whose links people copy out of the browser. WaveSpeed would take such a task and fail it minutes later,
 * because it finds a page where the file should be. Their direct links pass.
 */
const PAGES: PageRule[] = [
	{
		site: 'Google Drive',
		isPage: (url) =>
			url.hostname === 'drive.google.com' && !/^\/(uc|thumbnail)\b/.test(url.pathname),
		advice: byNode('Google Drive', 'Download File'),
	},
	{
		site: 'Google Docs',
		isPage: (url) => url.hostname === 'docs.google.com' && !/\/(export|uc)\b/.test(url.pathname),
		advice: byNode('Google Drive', 'Download File'),
	},
	{
		site: 'Google Photos',
		isPage: (url) => isAt(url, 'photos.google.com', 'photos.app.goo.gl'),
		advice: DOWNLOAD_FIRST,
	},
	{
		site: 'Dropbox',
		isPage: (url) =>
			['dropbox.com', 'www.dropbox.com'].includes(url.hostname) &&
			url.searchParams.get('dl') !== '1' &&
			!url.searchParams.has('raw'),
		advice: 'Replace dl=0 at the end of the address by raw=1, or add raw=1 to it.',
	},
	{
		site: 'OneDrive',
		isPage: (url) =>
			isAt(url, '1drv.ms') ||
			(url.hostname === 'onedrive.live.com' && !url.pathname.startsWith('/download')),
		advice: byNode('Microsoft OneDrive', 'Download a File'),
	},
	{
		site: 'SharePoint',
		isPage: (url) =>
			isAt(url, 'sharepoint.com') &&
			/^\/:[a-z]:\//.test(url.pathname) &&
			!url.searchParams.has('download'),
		advice: byNode('Microsoft SharePoint', 'Download a File'),
	},
	{
		site: 'Box',
		isPage: (url) =>
			['app.box.com', 'box.com', 'www.box.com'].includes(url.hostname) &&
			!url.pathname.startsWith('/shared/static/'),
		advice: byNode('Box', 'Download a File'),
	},
	{
		site: 'iCloud',
		isPage: (url) => isAt(url, 'icloud.com'),
		advice: DOWNLOAD_FIRST,
	},
	{
		site: 'WeTransfer',
		isPage: (url) => isAt(url, 'we.tl') || /^(www\.)?wetransfer\.com$/.test(url.hostname),
		advice: DOWNLOAD_FIRST,
	},
	{
		site: 'MEGA',
		isPage: (url) => isAt(url, 'mega.nz'),
		advice: DOWNLOAD_FIRST,
	},
	{
		site: 'YouTube',
		isPage: (url) => isAt(url, 'youtube.com', 'youtu.be', 'youtube-nocookie.com'),
		advice: ownFile('a video'),
	},
	{
		site: 'Vimeo',
		isPage: (url) => /^(www\.)?vimeo\.com$/.test(url.hostname),
		advice: ownFile('a video'),
	},
	{
		site: 'Instagram',
		isPage: (url) => isAt(url, 'instagram.com'),
		advice: ownFile('a post'),
	},
	{
		site: 'TikTok',
		isPage: (url) => isAt(url, 'tiktok.com'),
		advice: ownFile('a video'),
	},
	{
		site: 'Facebook',
		isPage: (url) => isAt(url, 'facebook.com', 'fb.watch'),
		advice: ownFile('a post'),
	},
	{
		site: 'X',
		isPage: (url) => /^(www\.|mobile\.)?(x|twitter)\.com$/.test(url.hostname),
		advice: ownFile('a post'),
	},
	{
		site: 'SoundCloud',
		isPage: (url) => /^((www|m|on)\.)?soundcloud\.com$/.test(url.hostname),
		advice: ownFile('a recording'),
	},
	{
		site: 'Spotify',
		isPage: (url) => url.hostname === 'open.spotify.com',
		advice: ownFile('a recording'),
	},
	{
		site: 'Loom',
		isPage: (url) => /^(www\.)?loom\.com$/.test(url.hostname),
		advice: ownFile('a video'),
	},
	{
		site: 'GitHub',
		isPage: (url) =>
			url.hostname === 'github.com' &&
			url.pathname.includes('/blob/') &&
			!url.searchParams.has('raw'),
		advice: 'Add ?raw=true to the address.',
	},
];
