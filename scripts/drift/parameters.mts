/** The table of a model's parameters, out of a page of the docs (HTML, or a table with pipes): a line for each. */
export function toParameters(page: string): string[] {
	const tables = page.includes('<table') ? readHtmlTables(page) : readPipeTables(page);
	const isWanted = ([head = []]: string[][]): boolean =>
		['parameter', 'required'].every((name) => indexOf(head, name) >= 0);
	const [head = [], ...rows] = tables.find(isWanted) ?? [];
	return rows.map((row) => {
		const cell = (name: string): string =>
			(row[indexOf(head, name)] ?? '').replace(/^-$/, '') || 'none';
		const [type, required] = [cell('type'), cell('required')];
		return `${cell('parameter')}: ${type}, required: ${required}, default: ${cell('default')}, range: ${cell('range')}`;
	});
}

const indexOf = (head: string[], name: string): number =>
	head.findIndex((cell) => cell.toLowerCase() === name);

const readHtmlTables = (page: string): string[][][] =>
	[...page.matchAll(/<table[\s\S]*?<\/table>/g)].map(([table]) =>
		[...table.matchAll(/<tr[\s\S]*?<\/tr>/g)].map(([row]) =>
			[...row.matchAll(/<t[hd][^>]*>([\s\S]*?)<\/t[hd]>/g)].map(([, cell = '']) => toText(cell)),
		),
	);

const ENTITIES: Record<string, string> = {
	amp: '&',
	lt: '<',
	gt: '>',
	quot: '"',
	nbsp: ' ',
	'#39': "'",
};

const toText = (html: string): string =>
	html
		.replace(/<[^>]*>/g, '')
		.replace(/&([\w#]+);/g, (whole, name: string) => ENTITIES[name] ?? whole)
		.replace(/\s+/g, ' ')
		.trim();

/** Blocks of lines with pipes; the line of dashes is left out. */
function readPipeTables(page: string): string[][][] {
	const blocks = page.split(/\n(?![^\n]*\|)/).map((block) => block.split('\n'));
	return blocks
		.map((lines) => lines.filter((line) => line.includes('|') && !/^[\s|:-]+$/.test(line)))
		.filter((lines) => lines.length > 0)
		.map((lines) =>
			lines.map((line) =>
				line
					.replace(/^\s*\||\|\s*$/g, '')
					.split('|')
					.map((cell) => cell.trim()),
			),
		);
}
