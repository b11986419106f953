import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';

import { END_WITH_PARENT, killGroup } from '../n8n/command.mts';

const require = createRequire(import.meta.url);

/**
 * Compiles what is saved from now on straight into the package that n8n has installed, and n8n loads it anew. Nothing is
 * written for code with mistakes. A new icon or search word needs `npm run dev` again.
 */
export function startCompiler(root: string, packageFolder: string): () => Promise<void> {
	const child = spawn(
		process.execPath,
		[
			...END_WITH_PARENT,
			require.resolve('typescript/bin/tsc'),
			...['--watch', '--preserveWatchOutput', '--noEmitOnError', '--pretty'],
			...['--outDir', join(packageFolder, 'dist')],
		],
		{ cwd: root, stdio: ['ignore', 'inherit', 'inherit'], detached: process.platform !== 'win32' },
	);
	return async () => {
		killGroup(child.pid, 'SIGTERM');
		await Promise.resolve();
	};
}
