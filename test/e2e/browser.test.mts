import { join } from 'node:path';

import type { Browser, Page } from 'playwright-core';

import {
	findNodeName,
	NODE_TYPE,
	prepareExample,
	readExamples,
} from '../../scripts/n8n/examples.mts';
import { activateWorkflow, saveWorkflow, type Workflow } from '../../scripts/n8n/n8nWorkflows.mts';
import { textAt } from '../../scripts/n8n/shape.mts';
import {
	keepFailure,
	keepScreenshot,
	openBrowser,
	openEditor,
	openPage,
	searchNodes,
} from './browser.mts';
import { addNode, NODE_NAME } from './editor.mts';
import {
	LOGIN,
	MEDIA,
	RUN_TIMEOUT_MS,
	START_TIMEOUT_MS,
	startTestbed,
	type Testbed,
} from './testbed.mts';
import { probeMedia } from './videoFile.mts';

describe('the editor, as a new user meets it', () => {
	let testbed: Testbed;
	let browser: Browser;
	let page: Page;

	beforeAll(async () => {
		browser = await openBrowser();
		testbed = await startTestbed();
		page = await openEditor(browser, testbed.n8n.url, LOGIN);
	}, START_TIMEOUT_MS);
	afterAll(async () => {
		await browser?.close();
		await testbed?.close();
	}, 60_000);

	/** A test that leaves a picture of the page when it fails. */
	function inBrowser(title: string, body: () => Promise<void>): void {
		it(
			title,
			async () => {
				const failure = await body().then(
					() => undefined,
					(error: unknown) => ({ error }),
				);
				if (failure === undefined) return;
				await keepFailure(browser, title);
				throw failure.error;
			},
			RUN_TIMEOUT_MS,
		);
	}

	async function importExample(key: string): Promise<{ id: string; workflow: Workflow }> {
		const example = (await readExamples(process.cwd())).find((found) => found.key === key);
		if (example === undefined) throw new Error(`examples/${key}.json is missing`);
		const workflow = prepareExample(example, await testbed.saveCredential(), MEDIA);
		return { id: await saveWorkflow(testbed.session, workflow), workflow };
	}

	const addGenerate = async () =>
		await addNode(page, testbed.n8n.url, 'Make a talking video and wait for it');

	for (const words of ['talking', 'avatar', 'lip sync']) {
		inBrowser(`finds the node by typing "${words}"`, async () => {
			await openPage(page, `${testbed.n8n.url}/workflow/new`);
			const names = await searchNodes(page, words);
			await names.filter({ hasText: NODE_NAME }).first().waitFor();
			expect(await names.first().innerText()).toBe(NODE_NAME);
		});
	}

	inBrowser('asks for nothing but a credential when the node is added', async () => {
		const panel = await addGenerate();
		const valueOf = (name: string) =>
			panel.getByTestId(`parameter-input-${name}`).locator('input').inputValue();
		expect(await valueOf('operation')).toBe('Generate');
		expect(await valueOf('imageBinaryPropertyName')).toBe('');
		expect(await valueOf('audioBinaryPropertyName')).toBe('');
		// n8n marks every field that must still be filled.
		expect(await panel.getByTestId('parameter-issues').count()).toBe(0);
	});

	inBrowser('shows the credential red with a wrong key and green with the right one', async () => {
		const panel = await addGenerate();
		await panel.getByRole('button', { name: 'Connect to WaveSpeed' }).click();
		const dialog = page.getByTestId('editCredential-modal');
		const fill = (name: string, value: string) =>
			dialog.getByTestId(`parameter-input-${name}`).locator('input').fill(value);
		await fill('baseUrl', testbed.emulator.url);
		await fill('apiKey', 'wrong-key');
		await dialog.getByTestId('credential-save-button').click();
		await dialog.getByText('Couldn’t connect with these settings').waitFor();

		// With the right key n8n closes the dialog by itself; opened again it shows what it found.
		await fill('apiKey', testbed.emulator.apiKey);
		await dialog.getByTestId('credential-save-button').click();
		await dialog.waitFor({ state: 'hidden' });
		await page.getByTestId('credential-edit-button').click();
		await dialog.getByText('Connection tested successfully').waitFor();
		expect(await page.getByTestId('node-issues').count()).toBe(0);
	});

	inBrowser('runs the example and plays its video', async () => {
		const { id, workflow } = await importExample('talking-portrait');
		await openPage(page, `${testbed.n8n.url}/workflow/${id}`);
		await page.getByTestId('execute-workflow-button').click();
		await page.getByText('Workflow executed successfully').first().waitFor({ timeout: 60_000 });
		await keepScreenshot(page, 'workflow');

		const name = findNodeName(workflow, NODE_TYPE);
		await page.getByTestId('canvas-node').filter({ hasText: name }).dblclick();
		const output = page.getByTestId('output-panel');
		await output.getByTestId('radio-button-json').click();
		await output
			.getByText(/^"?http.*\.mp4"?$/)
			.first()
			.waitFor();
		await page.getByTestId('ndv-input-panel').getByTestId('radio-button-schema').click();
		await keepScreenshot(page, 'node');

		await output.getByTestId('radio-button-binary').click();
		await output.getByTestId('ndv-view-binary-data').click();
		await page.locator('video').waitFor();
		await page.waitForFunction("document.querySelector('video').readyState >= 2");
		const seconds = await page.evaluate<number>("document.querySelector('video').duration");
		const voice = await probeMedia(join(MEDIA, 'speech.mp3'));
		expect(Math.abs(seconds - voice.seconds)).toBeLessThanOrEqual(0.2);
	});

	/** The first page of the form, on a browser page of its own. */
	async function visitForm(key: string): Promise<Page> {
		const { id, workflow } = await importExample(key);
		await activateWorkflow(testbed.session, id);
		const trigger = workflow.nodes.find(({ type }) => type === 'n8n-nodes-base.formTrigger');
		const visitor = await browser.newPage();
		await openPage(visitor, `${testbed.n8n.url}/form/${textAt(trigger, 'webhookId')}`);
		return visitor;
	}

	async function expectVideoOf(visitor: Page, recording: string): Promise<void> {
		const link = visitor.getByRole('link', { name: 'Watch or download it' });
		await link.waitFor({ timeout: 60_000 });
		const video = await probeMedia((await link.getAttribute('href')) ?? '');
		const voice = await probeMedia(join(MEDIA, recording));
		expect(video.codecs).toEqual(['aac', 'h264']);
		expect(Math.abs(video.seconds - voice.seconds)).toBeLessThanOrEqual(0.2);
		await visitor.close();
	}

	inBrowser('makes a video from the two files that a visitor gives the form', async () => {
		const visitor = await visitForm('talking-portrait-form');
		const files = visitor.locator('input[type=file]');
		await files.nth(0).setInputFiles(join(MEDIA, 'portrait2.png'));
		await files.nth(1).setInputFiles(join(MEDIA, 'speech2.mp3'));
		await visitor.getByRole('button', { name: 'Make it talk' }).click();
		await expectVideoOf(visitor, 'speech2.mp3');
	});

	inBrowser(
		'tells the visitor of the form what is wrong with the files, and pays nothing',
		async () => {
			const before = testbed.emulator.paidTasks();
			const visitor = await visitForm('talking-portrait-form');
			const files = visitor.locator('input[type=file]');
			await files.nth(0).setInputFiles(join(MEDIA, 'portrait2.png'));
			const page = Buffer.from('<!doctype html><title>Not a recording</title>');
			await files.nth(1).setInputFiles({ name: 'voice.mp3', mimeType: 'audio/mpeg', buffer: page });
			await visitor.getByRole('button', { name: 'Make it talk' }).click();
			await visitor.getByText('No video this time').waitFor({ timeout: 60_000 });
			const text = await visitor.locator('body').innerText();
			expect(text).toMatch(/not a sound file that WaveSpeed takes: it holds a web page/);
			expect(text).toContain('Nothing was paid');
			expect(testbed.emulator.paidTasks()).toBe(before);
			await visitor.close();
		},
	);

	inBrowser('brings the files of two pages of a form into one item', async () => {
		const visitor = await visitForm('two-branches');
		await visitor.locator('input[type=file]').setInputFiles(join(MEDIA, 'portrait2.png'));
		await visitor.getByRole('button', { name: 'Next' }).click();
		const recording = visitor.locator('input[type=file][name*="audio"], input[type=file]');
		await visitor.getByText('Talking portrait: the recording').waitFor({ timeout: 60_000 });
		await recording.first().setInputFiles(join(MEDIA, 'speech2.mp3'));
		await visitor.getByRole('button', { name: 'Make it talk' }).click();
		await expectVideoOf(visitor, 'speech2.mp3');
	});

	inBrowser('has its icon in the light and in the dark theme', async () => {
		for (const [theme, file] of [
			['dark', 'wavespeed.dark.svg'],
			['light', 'wavespeed.svg'],
		] as const) {
			await page.evaluate(`localStorage.setItem('N8N_THEME', '${theme}')`);
			await openPage(page, `${testbed.n8n.url}/workflow/new`);
			await searchNodes(page, 'talking');
			await page.locator(`img[src$="/${file}"]`).first().waitFor();
			// Zero while it is loaded, and for ever if it can't be.
			const isDrawn = `[...document.images].some((image) => image.src.endsWith('/${file}') && image.naturalWidth > 0)`;
			await page.waitForFunction(isDrawn);
		}
	});
});
