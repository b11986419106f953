import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { tryLock } from '../n8n/lock.mts';
import type { Login } from '../n8n/n8nRest.mts';
import { textAt } from '../n8n/shape.mts';
import { N8N_VERSION } from '../n8n/versions.mts';
import { isRecord } from '../../nodes/shared/json';

export interface UserFolder {
	path: string;
	login: Login;
	release: () => Promise<void>;
}

/** Made once per folder: a password that stands in the source would open the editor to every user of this machine. */
async function readOrMakeLogin(folder: string): Promise<Login> {
	const file = join(folder, 'login.json');
	const known: unknown = JSON.parse(await readFile(file, 'utf8').catch(() => '{}'));
	const email = textAt(known, 'email');
	const password = textAt(known, 'password');
	if (isRecord(known) && email !== undefined && password !== undefined) return { email, password };
	// n8n wants a capital letter and a digit.
	const login = {
		email: 'owner@example.com',
		password: `Talk-${randomBytes(6).toString('hex')}-1`,
	};
	await writeFile(file, JSON.stringify(login), { mode: 0o600 });
	return login;
}

/**
 * The folder where n8n keeps its database: the same at every start, so that the user's workflows and log-in stay.
 * While another `npm start` has it, a temporary one.
 */
export async function openUserFolder(
	cacheRoot: string,
	say: (text: string) => void,
): Promise<UserFolder> {
	const lasting = join(cacheRoot, `user-n8n-${N8N_VERSION}`);
	const lock = await tryLock(`${lasting}.lock`);
	if ('release' in lock) {
		await mkdir(lasting, { recursive: true, mode: 0o700 });
		return { path: lasting, login: await readOrMakeLogin(lasting), release: lock.release };
	}
	say(
		`Another "npm start" (process ${lock.holder}) uses the usual workflows; this one begins with empty ones.`,
	);
	const path = await mkdtemp(join(tmpdir(), 'n8n-user-'));
	const release = () => rm(path, { recursive: true, force: true, maxRetries: 3 });
	return { path, login: await readOrMakeLogin(path), release };
}
