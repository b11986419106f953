import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import {
	describe as toMessage,
	describeWhatToDo,
	MESSAGES,
} from '../../nodes/shared/n8n/errors/messages';
import { EXAMPLES } from '../../scripts/docs/errorExamples.mts';
import { makeExamples, writeErrors } from '../../scripts/docs/errors.mts';

describe('the page of error messages', () => {
	it('says what the code says (else: npm run docs)', async () => {
		const page = await readFile(join(process.cwd(), 'docs', 'errors.md'), 'utf8');
		expect(page).toBe(writeErrors());
	});

	it('has an example of every message', () => {
		expect(Object.keys(EXAMPLES).sort()).toEqual(Object.keys(MESSAGES).sort());
	});

	it('says for each error what to do', () => {
		for (const failure of makeExamples()) {
			if (failure.kind === 'abandoned' || failure.kind === 'parked') continue;
			const { message } = toMessage(failure);
			expect([message, describeWhatToDo(failure)]).toEqual([
				expect.stringMatching(/^["‹A-Z]/),
				expect.stringMatching(/(\.|\}\}|\.photo)$/),
			]);
		}
	});
});
