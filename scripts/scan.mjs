/**
 * The check that n8n runs on a published package before it verifies it, offline: sources and the compiled
 * files, with inline lint comments ignored.
 */
import {
	analyzePackage,
	SOURCE_FILE_PATTERNS,
} from '@n8n/scan-community-package/scanner/scanner.mjs';

const root = new URL('..', import.meta.url).pathname;
const parts = [
	['sources', SOURCE_FILE_PATTERNS],
	['dist', ['dist/**/*.js', 'package.json']],
];

let failed = false;
for (const [name, patterns] of parts) {
	const result = await analyzePackage(root, patterns);
	console.log(`verification scan of ${name}: ${result.passed ? 'passed' : 'FAILED'}`);
	if (!result.passed) console.log(result.details ?? result.message);
	// "No files found" counts as passed there, but here it means that nothing was checked.
	if (!result.passed || result.message) failed = true;
}
process.exitCode = failed ? 1 : 0;
