import { mergeRows, replaceTable } from '../../../scripts/compat/table.mts';

const README = `Before
<!-- compatibility: written by \`npm run test:compat\` -->

| n8n | n8n-core | Node.js | Engine tests | Tests in a real n8n | Queue mode |
| --- | --- | --- | --- | --- | --- |
| 2.9.0 | 2.9.1 | 24.1.0 | 10 passed | 5 passed |  |
| 2.40.7 | 2.40.3 | 24.1.0 | 10 passed | 5 passed | 3 passed |

<!-- /compatibility -->
After
`;

const row = (n8n: string, engine = '11 passed') => ({
	...{ n8n, core: '2.0.0', node: '24.2.0', engine, e2e: '6 passed', queue: '' },
});

describe('the table of compatibility', () => {
	it('takes a new version in the order of the versions, and keeps the others', () => {
		const written = replaceTable(README, mergeRows(README, row('2.10.0')));
		const versions = [...written.matchAll(/^\| (\d\S*)/gm)].map(([, version]) => version);
		expect(versions).toEqual(['2.9.0', '2.10.0', '2.40.7']);
		expect(written).toContain('| 2.10.0 | 2.0.0 | 24.2.0 | 11 passed | 6 passed |  |');
		expect(written.replace(/^\| 2\.10\.0 .*\n/m, '')).toBe(README);
	});

	it('replaces the result of a version that was checked before', () => {
		const written = replaceTable(README, mergeRows(README, row('2.40.7', '9 passed, 1 failed')));
		expect(written.match(/2\.40\.7/g)).toHaveLength(1);
		expect(written).toContain('9 passed, 1 failed');
	});

	it('does not touch a text without the place for it', () => {
		expect(() => mergeRows('no table', row('2.40.7'))).toThrow('compatibility.md has no');
	});
});
