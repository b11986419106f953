/** The table of docs/compatibility.md is also where the results of earlier runs are kept. */

export interface CompatibilityRow {
	n8n: string;
	/** The version of n8n-core in it: the engine. */
	core: string;
	node: string;
	/** Such as "228 passed". */
	engine: string;
	e2e: string;
	/** Empty where it isn't asked. */
	queue: string;
}

const BEGIN = '<!-- compatibility: written by `npm run test:compat` -->';
const END = '<!-- /compatibility -->';

const HEAD = [
	'| n8n | n8n-core | Node.js | Engine tests | Tests in a real n8n | Queue mode |',
	'| --- | --- | --- | --- | --- | --- |',
];

function findBlock(text: string): { from: number; to: number } {
	const from = text.indexOf(BEGIN);
	const to = text.indexOf(END);
	if (from < 0 || to < from) throw new Error(`docs/compatibility.md has no ${BEGIN} … ${END}.`);
	return { from: from + BEGIN.length, to };
}

function readRows(text: string): CompatibilityRow[] {
	const { from, to } = findBlock(text);
	return text
		.slice(from, to)
		.split('\n')
		.filter((line) => /^\| \d/.test(line))
		.map((line) => line.split('|').map((cell) => cell.trim()))
		.map(([, n8n = '', core = '', node = '', engine = '', e2e = '', queue = '']) => ({
			...{ n8n, core, node, engine, e2e, queue },
		}));
}

const compareVersions = (a: string, b: string): number =>
	a.localeCompare(b, undefined, { numeric: true });

/** The rows of the text with a new result, in the order of the versions. */
export function mergeRows(text: string, row: CompatibilityRow): CompatibilityRow[] {
	return [...readRows(text).filter(({ n8n }) => n8n !== row.n8n), row].sort((a, b) =>
		compareVersions(a.n8n, b.n8n),
	);
}

export function replaceTable(text: string, rows: CompatibilityRow[]): string {
	const { from, to } = findBlock(text);
	const lines = rows.map((row) =>
		['', row.n8n, row.core, row.node, row.engine, row.e2e, row.queue, ''].join(' | ').trim(),
	);
	return `${text.slice(0, from)}\n\n${[...HEAD, ...lines].join('\n')}\n\n${text.slice(to)}`;
}
