import { fail } from '../../wavespeed/failures';
import type { MediaKind } from '../../wavespeed/media/formats';
import type { Site } from '../errors/failureFacts';
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
		fail('invalidInput', 'addressIsContent', { label, kind }, inField);
	}
	const url = URL.canParse(address) ? new URL(address) : undefined;
	if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
		return fail('invalidInput', 'addressWrong', { label, kind, given: address }, inField);
	}
	const page = PAGES.find((candidate) => candidate.isPage(url));
	if (!page) return address;
	return fail('invalidInput', 'addressIsPage', { label, site: page.site }, inField);
}

interface PageRule {
	site: Site;
	isPage: (url: URL) => boolean;
}

const isAt = ({ hostname }: URL, ...hosts: string[]): boolean =>
	hosts.some((host) => hostname === host || hostname.endsWith(`.${host}`));

/**
 * Sites whose links people copy out of the browser. WaveSpeed would take such a task and fail it minutes later,
 * because it finds a page where the file should be. Their direct links pass.
 */
const PAGES: PageRule[] = [
	{
		site: 'Google Drive',
		isPage: (url) =>
			url.hostname === 'drive.google.com' && !/^\/(uc|thumbnail)\b/.test(url.pathname),
	},
	{
		site: 'Google Docs',
		isPage: (url) => url.hostname === 'docs.google.com' && !/\/(export|uc)\b/.test(url.pathname),
	},
	{
		site: 'Google Photos',
		isPage: (url) => isAt(url, 'photos.google.com', 'photos.app.goo.gl'),
	},
	{
		site: 'Dropbox',
		isPage: (url) =>
			['dropbox.com', 'www.dropbox.com'].includes(url.hostname) &&
			url.searchParams.get('dl') !== '1' &&
			!url.searchParams.has('raw'),
	},
	{
		site: 'OneDrive',
		isPage: (url) =>
			isAt(url, '1drv.ms') ||
			(url.hostname === 'onedrive.live.com' && !url.pathname.startsWith('/download')),
	},
	{
		site: 'SharePoint',
		isPage: (url) =>
			isAt(url, 'sharepoint.com') &&
			/^\/:[a-z]:\//.test(url.pathname) &&
			!url.searchParams.has('download'),
	},
	{
		site: 'Box',
		isPage: (url) =>
			['app.box.com', 'box.com', 'www.box.com'].includes(url.hostname) &&
			!url.pathname.startsWith('/shared/static/'),
	},
	{
		site: 'iCloud',
		isPage: (url) => isAt(url, 'icloud.com'),
	},
	{
		site: 'WeTransfer',
		isPage: (url) => isAt(url, 'we.tl') || /^(www\.)?wetransfer\.com$/.test(url.hostname),
	},
	{
		site: 'MEGA',
		isPage: (url) => isAt(url, 'mega.nz'),
	},
	{
		site: 'YouTube',
		isPage: (url) => isAt(url, 'youtube.com', 'youtu.be', 'youtube-nocookie.com'),
	},
	{
		site: 'Vimeo',
		isPage: (url) => /^(www\.)?vimeo\.com$/.test(url.hostname),
	},
	{
		site: 'Instagram',
		isPage: (url) => isAt(url, 'instagram.com'),
	},
	{
		site: 'TikTok',
		isPage: (url) => isAt(url, 'tiktok.com'),
	},
	{
		site: 'Facebook',
		isPage: (url) => isAt(url, 'facebook.com', 'fb.watch'),
	},
	{
		site: 'X',
		isPage: (url) => /^(www\.|mobile\.)?(x|twitter)\.com$/.test(url.hostname),
	},
	{
		site: 'SoundCloud',
		isPage: (url) => /^((www|m|on)\.)?soundcloud\.com$/.test(url.hostname),
	},
	{
		site: 'Spotify',
		isPage: (url) => url.hostname === 'open.spotify.com',
	},
	{
		site: 'Loom',
		isPage: (url) => /^(www\.)?loom\.com$/.test(url.hostname),
	},
	{
		site: 'GitHub',
		isPage: (url) =>
			url.hostname === 'github.com' &&
			url.pathname.includes('/blob/') &&
			!url.searchParams.has('raw'),
	},
];
