/**
 * Refuses to publish while the names and addresses are placeholders, or while package.json, the lock file, the
 * changelog and the tag speak of different versions.
 *
 * `checkRelease.mjs`: before a release is prepared, when the version is still the old one.
 * `checkRelease.mjs --publish`, or with the tag: before it is uploaded.
 */
import { readFile } from 'node:fs/promises';

import { findNameProblems } from './projectNames.mjs';

const [argument] = process.argv.slice(2);
const tag = argument === '--publish' ? undefined : argument;
const read = async (name) => await readFile(new URL(`../${name}`, import.meta.url), 'utf8');
const { version } = JSON.parse(await read('package.json'));
const lock = JSON.parse(await read('package-lock.json'));
const changelog = await read('CHANGELOG.md');

const escaped = version.replaceAll('.', String.raw`\.`);
const hasSection = new RegExp(`^## \\[${escaped}\\] - \\d{4}-\\d\\d-\\d\\d$`, 'm').test(changelog);
const problems = [
	...(await findNameProblems()),
	...(tag === undefined || tag === version
		? []
		: [`The tag is ${tag}, package.json says ${version}`]),
	...(lock.version === version
		? []
		: [`package-lock.json says ${lock.version}, package.json ${version}`]),
	...(argument === undefined || hasSection
		? []
		: [`CHANGELOG.md has no section "## [${version}] - YYYY-MM-DD"`]),
];
for (const problem of problems) console.error(problem);
if (problems.length === 0) console.log(`Version ${version} is ready to be published.`);
process.exitCode = problems.length === 0 ? 0 : 1;
