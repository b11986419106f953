import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { CREDENTIAL_TYPE } from '../../scripts/n8n/examples.mts';
import { saveCredential, type CredentialInput } from '../../scripts/n8n/n8nCredentials.mts';
import { ensureN8n } from '../../scripts/n8n/n8nInstall.mts';
import { installCheckout } from '../../scripts/n8n/n8nPackages.mts';
import { startN8n, type N8nProcess } from '../../scripts/n8n/n8nProcess.mts';
import { logIn, type Login, type N8nSession } from '../../scripts/n8n/n8nRest.mts';
import { findFreePort } from '../../scripts/n8n/ports.mts';
import { startEmulator, type Emulator, type EmulatorOptions } from '../emulator/emulator.mts';

/** Jest's working directory is the repository's root. */
export const ROOT = process.cwd();
export const MEDIA = join(ROOT, 'test', 'media');

/** With an empty cache n8n is installed first. */
export const START_TIMEOUT_MS = 30 * 60_000;

/** A workflow that waits for a task, on a busy machine. */
export const RUN_TIMEOUT_MS = 120_000;

export const LOGIN: Login = { email: 'tester@example.com', password: 'Talking-portrait-1' };

/** A real n8n with the packed package in it, and the emulator, both empty at first. */
export interface Testbed {
	n8n: N8nProcess;
	session: N8nSession;
	emulator: Emulator;
	/** What a user types into the credential, with this key. */
	credentialInput: (apiKey?: string) => CredentialInput;
	saveCredential: () => ReturnType<typeof saveCredential>;
	/** Starts n8n again, after `n8n.kill()`, on the same port and with all that it has stored. */
	restart: () => Promise<void>;
	close: () => Promise<void>;
}

/** `readableFolders`: where workflows may read and write files, beside the sample media; `env`: n8n's settings. */
export async function startTestbed(
	emulatorOptions: EmulatorOptions = {},
	readableFolders: string[] = [],
	env: NodeJS.ProcessEnv = {},
): Promise<Testbed> {
	const stops: Array<() => Promise<unknown>> = [];
	const close = async () => {
		for (const stop of stops.reverse()) await stop();
	};
	try {
		const installation = await ensureN8n({ say: (text) => process.stderr.write(`${text}\n`) });
		const userFolder = await mkdtemp(join(tmpdir(), 'n8n-e2e-'));
		stops.push(() => rm(userFolder, { recursive: true, force: true, maxRetries: 5 }));
		await installCheckout(installation, ROOT, userFolder);
		const emulator = await startEmulator({ accountLevel: 'ultra', speed: 50, ...emulatorOptions });
		stops.push(() => emulator.close());
		const port = await findFreePort();
		const options = { userFolder, port, readableFolders: [MEDIA, ...readableFolders], env };
		let n8n = await startN8n(installation, options);
		stops.push(() => n8n.stop());
		const session = await logIn(n8n.url, LOGIN);
		const credentialInput = (apiKey = emulator.apiKey) => ({
			name: 'WaveSpeed (emulator)',
			type: CREDENTIAL_TYPE,
			data: { apiKey, baseUrl: emulator.url, accountLevel: 'ultra' },
		});
		const testbed: Testbed = {
			n8n,
			session,
			emulator,
			credentialInput,
			saveCredential: () => saveCredential(testbed.session, credentialInput()),
			async restart() {
				n8n = await startN8n(installation, options);
				testbed.n8n = n8n;
				testbed.session = await logIn(n8n.url, LOGIN);
			},
			close,
		};
		return testbed;
	} catch (error) {
		await close();
		throw error;
	}
}
