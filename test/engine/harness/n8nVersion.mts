import { readFileSync } from 'node:fs';
import path from 'node:path';

/** The n8n whose engine the tests run in: that of this package's devDependencies, or the one of `npm run test:compat`. */
const folder = process.env.COMPAT_N8N_FOLDER;
const manifest = folder
	? path.join(folder, 'node_modules/n8n/package.json')
	: path.join(__dirname, '../../../node_modules/n8n-core/package.json');
export const n8nVersion = (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string })
	.version;

export const isAtLeast = (version: string): boolean =>
	n8nVersion.localeCompare(version, undefined, { numeric: true }) >= 0;

/**
 * `test`, for what n8n itself can do only since this version. In an older one the test is skipped, and its title says what
 * is missing: `npm run test:compat` counts these and writes the reasons into docs/compatibility.md.
 */
export function testSince(version: string, missing: string): jest.It {
	if (isAtLeast(version)) return test;
	const mark = (title: string): string => `${title} [skipped before n8n ${version}: ${missing}]`;
	const skip = (title: string, work: jest.ProvidesCallback) => test.skip(mark(title), work);
	const each = (table: readonly unknown[]) => (title: string, work: () => Promise<void>) =>
		test.skip.each(table as never[])(mark(title), work);
	return Object.assign(skip, { each }) as unknown as jest.It;
}
