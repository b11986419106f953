/** The table of docs/compatibility.md is also where the results of earlier runs are kept. */

/** What was found in one version of n8n, in the words of the table. */
export interface CompatibilityRow {
	n8n: string;
	/** The version of n8n-core in it: the engine. */
	core: string;
	/** When, and of which version of this package. */
	run: string;
	/** Such as "228 passed, 3 skipped". */
	engine: string;
	install: string;
	generate: string;
	trigger: string;
	parked: string;
	stopMode: string;
	unsaved: string;
	/** Empty where it isn't asked. */
	queue: string;
}

const COLUMNS: Record<keyof CompatibilityRow, string> = {
	n8n: 'n8n',
	core: 'n8n-core',
	run: 'Run',
	engine: 'Engine tests',
	install: 'Install, credential test',
	generate: '*Generate* from files, polling, with download',
	trigger: 'Trigger',
	parked: '*Parked*, three rows',
	stopMode: 'A failed row, *Stop Workflow*',
	unsaved: '*Parked*, successful executions not saved',
	queue: 'Queue mode',
};
const KEYS = Object.keys(COLUMNS) as (keyof CompatibilityRow)[];

const BEGIN = '<!-- compatibility: written by `npm run test:compat` -->';
const END = '<!-- /compatibility -->';

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
		.map((line) => {
			const cells = line.split('|').map((cell) => cell.trim());
			const entries = KEYS.map((key, index) => [key, cells[index + 1] ?? '']);
			return Object.fromEntries(entries) as unknown as CompatibilityRow;
		});
}

const compareVersions = (a: string, b: string): number =>
	a.localeCompare(b, undefined, { numeric: true });

/** The rows of the text with a new result, in the order of the versions; what the new one doesn't say stays. */
export function mergeRows(
	text: string,
	row: Partial<CompatibilityRow> & Pick<CompatibilityRow, 'n8n'>,
): CompatibilityRow[] {
	const rows = readRows(text);
	const blank = Object.fromEntries(KEYS.map((key) => [key, ''])) as unknown as CompatibilityRow;
	const known = rows.find(({ n8n }) => n8n === row.n8n);
	const merged = { ...blank, ...known, ...row };
	return [...rows.filter(({ n8n }) => n8n !== row.n8n), merged].sort((a, b) =>
		compareVersions(a.n8n, b.n8n),
	);
}

/** A cell is one line, and has no line of the table in it. */
const toCell = (text: string): string => text.replace(/\s+/g, ' ').replaceAll('|', '/').trim();

const toLine = (cells: string[]): string => `| ${cells.join(' | ')} |`;

export function replaceTable(text: string, rows: CompatibilityRow[]): string {
	const { from, to } = findBlock(text);
	const lines = [
		toLine(KEYS.map((key) => COLUMNS[key])),
		toLine(KEYS.map(() => '---')),
		...rows.map((row) => toLine(KEYS.map((key) => toCell(row[key])))),
	];
	return `${text.slice(0, from)}\n\n${lines.join('\n')}\n\n${text.slice(to)}`;
}
