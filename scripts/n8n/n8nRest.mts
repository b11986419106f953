import axios, { type AxiosInstance, type AxiosResponse } from 'axios';

import { textAt, valueAt } from './shape.mts';
import { isRecord } from '../../nodes/shared/json';

/** n8n's REST API as the editor uses it, with one logged-in user. */
export interface N8nSession {
	url: string;
	http: AxiosInstance;
}

export interface Login {
	email: string;
	password: string;
}

/** n8n answered, but not with success. `message` is n8n's own text. */
export class N8nRequestError extends Error {
	constructor(
		readonly status: number,
		message: string,
	) {
		super(message);
	}
}

/** The `data` of an answer; n8n wraps each in an envelope. */
export function unwrap(answer: AxiosResponse<unknown>, what: string): unknown {
	if (answer.status >= 400) {
		const reason = textAt(answer.data, 'message') ?? `HTTP ${answer.status}`;
		throw new N8nRequestError(answer.status, `n8n: ${what} failed: ${reason}`);
	}
	return isRecord(answer.data) && 'data' in answer.data ? answer.data.data : answer.data;
}

export function createClient(url: string): AxiosInstance {
	return axios.create({
		baseURL: url,
		// A proxy of the user's can't know this machine's loopback.
		proxy: false,
		timeout: 60_000,
		validateStatus: () => true,
	});
}

/** Logs in as the owner; on a fresh n8n it first creates this account. */
export async function logIn(url: string, { email, password }: Login): Promise<N8nSession> {
	const http = createClient(url);
	const settings = unwrap(await http.get('/rest/settings'), 'reading the settings');
	const isFresh = valueAt(settings, 'userManagement', 'showSetupOnFirstLoad') === true;
	const answer = isFresh
		? await http.post('/rest/owner/setup', {
				...{ email, password, firstName: 'Talking', lastName: 'Portrait' },
			})
		: await http.post('/rest/login', { emailOrLdapLoginId: email, password });
	unwrap(answer, isFresh ? 'creating the owner account' : 'the log-in');
	const cookies = answer.headers['set-cookie'] ?? [];
	http.defaults.headers.common.cookie = cookies.map((cookie) => cookie.split(';')[0]).join('; ');
	return { url, http };
}

/** The names of all node types that this n8n knows. */
export async function listNodeTypes({ http }: N8nSession): Promise<string[]> {
	const types = unwrap(await http.get('/types/nodes.json'), 'listing the node types');
	const names = (Array.isArray(types) ? types : []).map((type: unknown) => textAt(type, 'name'));
	return names.filter((name) => name !== undefined);
}
