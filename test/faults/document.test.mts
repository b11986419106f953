import { STEPS } from '../emulator/types.mts';
import { scenesOf } from './cells.mts';
import { ALL_SCENES, renderPage } from './document.mts';
import { MUST_WRITE, readDocument, readVersion, writeDocument } from './documentFile.mts';
import { EXCLUSIONS, findExclusion } from './exclusions.mts';
import { VARIANTS } from './faultVariants.mts';
import { speaksPlainly } from './promises.mts';
import { BAD_BYTES, BAD, SCENES } from './scenes.mts';
import { sampleFile } from '../engine/harness/engine.mts';

test('docs/faults.md has the sections of the matrix, in its order, and nothing else', () => {
	if (MUST_WRITE) writeDocument(readDocument());
	expect(readDocument()).toBe(renderPage(readDocument(), readVersion()));
});

test('no two scenes have the same title', () => {
	const titles = ALL_SCENES.map(({ title }) => title);
	expect(new Set(titles).size).toBe(titles.length);
});

test('a step has scenes or a reason why it has none', () => {
	for (const step of STEPS) {
		expect(scenesOf(step).length > 0 || 'unused' in SCENES[step]).toBe(true);
	}
});

test('every exclusion leaves something out', () => {
	for (const exclusion of EXCLUSIONS) {
		for (const step of exclusion.steps) {
			expect(VARIANTS.some((variant) => findExclusion(step, variant) === exclusion)).toBe(true);
		}
	}
});

test('the picture of the row that meets faults has the size that tells its upload apart', () => {
	expect(sampleFile(BAD.media)).toHaveLength(BAD_BYTES);
});

test.each([
	['Could not read it: undefined. Try again later. Nothing was paid.', 1],
	['AxiosError: Request failed with status code 503. Nothing was paid.', 2],
	['connect ECONNREFUSED. Try again later.', 1],
	['Something went wrong.', 1],
	['Could not read it: HTTP status 503. Try again later. Nothing was paid.', 0],
])('the check of the texts finds what is wrong with "%s"', (text, count) => {
	expect(speaksPlainly(text)).toHaveLength(count);
});
