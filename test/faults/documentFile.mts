import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { renderPage } from './document.mts';

const inProject = (file: string): string =>
	fileURLToPath(new URL(`../../${file}`, import.meta.url));

const DOCUMENT = inProject('docs/faults.md');

/** Set by `npm run docs`, which runs the test files one after the other. */
export const MUST_WRITE = process.env.UPDATE_DOCS === '1';

export const readDocument = (): string =>
	existsSync(DOCUMENT) ? readFileSync(DOCUMENT, 'utf8') : '';

export const readVersion = (): string =>
	(JSON.parse(readFileSync(inProject('package.json'), 'utf8')) as { version: string }).version;

/** Brings the introduction and the order of the sections up to date as well. */
export const writeDocument = (document: string): void =>
	writeFileSync(DOCUMENT, renderPage(document, readVersion()));
