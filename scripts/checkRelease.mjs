/** Before a tag is published: it, package.json, the lock file and the changelog must speak of the same version. */
import { readFile } from 'node:fs/promises';

const tag = process.argv[2];
const read = async (name) => await readFile(new URL(`../${name}`, import.meta.url), 'utf8');
const { version } = JSON.parse(await read('package.json'));
const lock = JSON.parse(await read('package-lock.json'));
const changelog = await read('CHANGELOG.md');

const escaped = version.replaceAll('.', String.raw`\.`);
const problems = [
	...(tag === version ? [] : [`The tag is ${tag}, package.json says ${version}`]),
	...(lock.version === version ? [] : [`package-lock.json says ${lock.version}`]),
	...(new RegExp(`^## \\[${escaped}\\] - \\d{4}-\\d\\d-\\d\\d$`, 'm').test(changelog)
		? []
		: [`CHANGELOG.md has no section "## [${version}] - YYYY-MM-DD"`]),
];
for (const problem of problems) console.error(problem);
if (problems.length === 0) console.log(`Version ${version} is ready to be published.`);
process.exitCode = problems.length === 0 ? 0 : 1;
