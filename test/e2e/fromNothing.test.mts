import { join } from 'node:path';

import type { Browser, Locator, Page } from 'playwright-core';

import { keepFailure, openBrowser, openEditor, openPage, searchNodes } from './browser.mts';
import { choose, NODE_NAME } from './editor.mts';
import { LOGIN, MEDIA, START_TIMEOUT_MS, startTestbed, type Testbed } from './testbed.mts';

/** Clicks for a dozen panels of the editor, on a busy machine. */
const CLICKS_TIMEOUT_MS = 10 * 60_000;

describe('a talking video, clicked together from nothing', () => {
	let testbed: Testbed;
	let browser: Browser;
	let page: Page;

	beforeAll(async () => {
		browser = await openBrowser();
		testbed = await startTestbed({ video: 'placeholder' });
		page = await openEditor(browser, testbed.n8n.url, LOGIN);
		page.setDefaultTimeout(60_000);
	}, START_TIMEOUT_MS);
	afterAll(async () => {
		await browser?.close();
		await testbed?.close();
	}, 60_000);

	const panel = (): Locator => page.getByTestId('node-parameters');
	const nodes = (name: string | RegExp): Locator =>
		page.getByTestId('canvas-node').filter({ hasText: name });

	/** Adds a node behind the one that was clicked last, by one of its actions where it has several. */
	async function add(words: string, name: string, action?: string): Promise<void> {
		const names = await searchNodes(page, words);
		// The list is drawn anew while it is searched.
		await page.waitForTimeout(1_500);
		await names.filter({ hasText: name }).first().click();
		if (action === undefined) return;
		const entry = names.filter({ hasText: action }).first();
		const actions = page.getByText(/^Actions \(\d+\)$/);
		await actions.or(entry).first().waitFor();
		if (!(await entry.isVisible())) await actions.click();
		await entry.click();
	}

	async function addBehind(node: Locator, ...what: Parameters<typeof add>): Promise<void> {
		await node.click();
		await page.keyboard.press('n');
		await add(...what);
		await panel().waitFor();
	}

	async function closePanel(): Promise<void> {
		// Escape would first leave the field that was typed into.
		await page.getByTestId('ndv-close-button').click();
		await panel().waitFor({ state: 'hidden' });
	}

	async function readFile(file: string, field: string): Promise<void> {
		const action = 'Read File(s) From Disk';
		await addBehind(nodes(/When clicking/), 'read/write', 'Read/Write Files from Disk', action);
		const type = async (name: string, text: string): Promise<void> =>
			await panel().getByTestId(`parameter-input-${name}`).locator('input').fill(text);
		await type('fileSelector', join(MEDIA, file));
		await panel().getByTestId('collection-parameter-add').click();
		const options = page.locator('.el-select-dropdown__item:visible');
		await options.filter({ hasText: 'Put Output File in Field' }).first().click();
		await type('dataPropertyName', field);
		await closePanel();
	}

	async function clickTogether(): Promise<void> {
		await testbed.saveCredential();
		await openPage(page, `${testbed.n8n.url}/workflow/new`);
		await add('manual', 'Manual Trigger');
		await nodes(/When clicking/).waitFor();
		await readFile('portrait.png', 'image');
		await readFile('speech.mp3', 'audio');
		const reads = nodes(/Read/);
		await addBehind(reads.nth(0), 'merge', 'Merge');
		await choose(page, 'mode', 'Combine');
		await choose(page, 'combineBy', 'Position');
		await closePanel();
		const from = reads.nth(1).getByTestId('canvas-node-output-handle').first();
		await from.dragTo(nodes('Merge').getByTestId('canvas-node-input-handle').nth(1));

		await addBehind(nodes('Merge'), 'talking', NODE_NAME, 'Make a talking video and wait for it');
		const nameOf = async (kind: string) =>
			await panel()
				.getByTestId(`parameter-input-${kind}BinaryPropertyName`)
				.locator('input')
				.inputValue();
		expect([await nameOf('image'), await nameOf('audio')]).toEqual(['', '']);
		await closePanel();
		await page.getByTestId('execute-workflow-button').click();
		await page.getByText('Workflow executed successfully').first().waitFor({ timeout: 120_000 });
	}

	it(
		'Read File, Read File, Merge, and this node with nothing filled in',
		async () => {
			const done = await clickTogether().then(
				() => undefined,
				(error: unknown) => ({ error }),
			);
			if (done !== undefined) {
				await keepFailure(browser, 'from nothing');
				throw done.error;
			}
			expect(testbed.emulator.tasks()).toEqual([expect.objectContaining({ status: 'completed' })]);
		},
		CLICKS_TIMEOUT_MS,
	);
});
