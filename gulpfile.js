'use strict';

const { execFile } = require('node:child_process');
const { rm } = require('node:fs/promises');
const { promisify } = require('node:util');
const { dest, parallel, series, src } = require('gulp');

const run = promisify(execFile);

/** An old build must not leak into the package: files that were renamed or deleted would be shipped. */
const clean = () => rm('dist', { recursive: true, force: true });

/** tsc prints its findings on standard output, so a failing build shows them instead of a bare exit code. */
async function compile() {
	const outcome = await run(process.execPath, [require.resolve('typescript/bin/tsc')]).then(
		() => ({ ok: true }),
		(error) => ({ ok: false, text: error.stdout || error.message }),
	);
	if (!outcome.ok) throw new Error(`The TypeScript compiler found problems:\n${outcome.text}`);
}

/** Icons are named relative to the compiled node, `file:../../icons/…`, so the folder keeps its place in dist. */
const icons = () => src('icons/*.svg', { encoding: false }).pipe(dest('dist/icons'));

/** n8n finds the search words of a node in `<Name>.node.json` beside the compiled file. */
const codex = () => src('nodes/**/*.node.json').pipe(dest('dist/nodes'));

exports.clean = clean;
exports.build = series(clean, parallel(compile, icons, codex));
exports.default = exports.build;
