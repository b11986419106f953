import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import type { Browser, Page } from 'playwright-core';

import { prepareExample, readExamples, type Example } from '../../scripts/n8n/examples.mts';
import { saveCredential, type CredentialReference } from '../../scripts/n8n/n8nCredentials.mts';
import { saveWorkflow, type Workflow } from '../../scripts/n8n/n8nWorkflows.mts';
import { listAt, textAt, valueAt } from '../../scripts/n8n/shape.mts';
import { openBrowser, openEditor, openPage } from './browser.mts';
import {
	LOGIN,
	MEDIA,
	ROOT,
	RUN_TIMEOUT_MS,
	START_TIMEOUT_MS,
	startTestbed,
	type Testbed,
} from './testbed.mts';

/** Written on request only: pictures differ a little at every run. `1`: all of them; else the names of examples. */
const WANTED = (process.env.UPDATE_SCREENSHOTS ?? '').split(',').filter((name) => name !== '');
const describeOnRequest = WANTED.length > 0 ? describe : describe.skip;

const FOLDER = join(ROOT, 'docs', 'images', 'examples');
const STICKY_NOTE = 'n8n-nodes-base.stickyNote';

/** The editor's own controls float over the canvas, and its dots make the files twice as large. */
const HIDDEN = [
	...['canvas-controls', 'canvas-minimap', 'node-creator-plus-button', 'canvas-plus-button'],
	...['canvas-handle-plus-wrapper', 'ask-assistant-floating-button'],
].map((id) => `[data-test-id="${id}"]`);
const HIDE_CONTROLS = `${HIDDEN.join()}, .vue-flow__background, [class*="executionButtons"], [class*="handlePlus"] { display: none !important; }`;

/** What is left empty in the examples, and would be marked red too. */
const PARAMETERS: Record<string, object> = {
	googleSheetsOAuth2Api: {
		documentId: {
			__rl: true,
			mode: 'url',
			value: 'https://docs.google.com/spreadsheets/d/sheet/edit',
		},
	},
};

const MARGIN = 24;

describeOnRequest('pictures of the examples', () => {
	let testbed: Testbed;
	let browser: Browser;
	let page: Page;
	let examples: Example[];
	let others: Record<string, CredentialReference>;

	beforeAll(async () => {
		const all = await readExamples(ROOT);
		examples = all.filter(({ key }) => WANTED.includes('1') || WANTED.includes(key));
		browser = await openBrowser();
		testbed = await startTestbed();
		const save = (type: string, data: Record<string, unknown>) =>
			saveCredential(testbed.session, { name: type, type, data });
		others = {
			httpHeaderAuth: await save('httpHeaderAuth', { name: 'Authorization', value: 'Bearer key' }),
			openAiApi: await save('openAiApi', { apiKey: 'key', url: testbed.emulator.url }),
			googleSheetsOAuth2Api: await save('googleSheetsOAuth2Api', {}),
			telegramApi: await save('telegramApi', { accessToken: 'key' }),
		};
		await mkdir(FOLDER, { recursive: true });
		page = await openEditor(browser, testbed.n8n.url, LOGIN);
		await page.setViewportSize({ width: 2000, height: 1000 });
	}, START_TIMEOUT_MS);
	afterAll(async () => {
		await browser?.close();
		await testbed?.close();
	}, 60_000);

	/** With every credential chosen, so that no node is marked red, and without the note, whose text is too small to read here. */
	async function prepare(example: Example): Promise<Workflow> {
		const workflow = prepareExample(example, await testbed.saveCredential(), MEDIA);
		const nodes = workflow.nodes
			.filter(({ type }) => type !== STICKY_NOTE)
			.map((node) => {
				const type = credentialTypeOf(node);
				if (type === undefined) return node;
				const parameters = { ...(node.parameters as object), ...PARAMETERS[type] };
				return { ...node, parameters, credentials: { [type]: others[type] } };
			});
		return { ...workflow, nodes };
	}

	it(
		'show every workflow on the canvas',
		async () => {
			for (const example of examples) {
				const id = await saveWorkflow(testbed.session, await prepare(example));
				await openPage(page, `${testbed.n8n.url}/workflow/${id}`);
				const nodes = page.getByTestId('canvas-node');
				await nodes.first().waitFor();
				await page.addStyleTag({ content: HIDE_CONTROLS });
				await page.keyboard.press('1');
				// Icons are loaded one by one, and notices fly in and out.
				await page.waitForTimeout(4_000);
				const clip = await boxAround(page);
				const path = join(FOLDER, `${example.key}.png`);
				await page.screenshot({ path, clip });
				expect(await nodes.count()).toBe(listAt(example.workflow, 'nodes').length - 1);
			}
		},
		5 * RUN_TIMEOUT_MS,
	);
});

function credentialTypeOf(node: object): string | undefined {
	const type = textAt(node, 'type') ?? '';
	if (type.endsWith('.googleSheets')) return 'googleSheetsOAuth2Api';
	if (type.endsWith('.lmChatOpenAi')) return 'openAiApi';
	if (type.endsWith('.telegram')) return 'telegramApi';
	const generic = valueAt(node, 'parameters', 'genericAuthType');
	return typeof generic === 'string' ? generic : undefined;
}

/** The part of the page that holds the nodes with their names, and the connections: those of a loop lead around its nodes. */
async function boxAround(page: Page) {
	const drawn = page.locator('[data-test-id="canvas-node"], .vue-flow__edge-path');
	const boxes = await drawn.evaluateAll((nodes) =>
		nodes.map((node) => {
			const { left, top, right, bottom } = (
				node as unknown as { getBoundingClientRect(): Record<string, number> }
			).getBoundingClientRect();
			return { left: left!, top: top!, right: right!, bottom: bottom! };
		}),
	);
	const left = Math.min(...boxes.map((box) => box.left)) - 2 * MARGIN;
	const top = Math.min(...boxes.map((box) => box.top)) - MARGIN;
	const right = Math.max(...boxes.map((box) => box.right)) + 2 * MARGIN;
	// Names stand below the nodes.
	const bottom = Math.max(...boxes.map((box) => box.bottom)) + 3 * MARGIN;
	return { x: left, y: top, width: right - left, height: bottom - top };
}
