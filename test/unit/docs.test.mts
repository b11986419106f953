import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { readErrorMessages, toMarkdown } from '../../scripts/docs/errorMessages.mts';

const ROOT = process.cwd();

describe('the page of error messages', () => {
	it('says what the code says (else: npm run docs)', async () => {
		const page = await readFile(join(ROOT, 'docs', 'errors.md'), 'utf8');
		expect(page).toBe(toMarkdown(await readErrorMessages(ROOT)));
	});

	it('says for each error what to do', async () => {
		for (const { message, advice } of await readErrorMessages(ROOT)) {
			expect([message, advice]).toEqual([
				expect.stringMatching(/^["‹A-Z]/),
				expect.stringMatching(/\.$/),
			]);
		}
	});
});
