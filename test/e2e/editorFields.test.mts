import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { Browser, Page } from 'playwright-core';

import { openBrowser, openEditor } from './browser.mts';
import { addAllOptions, addNode, choose, listFields } from './editor.mts';
import {
	LOGIN,
	ROOT,
	RUN_TIMEOUT_MS,
	START_TIMEOUT_MS,
	startTestbed,
	type Testbed,
} from './testbed.mts';

/** What users see of each operation: `npm run docs` writes it anew, and the change is then looked at like any other. */
const FILE = join(ROOT, 'test', 'e2e', 'editorFields.md');
const isUpdate = process.env.UPDATE_DOCS === '1';

const HEAD = `# The fields in n8n's editor

Label · value, or _placeholder_ · hint, as seen by a user who adds the node from n8n's panel. Compared in each run of the
end-to-end tests; \`npm run docs\` writes it anew.
`;

type State = [title: string, reach: (page: Page) => Promise<unknown>];

const URL_SOURCES: State = [
	'with URLs',
	async (page) => {
		await choose(page, 'imageSource', 'URL');
		await choose(page, 'audioSource', 'URL');
	},
];
const PARKED: State = [
	'with Wait Mode "Parked"',
	async (page) => await choose(page, 'waitMode', 'Parked'),
];
const ALL_OPTIONS: State = ['with all options', addAllOptions];

const GENERATE = 'Make a talking video and wait for it';

/** Each operation by the name of its action, and the states of its panel, each reached from the one before. */
const OPERATIONS: Array<{ action: string; states: State[] }> = [
	{ action: GENERATE, states: [URL_SOURCES, PARKED, ALL_OPTIONS] },
	{
		action: 'Get the price of a talking video without making it',
		states: [URL_SOURCES, ALL_OPTIONS],
	},
	{ action: 'Start a video without waiting for it', states: [URL_SOURCES, ALL_OPTIONS] },
	{ action: 'Wait for a video that was started before', states: [PARKED, ALL_OPTIONS] },
	{ action: 'Check whether a started video is ready', states: [ALL_OPTIONS] },
	{
		action: 'Get many videos of the last 7 days',
		states: [['with all filters', addAllOptions]],
	},
	{ action: 'Delete a video from the service', states: [ALL_OPTIONS] },
	{ action: 'Get the money that is left on the account', states: [ALL_OPTIONS] },
	{ action: 'On task finished', states: [ALL_OPTIONS] },
];

/** The part of the document under the heading of an operation. */
const sectionOf = (document: string, action: string): string =>
	document.split('\n## ').find((section) => section.startsWith(`${action}\n`)) ?? '';

describe('the fields in the editor', () => {
	let testbed: Testbed;
	let browser: Browser;
	let page: Page;
	let known: string;
	const sections: string[] = [];

	beforeAll(async () => {
		known = await readFile(FILE, 'utf8').catch(() => '');
		browser = await openBrowser();
		testbed = await startTestbed({ video: 'placeholder' });
		await testbed.saveCredential();
		page = await openEditor(browser, testbed.n8n.url, LOGIN);
	}, START_TIMEOUT_MS);
	afterAll(async () => {
		if (isUpdate) await writeFile(FILE, [HEAD, ...sections].join('\n## '));
		await browser?.close();
		await testbed?.close();
	}, 60_000);

	it.each(OPERATIONS)(
		'"$action" asks for what it needs and nothing else',
		async ({ action, states }) => {
			await addNode(page, testbed.n8n.url, action);
			const parts = [`${action}\n\n${await listFields(page)}\n`];
			for (const [title, reach] of states) {
				await reach(page);
				parts.push(`### ${title}\n\n${await listFields(page)}\n`);
			}
			const section = parts.join('\n');
			sections.push(section);
			if (!isUpdate) expect(section.trim()).toBe(sectionOf(known, action).trim());
		},
		RUN_TIMEOUT_MS,
	);
});
