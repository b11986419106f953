import type { Locator, Page } from 'playwright-core';

import { openPage, searchNodes } from './browser.mts';

/** What a user does with the node in n8n's editor, and what is written there. */

export const NODE_NAME = 'Wan 2.2 Speech To Video';

/** Adds the node to a new workflow by one of the actions or triggers that n8n lists for it. Leaves its panel open. */
export async function addNode(page: Page, url: string, action: string): Promise<Locator> {
	await openPage(page, `${url}/workflow/new`);
	const names = await searchNodes(page, 'talking');
	await names.filter({ hasText: NODE_NAME }).first().click();
	const entry = names.filter({ hasText: action }).first();
	// As the first step of a workflow n8n offers the triggers first, and folds the actions away.
	const actions = page.getByText(/^Actions \(\d+\)$/);
	await actions.or(entry).first().waitFor();
	if (!(await entry.isVisible())) await actions.click();
	await entry.click();
	const panel = page.getByTestId('node-parameters');
	await panel.waitFor();
	return panel;
}

const dropdown = (page: Page): Locator => page.locator('.el-select-dropdown__item:visible');

/** Chooses an entry of a list field. */
export async function choose(page: Page, field: string, entry: string): Promise<void> {
	const panel = page.getByTestId('node-parameters');
	await panel.getByTestId(`parameter-input-${field}`).click();
	await dropdown(page).filter({ hasText: entry }).first().click();
	await dropdown(page).first().waitFor({ state: 'hidden' });
}

/** Adds everything that a collection such as Options offers, one after the other. Returns the names in the order of the list. */
export async function addAllOptions(page: Page): Promise<string[]> {
	const add = page.getByTestId('node-parameters').getByTestId('collection-parameter-add');
	const names: string[] = [];
	while (await add.isVisible()) {
		await add.click();
		const first = dropdown(page).first();
		await first.waitFor();
		names.push((await first.innerText()).trim());
		await first.click();
		await first.waitFor({ state: 'hidden' });
	}
	return names;
}

/** Runs in the page, which knows nothing of this file. */
const READ_FIELDS = `(() => {
	const panel = document.querySelector('[data-test-id=node-parameters]');
	const ITEM = '[data-test-id=parameter-item]';
	// It stands in the item of the first field.
	const CREDENTIAL = '[data-test-id=node-credentials-slot]';
	const isSeen = (element) => element.offsetParent !== null;
	const textOf = (element) => element.innerText.replace(/\\s+/g, ' ').trim();
	const items = [...panel.querySelectorAll(ITEM)].filter(isSeen);
	return items.map((item) => {
		const own = (selector) =>
			[...item.querySelectorAll(selector)].filter(
				(e) => isSeen(e) && e.closest(ITEM) === item && !e.closest(CREDENTIAL),
			);
		const [label] = own('.n8n-input-label .n8n-text');
		const [input] = own('input, textarea');
		const [expression] = own('.cm-content');
		const value = expression
			? textOf(expression)
			: own('.el-switch').length > 0
				? own('.el-switch.is-checked').length > 0 ? 'on' : 'off'
				: input ? input.value : '';
		const others = own('.n8n-text, .n8n-notice, .notice').filter((e) => !e.closest('label, .cm-editor'));
		const hints = [...new Set(others.map(textOf).filter((text) => text !== ''))];
		const depth = items.filter((other) => other !== item && other.contains(item)).length;
		return { depth, label: label ? textOf(label) : '', value, placeholder: input?.placeholder ?? '', hints };
	});
})()`;

interface Field {
	depth: number;
	label: string;
	value: string;
	placeholder: string;
	hints: string[];
}

/** The fields of the open panel as a list that people can read. */
export async function listFields(page: Page): Promise<string> {
	// The panel draws itself anew after each change.
	await page.waitForTimeout(300);
	const fields = (await page.evaluate(READ_FIELDS)) as Field[];
	return fields
		.map(({ depth, label, value, placeholder, hints }) => {
			const shown = value === '' && placeholder !== '' ? `_${placeholder}_` : value;
			const texts = [label === '' ? '' : `**${label}**`, shown, ...hints];
			return `${'  '.repeat(depth)}- ${texts.filter((text) => text !== '').join(' · ')}`;
		})
		.join('\n');
}
