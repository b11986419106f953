import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

/** The structure of the code as its imports show it, held against the picture in CONTRIBUTING.md. */

const ROOT = join(__dirname, '..', '..');
const NODES = join(ROOT, 'nodes');

const files = readdirSync(NODES, { recursive: true, encoding: 'utf8' })
	.filter((name) => name.endsWith('.ts'))
	.map((name) => join(NODES, name));

/** Relative imports, types included. */
function importsOf(file: string): string[] {
	const text = readFileSync(file, 'utf8');
	const specifiers = [...text.matchAll(/^(?:import|export)[^;]*? from '(\.[^']+)';/gm)];
	return specifiers.map(([, specifier = '']) => {
		const target = join(dirname(file), specifier);
		const found = [`${target}.ts`, join(target, 'index.ts')].find((path) => files.includes(path));
		if (!found) throw new Error(`${file} imports ${specifier}, which is not there`);
		return found;
	});
}

const imports = new Map(files.map((file) => [file, importsOf(file)]));

/** The room that a file is in: a node, or a folder of shared/; `json.ts` and `text.ts` are furniture of all of them. */
function roomOf(file: string): string | undefined {
	const [first = '', second = ''] = relative(NODES, file).split('/');
	if (first !== 'shared') return first;
	return second.endsWith('.ts') ? undefined : second;
}

describe('the picture of the house in CONTRIBUTING.md', () => {
	const page = readFileSync(join(ROOT, 'CONTRIBUTING.md'), 'utf8');
	const picture = /```mermaid\n([\s\S]*?)```/.exec(page)?.[1] ?? '';
	const names = new Map(
		[...picture.matchAll(/^\s*(\w+)\["([\w/]+)/gm)].map(([, id = '', label = '']) => [id, label]),
	);
	const drawn = [...picture.matchAll(/^\s*(\w+) --> (\w+)$/gm)].map(
		([, from = '', to = '']) => `${names.get(from)} → ${names.get(to)}`,
	);

	it('shows every room', () => {
		const rooms = new Set(files.map(roomOf).filter((room) => room !== undefined));
		expect([...names.values()].sort()).toEqual([...rooms].sort());
	});

	it('shows every arrow that the imports make, and no other', () => {
		const arrows = new Set<string>();
		for (const [file, targets] of imports) {
			const from = roomOf(file);
			for (const to of targets.map(roomOf)) {
				if (from && to && from !== to) arrows.add(`${from} → ${to}`);
			}
		}
		expect([...drawn].sort()).toEqual([...arrows].sort());
	});
});

describe('the imports', () => {
	it('go round in no circle, types included', () => {
		const state = new Map<string, 'open' | 'done'>();
		const circles: string[] = [];
		const visit = (file: string, path: string[]): void => {
			if (state.get(file) === 'done') return;
			if (state.get(file) === 'open') {
				const circle = [...path.slice(path.indexOf(file)), file];
				circles.push(circle.map((name) => relative(NODES, name)).join(' → '));
				return;
			}
			state.set(file, 'open');
			for (const target of imports.get(file) ?? []) visit(target, [...path, file]);
			state.set(file, 'done');
		};
		for (const file of files) visit(file, []);
		expect(circles).toEqual([]);
	});
});
