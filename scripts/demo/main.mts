import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { Locator, Page } from 'playwright-core';

import { openBrowser, openEditor, openPage, searchNodes } from '../../test/e2e/browser.mts';
import { chain, type NamedNode } from '../../test/e2e/chainedWorkflow.mts';
import { addNode, NODE_NAME } from '../../test/e2e/editor.mts';
import { LOGIN, MEDIA, startTestbed, type Testbed } from '../../test/e2e/testbed.mts';
import { NODE_TYPE, prepareExample, readExamples } from '../n8n/examples.mts';
import type { CredentialReference } from '../n8n/n8nCredentials.mts';
import { activateWorkflow, saveWorkflow } from '../n8n/n8nWorkflows.mts';
import { type Film, startFilm } from './film.mts';

/**
 * The film that n8n asks for before it verifies a node: install, credential test, main operations, trigger. Played in a
 * real browser and a real n8n, against the emulator, so that it costs nothing. docs/verification.md has more.
 */

const PACKAGE = 'n8n-nodes-wavespeed-speech-to-video';
const TRIGGER_PATH = 'demo-trigger';
const STEP_TIMEOUT_MS = 120_000;

interface Stage {
	page: Page;
	film: Film;
	testbed: Testbed;
}

type Scene = (stage: Stage) => Promise<void>;

const showInstall: Scene = async ({ page, film, testbed }) => {
	await openPage(page, `${testbed.n8n.url}/settings/community-nodes`);
	await film.caption('Settings → Community nodes → Install: the name of the package');
	await page
		.getByRole('button', { name: /install/i })
		.first()
		.click();
	await page
		.locator('input[name=packageNameInput], [role=dialog] input[type=text]')
		.first()
		.fill(PACKAGE);
	await film.caption(
		'Before the package is on npm, the packed file was installed here in n8n’s own way',
	);
	await film.scene('install');
	await page.keyboard.press('Escape');

	await openPage(page, `${testbed.n8n.url}/workflow/new`);
	await film.caption('It is found by what people look for');
	const names = await searchNodes(page, 'animate photo');
	await names.filter({ hasText: NODE_NAME }).first().waitFor();
	await film.scene('search');
};

const testCredential: Scene = async ({ page, film, testbed }) => {
	await film.caption('The credential: a wrong key is red, with words that help');
	const panel = await addNode(page, testbed.n8n.url, 'Make a talking video and wait for it');
	await film.scene('node-defaults');
	await panel.getByRole('button', { name: 'Connect to WaveSpeed' }).click();
	const dialog = page.getByTestId('editCredential-modal');
	const fill = async (name: string, value: string) =>
		await dialog.getByTestId(`parameter-input-${name}`).locator('input').fill(value);
	await fill('baseUrl', testbed.emulator.url);
	await fill('apiKey', 'a-wrong-key');
	await dialog.getByTestId('credential-save-button').click();
	await dialog.getByText('Couldn’t connect with these settings').waitFor();
	await dialog.getByText('More details').click();
	await film.scene('credential-wrong-key');

	await film.caption('With the right key it is green');
	await fill('apiKey', testbed.emulator.apiKey);
	await dialog.getByTestId('credential-save-button').click();
	await dialog.waitFor({ state: 'hidden' });
	await page.getByTestId('credential-edit-button').click();
	await dialog.getByText('Connection tested successfully').waitFor();
	await film.scene('credential-right-key');
};

/** Opens a workflow and runs it. */
async function play({ page, film, testbed }: Stage, id: string, name: string): Promise<void> {
	await openPage(page, `${testbed.n8n.url}/workflow/${id}`);
	await page.getByTestId('execute-workflow-button').waitFor();
	await film.scene(`${name}-workflow`);
	await page.getByTestId('execute-workflow-button').click();
	await page
		.getByText('Workflow executed successfully')
		.first()
		.waitFor({ timeout: STEP_TIMEOUT_MS });
}

/** Opens a node with its output as JSON; `close` goes back to the canvas. */
async function openNode(page: Page, name: string): Promise<Locator> {
	await page.getByTestId('canvas-node').filter({ hasText: name }).first().dblclick();
	const output = page.getByTestId('output-panel');
	await output.getByTestId('radio-button-json').click();
	return output;
}

async function closeNode(page: Page): Promise<void> {
	await page.keyboard.press('Escape');
	await page.getByTestId('output-panel').waitFor({ state: 'hidden' });
}

const generate: Scene = async (stage) => {
	const { page, film, testbed } = stage;
	const example = (await readExamples(process.cwd())).find(({ key }) => key === 'talking-portrait');
	if (example === undefined) throw new Error('examples/talking-portrait.json is missing');
	const workflow = prepareExample(example, await testbed.saveCredential(), MEDIA);
	const id = await saveWorkflow(testbed.session, workflow);
	await film.caption(
		'Generate: a picture and a recording in one item; no field has to be filled in',
	);
	await play(stage, id, 'generate');
	await film.caption('The video’s URL comes first');
	const output = await openNode(page, NODE_NAME);
	await film.scene('generate-output');
	await film.caption('… and with Download Video the file itself');
	await output.getByTestId('radio-button-binary').click();
	await output.getByTestId('ndv-view-binary-data').click();
	await page.locator('video').waitFor();
	await page.waitForFunction("document.querySelector('video').readyState >= 2");
	await page.evaluate("void document.querySelector('video').play()");
	await page.waitForTimeout(3_000);
	await film.scene('generate-video');
};

interface OurNode {
	title: string;
	parameters: object;
	/** Whether it takes the files of the talking portrait. */
	takesFiles?: boolean;
}

const ourNode = (credential: CredentialReference, { title, parameters }: OurNode): NamedNode => ({
	name: title,
	type: NODE_TYPE,
	credentials: { waveSpeedApi: credential },
	parameters,
});

/** One operation after the other. */
async function saveOperations({ testbed }: Stage, name: string, nodes: OurNode[]): Promise<string> {
	const credential = await testbed.saveCredential();
	const upload = async (file: string, type: string): Promise<string> =>
		await testbed.emulator.addUpload(file, type, await readFile(join(MEDIA, file)));
	const files = {
		...{ imageSource: 'url', audioSource: 'url' },
		imageUrl: await upload('portrait.png', 'image/png'),
		audioUrl: await upload('speech.mp3', 'audio/mpeg'),
	};
	const start: NamedNode = { name: 'Start', type: 'n8n-nodes-base.manualTrigger' };
	const ours = nodes.map(({ takesFiles = false, parameters, ...node }) =>
		ourNode(credential, { ...node, parameters: { ...(takesFiles ? files : {}), ...parameters } }),
	);
	return await saveWorkflow(testbed.session, chain(name, [start, ...ours]));
}

const askForMoney: Scene = async (stage) => {
	const { page, film } = stage;
	const id = await saveOperations(stage, 'Price and balance', [
		{ title: 'Get Price', takesFiles: true, parameters: { operation: 'quote' } },
		{ title: 'Get Balance', parameters: { resource: 'account', operation: 'getBalance' } },
	]);
	await film.caption('Get Price: what the video would cost; nothing is made');
	await play(stage, id, 'price');
	await openNode(page, 'Get Price');
	await film.scene('price-output');
	await closeNode(page);
	await film.caption('Get Balance: what is left on the account');
	await openNode(page, 'Get Balance');
	await film.scene('balance-output');
};

const submitAndFetch: Scene = async (stage) => {
	const { page, film } = stage;
	const id = await saveOperations(stage, 'Submit, wait, get', [
		{ title: 'Submit', takesFiles: true, parameters: { resource: 'task', operation: 'submit' } },
		{ title: 'Wait', parameters: { resource: 'task', operation: 'wait' } },
		{ title: 'Get', parameters: { resource: 'task', operation: 'get' } },
	]);
	await film.caption('Submit starts a video without waiting; Wait and Get fetch it by its task ID');
	await play(stage, id, 'submit-wait-get');
	for (const [name, text] of [
		['Submit', 'Submit returns immediately, with the task’s ID'],
		['Wait', 'Wait has the video when it is ready'],
		['Get', 'Get checks a task once'],
	] as const) {
		await film.caption(text);
		await openNode(page, name);
		await film.scene(`${name.toLowerCase()}-output`);
		await closeNode(page);
	}
};

const trigger: Scene = async (stage) => {
	const { page, film, testbed } = stage;
	const credential = await testbed.saveCredential();
	const node = {
		...ourNode(credential, { title: 'When a Video Is Ready', parameters: { event: 'finished' } }),
		type: `${NODE_TYPE}Trigger`,
		webhookId: TRIGGER_PATH,
	};
	const next = { name: 'What to do with it', type: 'n8n-nodes-base.noOp' };
	const resultId = await saveWorkflow(testbed.session, chain('Result', [node, next]));
	await film.caption('The trigger starts a workflow when a task ends: WaveSpeed’s signed callback');
	await openPage(page, `${testbed.n8n.url}/workflow/${resultId}`);
	await page.getByTestId('canvas-node').first().dblclick();
	await page.getByTestId('node-parameters').waitFor();
	await film.scene('trigger-node');
	await activateWorkflow(testbed.session, resultId);

	const webhookUrl = `${testbed.n8n.url}/webhook/${TRIGGER_PATH}/webhook`;
	const id = await saveOperations(stage, 'Submit with a callback', [
		{
			title: 'Submit',
			takesFiles: true,
			parameters: { resource: 'task', operation: 'submit', options: { webhookUrl } },
		},
	]);
	await film.caption('Another workflow submits with the trigger’s URL as Webhook URL …');
	await play(stage, id, 'trigger-submit');
	await film.caption('… and when the video is ready, the first one has been started with it');
	await openPage(page, `${testbed.n8n.url}/workflow/${resultId}/executions`);
	await page
		.getByText(/Succeeded/)
		.first()
		.waitFor({ timeout: STEP_TIMEOUT_MS });
	// The picture of the workflow fades in.
	await page.waitForTimeout(5_000);
	await film.scene('trigger-execution');
};

async function main(): Promise<void> {
	const folder = join(process.cwd(), 'output', 'demo');
	const browser = await openBrowser();
	const testbed = await startTestbed();
	try {
		const page = await openEditor(browser, testbed.n8n.url, LOGIN);
		page.setDefaultTimeout(STEP_TIMEOUT_MS);
		const film = await startFilm(page, folder);
		for (const play of [
			showInstall,
			testCredential,
			generate,
			askForMoney,
			submitAndFetch,
			trigger,
		]) {
			await play({ page, film, testbed });
		}
		const { path, seconds } = await film.finish();
		console.log(`${path}: ${Math.round(seconds)} s`);
		if (seconds > 300) throw new Error('The film is longer than five minutes.');
	} finally {
		await browser.close();
		await testbed.close();
	}
}

await main();
