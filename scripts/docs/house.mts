import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

/** The structure of nodes/ as its imports show it, and the picture of it in CONTRIBUTING.md. */

/** A file with those that it imports, types included; paths below nodes/. */
export type Imports = Map<string, string[]>;

export function readImports(root: string): Imports {
	const nodes = join(root, 'nodes');
	const files = readdirSync(nodes, { recursive: true, encoding: 'utf8' }).filter((name) =>
		name.endsWith('.ts'),
	);
	const importsOf = (file: string): string[] => {
		const text = readFileSync(join(nodes, file), 'utf8');
		const specifiers = [...text.matchAll(/^(?:import|export)[^;]*? from '(\.[^']+)';/gm)];
		return specifiers.map(([, specifier = '']) => {
			const target = relative(nodes, join(nodes, dirname(file), specifier));
			const found = [`${target}.ts`, join(target, 'index.ts')].find((path) => files.includes(path));
			if (!found) throw new Error(`${file} imports ${specifier}, which is not there`);
			return found;
		});
	};
	return new Map(files.map((file) => [file, importsOf(file)]));
}

/** The room that a file is in: a node, or a folder of shared/; `json.ts` and `text.ts` are furniture of all of them. */
export function roomOf(file: string): string | undefined {
	const [first = '', second = ''] = file.split('/');
	if (first !== 'shared') return first;
	return second.endsWith('.ts') ? undefined : second;
}

/** `from → to` for each import that leaves its room. */
export function arrowsOf(imports: Imports): string[] {
	const arrows = [...imports].flatMap(([file, targets]) =>
		targets.map((target) => [roomOf(file), roomOf(target)] as const),
	);
	const leaving = arrows.filter(([from, to]) => from && to && from !== to);
	return [...new Set(leaving.map(([from, to]) => `${from} → ${to}`))];
}

const PICTURE = /```mermaid\n([\s\S]*?)```/;
const ROOM = /^\s*(\w+)\["([\w/]+)/gm;
const ARROW = /^\s*(\w+) --> (\w+)\n/gm;

/** What the picture shows. */
export function readPicture(page: string): { rooms: string[]; arrows: string[] } {
	const picture = PICTURE.exec(page)?.[1] ?? '';
	const names = new Map([...picture.matchAll(ROOM)].map(([, id, label]) => [id, label]));
	const drawn = [...picture.matchAll(ARROW)];
	return {
		rooms: [...names.values()].map(String),
		arrows: drawn.map(([, from, to]) => `${names.get(from)} → ${names.get(to)}`),
	};
}

/** The page with the arrows of the imports, in the order of its rooms. What a room is, stays written by hand. */
export function redraw(page: string, imports: Imports): string {
	const arrows = new Set(arrowsOf(imports));
	return page.replace(PICTURE, (_, picture: string) => {
		const rooms = [...picture.matchAll(ROOM)];
		const lines = rooms.flatMap(([, from, fromRoom]) =>
			rooms
				.filter(([, , toRoom]) => arrows.has(`${fromRoom} → ${toRoom}`))
				.map(([, to]) => `  ${from} --> ${to}\n`),
		);
		return `\`\`\`mermaid\n${picture.replace(ARROW, '')}${lines.join('')}\`\`\``;
	});
}
