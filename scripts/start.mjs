import { spawnSync } from 'node:child_process';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The first steps of `npm start`: plain JavaScript, since nothing may be installed yet. The rest is in start/main.mts. */

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const OLDEST_NODE = [20, 19];

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1])) {
	console.error(
		`Node ${OLDEST_NODE.join('.')} or newer is needed; this is ${process.versions.node}. ` +
			'Install a current Node.js and run "npm start" again.',
	);
	process.exit(1);
}

const { ensureInstalled, npmCommand } = await import('./ensureInstalled.mjs');
ensureInstalled();

console.log('Building the package …');
const [command, args] = npmCommand(['run', 'build', '--silent']);
const build = spawnSync(command, args, { cwd: ROOT, encoding: 'utf8' });
if (build.status !== 0) {
	console.error(`${build.stdout}${build.stderr}\nThe build failed; its output is above.`);
	process.exit(1);
}

const { tsImport } = await import('tsx/esm/api');
const { main } = await tsImport('./start/main.mts', import.meta.url);
await main(ROOT, process.argv.slice(2));
