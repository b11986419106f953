/**
 * Shows what `npm publish` would upload, and refuses what must not be in it. What n8n loads must be there, and nothing
 * that a user has no use for: no tests, no build leftovers, no files of the person who publishes.
 */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

const root = new URL('..', import.meta.url);
const run = promisify(execFile);

const ALLOWED = [
	/^(LICENSE|README\.md|package\.json)$/,
	/^dist\/(nodes|credentials)\/.+\.js$/,
	/^dist\/nodes\/.+\.node\.json$/,
	/^dist\/icons\/[\w.]+\.svg$/,
];
/** The node's own code is about 100 kB; much more than that means that something else has slipped in. */
const LARGEST_BYTES = 150_000;

const manifest = JSON.parse(await readFile(new URL('package.json', root), 'utf8'));
const { stdout } = await run('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
	cwd: root,
	shell: process.platform === 'win32',
});
const [tarball] = JSON.parse(stdout);
const paths = tarball.files.map(({ path }) => path).sort();
if (process.argv.includes('--list')) console.log(paths.join('\n'));

const needed = [...manifest.n8n.nodes, ...manifest.n8n.credentials];
const problems = [
	...paths
		.filter((path) => !ALLOWED.some((pattern) => pattern.test(path)))
		.map((path) => `${path} must not be published`),
	...needed.filter((path) => !paths.includes(path)).map((path) => `${path} is missing`),
	...(tarball.size > LARGEST_BYTES ? [`${tarball.size} bytes are too many`] : []),
	...Object.keys(manifest.dependencies ?? {}).map((name) => `${name} is a run-time dependency`),
	...['preinstall', 'install', 'postinstall', 'prepare']
		.filter((name) => name in manifest.scripts)
		.map((name) => `package.json has a script "${name}"`),
];
for (const problem of problems) console.error(problem);
console.log(
	`tarball: ${paths.length} files, ${(tarball.size / 1000).toFixed(1)} kB: ${problems.length === 0 ? 'ok' : 'FAILED'}`,
);
process.exitCode = problems.length === 0 ? 0 : 1;
