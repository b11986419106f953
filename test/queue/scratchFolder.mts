import { spawn } from 'node:child_process';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface ScratchFolder {
	path: string;
	remove: () => Promise<void>;
}

/**
 * Jest runs no clean-up on Ctrl+C: this one waits for the end of its input, which is the end of whoever started it. An n8n that
 * is just starting notices some seconds later that its parent is gone, and writes until then.
 */
const REMOVE_LATER = 'cat >/dev/null; sleep 30; rm -rf "$1"';

/** A folder that is gone afterwards, also after Ctrl+C or SIGKILL. */
export async function makeScratchFolder(prefix: string): Promise<ScratchFolder> {
	const path = await mkdtemp(join(tmpdir(), prefix));
	// PostgreSQL has a user of its own, and its folder is in this one.
	await chmod(path, 0o711);
	const cleaner = spawn('sh', ['-c', REMOVE_LATER, 'sh', path], {
		detached: true,
		stdio: ['pipe', 'ignore', 'ignore'],
	});
	return {
		path,
		async remove() {
			await rm(path, { recursive: true, force: true, maxRetries: 5 });
			const ended = new Promise((resolve) => cleaner.once('exit', resolve));
			cleaner.kill('SIGKILL');
			cleaner.stdin.destroy();
			await ended;
		},
	};
}
