import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import { chromium, selectors, type Browser, type Locator, type Page } from 'playwright-core';

import type { Login } from '../../scripts/n8n/n8nRest.mts';

/** Debian's package `chromium`; elsewhere name another in CHROMIUM_PATH. */
const CHROMIUM = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium';

/** Without these Chromium calls home at every start, and its sandbox refuses to run as root. */
const FLAGS = [
	'--no-sandbox',
	'--disable-gpu',
	'--disable-quic',
	'--no-first-run',
	'--disable-background-networking',
	'--disable-component-update',
	'--disable-sync',
];

const VIEWPORT = { width: 1440, height: 900 };

export async function openBrowser(): Promise<Browser> {
	if (!existsSync(CHROMIUM)) {
		throw new Error(
			`The browser tests need Chromium at ${CHROMIUM} (apt-get install chromium), or CHROMIUM_PATH.`,
		);
	}
	selectors.setTestIdAttribute('data-test-id');
	return await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
}

/** Doesn't wait for what the editor fetches from the internet, which a closed network refuses slowly. */
export async function openPage(page: Page, url: string): Promise<void> {
	await page.goto(url, { waitUntil: 'domcontentloaded' });
}

/** A page of a browser that has never been here, logged in through the log-in form. */
export async function openEditor(browser: Browser, url: string, login: Login): Promise<Page> {
	const page = await browser.newPage({ viewport: VIEWPORT });
	page.setDefaultTimeout(20_000);
	await openPage(page, `${url}/signin`);
	await page.locator('input[name=emailOrLdapLoginId]').fill(login.email);
	await page.locator('input[type=password]').fill(login.password);
	await page.keyboard.press('Enter');
	await page.waitForURL(/\/(home|workflow)/);
	return page;
}

/** The names that the node panel lists for what a user types. */
export async function searchNodes(page: Page, text: string): Promise<Locator> {
	const search = page.getByTestId('node-creator-search-bar');
	if (!(await search.isVisible())) await page.getByTestId('node-creator-plus-button').click();
	await search.fill(text);
	return page.getByTestId('node-creator-item-name');
}

/** Pictures for the README, written on request only: they differ a little at every run. */
export async function keepScreenshot(
	page: Page,
	name: string,
	part: Page | Locator = page,
): Promise<void> {
	if (process.env.UPDATE_SCREENSHOTS !== '1') return;
	const folder = join(process.cwd(), 'docs', 'images');
	await mkdir(folder, { recursive: true });
	// Notices fly in and out.
	await page.waitForTimeout(6_000);
	await part.screenshot({ path: join(folder, `${name}.png`) });
}

/** What a failed browser test saw: a picture of every open page. */
export async function keepFailure(browser: Browser, title: string): Promise<void> {
	const folder = join(process.cwd(), 'output', 'e2e');
	await mkdir(folder, { recursive: true });
	const pages = browser.contexts().flatMap((context) => context.pages());
	for (const [index, page] of pages.entries()) {
		const path = join(folder, `${title.replace(/\W+/g, '-')}-${index}.png`);
		// The test's own error is the one to report, even if the page is gone.
		await page.screenshot({ path }).catch(() => undefined);
	}
}
