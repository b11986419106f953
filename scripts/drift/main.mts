/**
 * `npm run drift`: has WaveSpeed changed what it publishes about the model? Compares its pages with the copies in
 * scripts/drift/known/ and says where they differ. Needs no key.
 *
 *   --accept   takes the pages of today as the copies
 *   --issue    opens an issue where they differ (GITHUB_TOKEN, GITHUB_REPOSITORY), unless there is one
 *
 * DRIFT_BASE_URL names another site. Ends with 0: the same; 3: something differs; 1: a page can't be read.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { compareSources, KNOWN_FOLDER } from './compare.mts';
import { openIssue } from './issue.mts';

const ROOT = join(import.meta.dirname, '../..');

const { values } = parseArgs({
	options: { accept: { type: 'boolean' }, issue: { type: 'boolean' } },
});
const baseUrl = (process.env.DRIFT_BASE_URL ?? 'https://wavespeed.ai').replace(/\/+$/, '');
const { found, report, isUnreadable } = await compareSources(baseUrl, KNOWN_FOLDER);

if (values.accept) {
	await mkdir(KNOWN_FOLDER, { recursive: true });
	for (const { file, text } of found) await writeFile(join(KNOWN_FOLDER, file), text);
	console.log(`Taken as the copies: ${found.map(({ file }) => file).join(', ')}`);
	process.exit(isUnreadable ? 1 : 0);
}
if (report === '') {
	console.log('What WaveSpeed publishes about the model is what it was.');
	process.exit(0);
}
console.log(report);
await mkdir(join(ROOT, 'output'), { recursive: true });
await writeFile(join(ROOT, 'output', 'drift.md'), report);
if (values.issue)
	console.log(await openIssue('WaveSpeed has changed its description of the model', report));
process.exit(isUnreadable ? 1 : 3);
