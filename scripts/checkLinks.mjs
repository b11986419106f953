/** Looks whether the files and headings exist that the Markdown files link to. Web addresses are left alone: this runs offline. */
import { execFile } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = fileURLToPath(new URL('..', import.meta.url));
const run = promisify(execFile);

/** What GitHub makes of a heading: lower case, hyphens for spaces, no punctuation; a repeated one gets a number. */
function anchorsOf(text) {
	const seen = new Map();
	const headings = withoutCode(text).matchAll(/^#{1,6}\s+(.+?)\s*#*$/gm);
	return new Set(
		[...headings].map(([, heading]) => {
			const plain = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
			const slug = plain.replaceAll(/[^\p{L}\p{N} _-]/gu, '').replaceAll(' ', '-');
			const count = seen.get(slug) ?? 0;
			seen.set(slug, count + 1);
			return count === 0 ? slug : `${slug}-${count}`;
		}),
	);
}

const withoutCode = (text) =>
	text.replaceAll(/^(```|~~~)[\s\S]*?^\1/gm, '').replaceAll(/`[^`\n]*`/g, 'code');

const { stdout } = await run(
	'git',
	['ls-files', '--cached', '--others', '--exclude-standard', '*.md'],
	{
		cwd: root,
	},
);
const files = stdout.trim().split('\n');
const problems = [];
let checked = 0;
for (const file of files) {
	const text = await readFile(path.join(root, file), 'utf8');
	const inline = [...withoutCode(text).matchAll(/\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)/g)];
	const html = [...withoutCode(text).matchAll(/(?:src|href)="([^"]+)"/g)];
	for (const [, link] of [...inline, ...html]) {
		if (/^[a-z][a-z+.-]*:/i.test(link)) continue;
		checked += 1;
		const [target, anchor] = link.split('#');
		const linked = target === '' ? file : path.join(path.dirname(file), decodeURI(target));
		const found = await stat(path.join(root, linked)).catch(() => undefined);
		if (!found) problems.push(`${file}: ${link} does not exist`);
		else if (anchor !== undefined && linked.endsWith('.md')) {
			const anchors = anchorsOf(await readFile(path.join(root, linked), 'utf8'));
			if (!anchors.has(decodeURI(anchor))) problems.push(`${file}: ${link} has no such heading`);
		}
	}
}
for (const problem of problems) console.error(problem);
console.log(
	`links: ${checked} in ${files.length} files: ${problems.length === 0 ? 'ok' : 'FAILED'}`,
);
process.exitCode = problems.length === 0 ? 0 : 1;
