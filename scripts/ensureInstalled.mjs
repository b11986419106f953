import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Makes `node_modules` match `package-lock.json`, so that the documented commands work on a fresh clone.
 * Plain JavaScript without imports from packages: this runs before anything is installed.
 */

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const STAMP = join(ROOT, 'node_modules', '.installed-from');

/** npm's own JavaScript, run by this Node, works on every platform; a bare `npm` needs a shell on Windows. */
export function npmCommand(args) {
	const beside = join(dirname(process.execPath), '../lib/node_modules/npm/bin/npm-cli.js');
	const cli = [process.env.npm_execpath, beside].find(
		(path) => path && path.endsWith('npm-cli.js') && existsSync(path),
	);
	return cli ? [process.execPath, [cli, ...args]] : ['npm', args];
}

function lockHash() {
	return createHash('sha256')
		.update(readFileSync(join(ROOT, 'package-lock.json')))
		.digest('hex');
}

function isCurrent() {
	if (existsSync(STAMP)) return readFileSync(STAMP, 'utf8') === lockHash();
	// Somebody ran `npm ci` by hand: npm leaves a copy of the lock file that it installed from.
	const hidden = join(ROOT, 'node_modules', '.package-lock.json');
	return (
		existsSync(hidden) &&
		statSync(hidden).mtimeMs >= statSync(join(ROOT, 'package-lock.json')).mtimeMs
	);
}

/** Some npm versions drop the executable bit of files that a package doesn't list as commands. */
function makeBinariesExecutable() {
	for (const [scope, name] of [
		['@ffmpeg-installer', 'ffmpeg'],
		['@ffprobe-installer', 'ffprobe'],
	]) {
		const folder = join(ROOT, 'node_modules', scope);
		if (!existsSync(folder)) continue;
		for (const platform of readdirSync(folder)) {
			const binary = join(folder, platform, name);
			if (existsSync(binary) && statSync(binary).isFile()) chmodSync(binary, 0o755);
		}
	}
}

export function ensureInstalled() {
	if (!isCurrent()) {
		console.log('Installing the development packages (npm ci), about a minute …');
		// Warnings about packages of n8n that would like a newer Node.js than they need look like a failure.
		const quiet = ['--no-audit', '--no-fund', '--loglevel=error'];
		const [command, args] = npmCommand(['ci', '--ignore-scripts', ...quiet]);
		const { status } = spawnSync(command, args, { cwd: ROOT, stdio: 'inherit' });
		if (status !== 0) {
			console.error('npm ci failed; its own message is above.');
			process.exit(1);
		}
	}
	writeFileSync(STAMP, lockHash());
	makeBinariesExecutable();
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url))
	ensureInstalled();
