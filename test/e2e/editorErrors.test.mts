import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Browser, Page } from 'playwright-core';

import {
	findNodeName,
	NODE_TYPE,
	prepareExample,
	readExamples,
} from '../../scripts/n8n/examples.mts';
import { type CredentialReference, saveCredential } from '../../scripts/n8n/n8nCredentials.mts';
import { saveWorkflow } from '../../scripts/n8n/n8nWorkflows.mts';
import { textAt } from '../../scripts/n8n/shape.mts';
import { keepScreenshot, openBrowser, openEditor, openPage } from './browser.mts';
import {
	LOGIN,
	MEDIA,
	ROOT,
	RUN_TIMEOUT_MS,
	START_TIMEOUT_MS,
	startTestbed,
	type Testbed,
} from './testbed.mts';

/** At the emulator's speed two minutes: these tasks end when the test says so. */
const LONG_SECONDS = 6_000;

interface Mistake {
	parameters?: object;
	/** In place of the sample picture. */
	picture?: string;
	credential?: CredentialReference;
}

describe('what the editor says about a mistake', () => {
	let folder: string;
	let testbed: Testbed;
	let browser: Browser;
	let page: Page;

	beforeAll(async () => {
		folder = await mkdtemp(join(tmpdir(), 'mistakes-'));
		browser = await openBrowser();
		testbed = await startTestbed({ video: 'placeholder', taskSeconds: LONG_SECONDS }, [folder]);
		page = await openEditor(browser, testbed.n8n.url, LOGIN);
	}, START_TIMEOUT_MS);
	afterAll(async () => {
		await browser?.close();
		await testbed?.close();
		if (folder) await rm(folder, { recursive: true, force: true });
	}, 60_000);

	/** Runs the talking portrait with a mistake in it, and opens the node. Returns the title and the text of the error. */
	async function make(
		{ parameters, picture, credential }: Mistake,
		meanwhile: () => Promise<void> = async () => {},
	): Promise<string[]> {
		const example = (await readExamples(ROOT)).find(({ key }) => key === 'talking-portrait');
		const right = prepareExample(example!, credential ?? (await testbed.saveCredential()), MEDIA);
		const nodes = right.nodes.map((node) => {
			const isPicture = textAt(node, 'parameters', 'fileSelector')?.endsWith('portrait.png');
			const changes = node.type === NODE_TYPE ? parameters : {};
			const file = isPicture && picture ? { fileSelector: picture } : {};
			return { ...node, parameters: { ...Object(node.parameters), ...changes, ...file } };
		});
		const id = await saveWorkflow(testbed.session, { ...right, nodes });
		await openPage(page, `${testbed.n8n.url}/workflow/${id}`);
		await page.getByTestId('execute-workflow-button').click();
		await meanwhile();
		await page.getByText('Problem in node').first().waitFor({ timeout: 60_000 });
		const name = findNodeName(right, NODE_TYPE);
		await page.getByTestId('canvas-node').filter({ hasText: name }).dblclick();
		const message = page.getByTestId('node-error-message');
		await message.waitFor();
		return [
			await message.innerText(),
			await page.getByTestId('node-error-description').innerText(),
		];
	}

	it(
		'a wrong field name: which fields there are',
		async () => {
			expect(await make({ parameters: { imageBinaryPropertyName: 'picture' } })).toEqual([
				'There is no file in the field "picture" ("Image Input Data Field Name")',
				'Nothing was paid. The picture of this item is "image" (a picture, portrait.png): enter this name in "Image Input Data Field Name", or leave the field empty.',
			]);
			await page.getByTestId('ndv-input-panel').getByTestId('radio-button-schema').click();
			await keepScreenshot(page, 'error');
		},
		RUN_TIMEOUT_MS,
	);

	it(
		'a wrong key: where to correct it, without the key',
		async () => {
			const input = { ...testbed.credentialInput('wrong-key-4711'), name: 'Wrong key' };
			const credential = await saveCredential(testbed.session, input);
			expect(await make({ credential })).toEqual([
				"WaveSpeed doesn't accept the API key (invalid api key)",
				'Nothing was paid. Check the key in the WaveSpeed API credential. A key works only after a first top-up of the account.',
			]);
		},
		RUN_TIMEOUT_MS,
	);

	it(
		'a PDF as the picture: which files are taken',
		async () => {
			const picture = join(folder, 'portrait.pdf');
			await writeFile(picture, '%PDF-1.4\n%%EOF\n');
			expect(await make({ picture, parameters: { imageBinaryPropertyName: 'image' } })).toEqual([
				'The file in "image" is not a picture that WaveSpeed takes: it is of type application/pdf',
				'Nothing was paid. Supply one of: JPG, PNG, WebP, GIF, BMP, TIFF.',
			]);
			expect(testbed.emulator.uploads()).toEqual([]);
		},
		RUN_TIMEOUT_MS,
	);

	it(
		'a video above the cost limit: what it would have cost',
		async () => {
			expect(await make({ parameters: { options: { maxCostPerVideo: 0.05 } } })).toEqual([
				'The video would cost $0.15, more than "Max Cost per Video" allows ($0.05)',
				'Nothing was paid. Raise the limit, shorten the audio or choose 480p.',
			]);
			expect(testbed.emulator.paidTasks()).toBe(0);
		},
		RUN_TIMEOUT_MS,
	);

	it(
		'an empty balance: to top it up',
		async () => {
			const body = { code: 400, message: 'insufficient_credits: please top up your account' };
			testbed.emulator.addFault({ step: 'submit', kind: 'status', status: 400, body });
			expect(await make({})).toEqual([
				'Could not submit the task: insufficient_credits: please top up your account',
				'Nothing was paid. The balance of the WaveSpeed account is too low. Top it up at wavespeed.ai, then run again.',
			]);
		},
		RUN_TIMEOUT_MS,
	);

	/** Ends the task that the workflow submits from now on; a slow editor shows its run later than the task is there. */
	function failNext(failure: { code: number; error: string }): () => Promise<void> {
		const before = testbed.emulator.paidTasks();
		return async () => {
			while (testbed.emulator.paidTasks() === before) await sleep(100);
			testbed.emulator.failTask(testbed.emulator.tasks().at(-1)!.id, failure);
		};
	}

	it(
		'content that moderation refuses: what to change, and that a retry does not pay again',
		async () => {
			const failure = { code: 1200, error: 'content flagged as potentially sensitive' };
			const [message, description] = await make({}, failNext(failure));
			const { id } = testbed.emulator.tasks().at(-1)!;
			expect(message).toBe(
				`No video: content flagged as potentially sensitive (status "failed", code 1200). Task ${id}`,
			);
			expect(description).toMatch(
				/^Whether WaveSpeed refunds .* The content moderation refused it: change the picture/,
			);
			expect(description).toMatch(/not submitted again by a retry\.$/);
		},
		RUN_TIMEOUT_MS,
	);

	it(
		'a picture that WaveSpeed can not load: to upload it instead, and that the money comes back',
		async () => {
			const parameters = { imageSource: 'url', imageUrl: 'http://127.0.0.1:9/portrait.png' };
			const [message, description] = await make({ parameters });
			expect(message).toMatch(
				/^No video: Failed to download image from http:.* \(status "failed", code 1402\)\. Task /,
			);
			expect(description).toBe(
				'WaveSpeed refunds failed tasks within some hours. WaveSpeed could not load the picture or the sound: check the web address, or choose "Binary File" so that the file is uploaded. A retry does not submit the same again; a new execution does.',
			);
		},
		RUN_TIMEOUT_MS,
	);
});
