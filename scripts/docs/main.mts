import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { writeErrors } from './errors.mts';
import { readImports, redraw } from './house.mts';

/**
 * `npm run docs`: writes anew every page that is made from the code. `-- --quick` leaves out those that take minutes.
 * The tests of the same pages fail where they are out of date.
 */

const root = fileURLToPath(new URL('../..', import.meta.url));
const require = createRequire(import.meta.url);

/** Pages that tests write, since they show what a run does: the fault matrix, and the fields in the editor. */
function runTests(project: string, pattern: string): void {
	const args = ['--selectProjects', project, '--testPathPatterns', pattern, '--runInBand'];
	const run = spawnSync(process.execPath, [require.resolve('jest/bin/jest'), ...args], {
		cwd: root,
		env: { ...process.env, UPDATE_DOCS: '1' },
		stdio: 'inherit',
	});
	if (run.status !== 0) process.exit(run.status ?? 1);
}

const contributing = join(root, 'CONTRIBUTING.md');
writeFileSync(join(root, 'docs', 'errors.md'), writeErrors());
writeFileSync(contributing, redraw(readFileSync(contributing, 'utf8'), readImports(root)));
if (!process.argv.includes('--quick')) {
	runTests('faults', 'test/faults');
	runTests('e2e', 'editorFields');
}
