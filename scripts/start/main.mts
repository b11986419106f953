import { join } from 'node:path';

import { ensureN8n } from '../n8n/n8nInstall.mts';
import { installCheckout } from '../n8n/n8nPackages.mts';
import { startN8n } from '../n8n/n8nProcess.mts';
import { logIn } from '../n8n/n8nRest.mts';
import { findPortNear } from '../n8n/ports.mts';
import { copySamples } from '../n8n/sampleFiles.mts';
import { N8N_VERSION } from '../n8n/versions.mts';
import { startCompiler } from './compiler.mts';
import { importExamples } from './importExamples.mts';
import { runJob } from './job.mts';
import { writeSampleTables } from './sampleTables.mts';
import { openService } from './service.mts';
import { readSettings, type Settings } from './settings.mts';
import { createShutdown, type Shutdown } from './shutdown.mts';
import { openUserFolder } from './userFolder.mts';

const say = (text: string) => console.log(text);

async function startEverything(settings: Settings, shutdown: Shutdown): Promise<void> {
	const { signal } = shutdown;
	const installation = await ensureN8n({ cacheRoot: settings.cacheRoot, say, signal });
	const user = await openUserFolder(settings.cacheRoot, say);
	shutdown.add(user.release);
	const packageFolder = await installCheckout(installation, settings.root, user.path);
	const filesFolder = join(user.path, 'files');
	await copySamples(settings.mediaFolder, filesFolder);
	const { credential, sampleRows } = await openService(settings, filesFolder, shutdown, say);
	const port = await findPortNear(settings.preferredPort);
	if (port !== settings.preferredPort) {
		say(`Port ${settings.preferredPort} is in use; the editor takes ${port}.`);
	}

	say(`Starting n8n ${N8N_VERSION} …`);
	const readableFolders = [filesFolder];
	const n8n = await startN8n(installation, {
		userFolder: user.path,
		port,
		readableFolders,
		signal,
		// n8n's own switch; it watches the folders of the packages that it has loaded.
		...(settings.watch ? { env: { N8N_DEV_RELOAD: 'true' } } : {}),
	});
	shutdown.add(n8n.stop);
	const session = await logIn(n8n.url, user.login);
	await writeSampleTables(session, settings.root, sampleRows);
	const { id, workflow } = await importExamples(session, settings.root, filesFolder, credential);

	if (settings.watch) {
		shutdown.add(startCompiler(settings.root, packageFolder));
		say(
			`What you save in nodes/ and credentials/ is compiled, and loaded by n8n: reload the editor.`,
		);
	} else {
		say(`Running the example "${workflow.name}" …`);
		const job = runJob(session, id, workflow, settings.outputFolder, signal);
		const outcome = await job.catch((error: unknown) => {
			if (settings.once || signal.aborted) throw error;
			// The editor is what shows the reason best: leave it open.
			return describe(error);
		});
		if (typeof outcome === 'string') {
			say(`\nThe example failed: ${outcome}`);
		} else {
			say(`\nVideo URL:  ${outcome.videoUrl}\nVideo file: ${outcome.file}`);
		}
		if (settings.once) return;
	}
	say(
		`\nEditor:     ${n8n.url}/workflow/${id}\n` +
			`Log-in:     ${user.login.email}\nPassword:   ${user.login.password}\n` +
			'Its runs are in its tab Executions. All examples are under Workflows, with sample files and rows.\n' +
			'They are reset at every start; duplicate one to keep your changes.\n\n' +
			'Press Ctrl+C to stop.',
	);
	const reason = await Promise.race([n8n.ended, shutdown.requested]);
	if (reason !== undefined) throw new Error(`n8n ended (${reason}). Its log: ${n8n.logFile}`);
}

function describe(error: unknown): string {
	return error instanceof Error ? error.message : String(error);
}

export async function main(root: string, args: string[]): Promise<void> {
	const shutdown = createShutdown();
	let code = 0;
	try {
		const settings = readSettings(root, args);
		if (settings !== undefined) await startEverything(settings, shutdown);
	} catch (error) {
		// What was interrupted fails in its own words; the user knows why.
		if (!shutdown.signal.aborted) {
			console.error(`\n${describe(error)}`);
			code = 1;
		}
	}
	if (shutdown.signal.aborted) say('\nStopping …');
	await shutdown.run();
	process.exit(code);
}
