import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { arrowsOf, readImports, readPicture, roomOf } from '../../scripts/docs/house.mts';

/** The structure of the code as its imports show it, held against the picture in CONTRIBUTING.md. */

const ROOT = join(__dirname, '..', '..');
const imports = readImports(ROOT);

describe('the picture of the house in CONTRIBUTING.md (else: npm run docs)', () => {
	const picture = readPicture(readFileSync(join(ROOT, 'CONTRIBUTING.md'), 'utf8'));

	it('shows every room', () => {
		const rooms = new Set([...imports.keys()].map(roomOf).filter((room) => room !== undefined));
		expect([...picture.rooms].sort()).toEqual([...rooms].sort());
	});

	it('shows every arrow that the imports make, and no other', () => {
		expect([...picture.arrows].sort()).toEqual(arrowsOf(imports).sort());
	});
});

describe('the imports', () => {
	it('go round in no circle, types included', () => {
		const state = new Map<string, 'open' | 'done'>();
		const circles: string[] = [];
		const visit = (file: string, path: string[]): void => {
			if (state.get(file) === 'done') return;
			if (state.get(file) === 'open') {
				circles.push([...path.slice(path.indexOf(file)), file].join(' → '));
				return;
			}
			state.set(file, 'open');
			for (const target of imports.get(file) ?? []) visit(target, [...path, file]);
			state.set(file, 'done');
		};
		for (const file of imports.keys()) visit(file, []);
		expect(circles).toEqual([]);
	});
});
