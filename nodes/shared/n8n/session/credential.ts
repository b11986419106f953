import { createHash } from 'node:crypto';

import { ACCOUNT_LIMITS, type AccountLevel } from '../../wavespeed/accountLevels';
import { DEFAULT_BASE_URL } from '../../wavespeed/endpoints';
import { fail } from '../../wavespeed/failures';
import type { NodeFunctions } from './callers';

export const CREDENTIAL_TYPE = 'waveSpeedApi';

export interface Connection {
	/** Without a slash at the end. */
	baseUrl: string;
	accountLevel: AccountLevel;
	/** Tells accounts apart without telling the key. */
	accountId: string;
	/** Takes the key out of a text that somebody may read. */
	hideKey: (text: string) => string;
}

/** What the node has to know of the credential. The key itself is put into requests by n8n. */
export async function readConnection(ctx: NodeFunctions): Promise<Connection> {
	const credential = await ctx.getCredentials(CREDENTIAL_TYPE);
	// As in the credential's own expression, which puts it into requests.
	const key = typeof credential.apiKey === 'string' ? credential.apiKey.trim() : '';
	if (!/^\S+$/.test(key)) {
		fail('credential', 'keyMalformed', {});
	}
	const level = String(credential.accountLevel ?? 'bronze');
	const baseUrl = checkBaseUrl(credential.baseUrl);
	return {
		baseUrl,
		accountId: createHash('sha256').update(`${baseUrl} ${key}`).digest('hex'),
		accountLevel: isAccountLevel(level) ? level : 'bronze',
		// A service, or a proxy before it, may repeat the request in its error page.
		hideKey: createHideKey(key),
	};
}

const isAccountLevel = (level: string): level is AccountLevel =>
	Object.hasOwn(ACCOUNT_LIMITS, level);

/** Also finds the key as JSON may write it: any character can stand there as `\\u0041` or behind a backslash. */
function createHideKey(key: string): Connection['hideKey'] {
	const escaped = new RegExp(key.split('').map(toJsonPattern).join(''), 'g');
	return (text) => {
		const hidden = text.split(key).join(HIDDEN_KEY);
		return hidden.includes('\\') ? hidden.replace(escaped, HIDDEN_KEY) : hidden;
	};
}

const HIDDEN_KEY = '[API key]';

function toJsonPattern(char: string): string {
	const hex = char.charCodeAt(0).toString(16).padStart(4, '0');
	const anyCase = hex.replace(/[a-f]/g, (digit) => `[${digit}${digit.toUpperCase()}]`);
	return `(?:\\\\u${anyCase}|\\\\?${char.replace(/[^\w]/, '\\$&')})`;
}

/** Plain HTTP would send the key readable over the network. */
const isLoopback = (host: string): boolean =>
	host === 'localhost' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host);

const hideUser = (url: string): string => url.replace(/[^/]*@/g, '…@');

function checkBaseUrl(value: unknown): string {
	const given = typeof value === 'string' && value.trim() !== '' ? value.trim() : DEFAULT_BASE_URL;
	const url = URL.canParse(given) ? new URL(given) : undefined;
	const isSafe =
		url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url.hostname));
	// What stands before an @, or behind ? and #, would be dropped: the host may not be the one that was meant.
	if (!url || !isSafe || !/^https?:\/\/[^/?#@\\\s][^?#@\\\s]*$/i.test(given)) {
		fail('credential', 'baseUrlWrong', { given: hideUser(given) });
	}
	// People paste the address from the API's docs, with its version.
	const path = url.pathname.replace(/\/+$/, '').replace(/\/api\/v3$/, '');
	return `${url.origin}${path}`;
}
