import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const page = readFileSync(join(__dirname, 'README.md'), 'utf8');
const section = page.slice(page.indexOf('## What it imitates'), page.indexOf('\n## Options'));
const rows = section
	.split('\n')
	.filter((line) => line.startsWith('| ') && !/^\| (behaviour|-)/.test(line))
	.map((line) => line.split('|').map((cell) => cell.trim()));

test('the page has a row for each behaviour', () => {
	expect(rows.length).toBeGreaterThan(40);
});

test.each(rows.map(([, behaviour = '', sure = '', source = '']) => ({ behaviour, sure, source })))(
	'the page says how sure it is, and from where: $behaviour',
	({ sure, source }) => {
		expect(['documented', 'seen', 'assumed']).toContain(sure);
		if (sure !== 'assumed') expect(source).toMatch(/\w{3}/);
		if (sure === 'documented') expect(source).toMatch(/^docs: \w+/);
	},
);
