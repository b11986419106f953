import type { Step } from '../emulator/types.mts';
import { cellsOf, scenesOf } from './cells.mts';
import { readSection, renderSection, replaceSection, type Row } from './document.mts';
import { MUST_WRITE, readDocument, writeDocument } from './documentFile.mts';
import { runCell } from './runCell.mts';

/** Every field of the matrix at one step, and what docs/faults.md says about it. */
export function testStep(step: Step): void {
	describe.each(scenesOf(step).map((scene) => [scene.title, scene] as const))('%s', (_, scene) => {
		const rows: Row[] = [];
		const cells = cellsOf(step, scene);
		test.each(cells.map((cell) => [`${cell.variant.label} (${cell.frequency})`, cell] as const))(
			'keeps the promises under this fault: %s',
			async (_title, cell) => {
				const { outcome, broken } = await runCell(cell);
				rows.push({ cell, outcome });
				expect(broken).toEqual({});
			},
		);

		test('does what docs/faults.md says (npm run docs writes it anew)', () => {
			// With a part of the tests there is only a part of the table.
			if (rows.length < cells.length) return;
			const section = renderSection(scene, rows);
			if (MUST_WRITE) writeDocument(replaceSection(readDocument(), scene.title, section));
			expect(readSection(readDocument(), scene.title)).toBe(section);
		});
	});
}
