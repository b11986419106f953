import { mergeRows, replaceTable } from '../../../scripts/compat/table.mts';

const row = (n8n: string, engine = '11 passed') => ({
	...{ n8n, engine, core: '2.0.0', run: '2026-11-25, 0.1.0' },
	...{ install: 'yes', generate: 'yes', trigger: 'yes', parked: 'yes', stopMode: 'yes' },
	...{ unsaved: 'yes', queue: '' },
});

const EMPTY = `Before
<!-- compatibility: written by \`npm run test:compat\` -->
<!-- /compatibility -->
After
`;
const PAGE = replaceTable(EMPTY, [row('2.9.0'), row('2.40.7')]);

describe('the table of compatibility', () => {
	it('takes a new version in the order of the versions, and keeps the others', () => {
		const written = replaceTable(PAGE, mergeRows(PAGE, row('2.10.0')));
		const versions = [...written.matchAll(/^\| (\d\S*)/gm)].map(([, version]) => version);
		expect(versions).toEqual(['2.9.0', '2.10.0', '2.40.7']);
		expect(written).toContain('| 2.10.0 | 2.0.0 | 2026-11-25, 0.1.0 | 11 passed |');
		expect(written.replace(/^\| 2\.10\.0 .*\n/m, '')).toBe(PAGE);
	});

	it('replaces what is new of a version that was checked before, and keeps the rest', () => {
		const written = replaceTable(PAGE, mergeRows(PAGE, { n8n: '2.40.7', engine: '1 failed' }));
		expect(written.match(/2\.40\.7/g)).toHaveLength(1);
		expect(written).toContain('| 1 failed | yes |');
	});

	it('keeps the table whole whatever an error says', () => {
		const [changed] = mergeRows(PAGE, { ...row('2.9.0'), parked: 'FAILED: a | b\nc' });
		expect(replaceTable(PAGE, [changed!])).toContain('| FAILED: a / b c |');
	});

	it('does not touch a text without the place for it', () => {
		expect(() => mergeRows('no table', row('2.40.7'))).toThrow('compatibility.md has no');
	});
});
