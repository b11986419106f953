import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { compareSources, SOURCES } from '../../../scripts/drift/compare.mts';
import { openIssue } from '../../../scripts/drift/issue.mts';
import { toParameters } from '../../../scripts/drift/parameters.mts';

/** Against a local server that stands for WaveSpeed's site, and for GitHub. */

const HEAD = ['Parameter', 'Type', 'Required', 'Default', 'Range', 'Description'];
const ROWS = [
	['image', 'string', 'Yes', '-', '', 'The image.'],
	['audio', 'string', 'Yes', '-', '-', 'The audio.'],
	['prompt', 'string', 'No', '-', '', 'The prompt.'],
	['resolution', 'string', 'No', '480p', '480p, 720p', 'The resolution.'],
	['seed', 'integer', 'No', '-1', '-1 ~ 2147483647', 'The seed.'],
];
const toHtml = (rows: string[][]): string =>
	`<table><tr><th>Name</th></tr></table><table>${[HEAD, ...rows]
		.map(
			(row) => `<tr>${row.map((cell) => `<td class="x"><code>${cell}</code></td>`).join('')}</tr>`,
		)
		.join('\n')}</table>`;
const toPipes = (rows: string[][]): string =>
	`Text\n\n${[HEAD, HEAD.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n')}\n\nMore`;

const LLMS = '# Wan 2.2 Speech To Video\n\nPOST /api/v3/wavespeed-ai/wan-2.2/speech-to-video\n';

let pages: Record<string, string>;
let server: Server;
let known: string;
let url: string;
const posted: unknown[] = [];

async function readBody(request: IncomingMessage): Promise<string> {
	let text = '';
	for await (const chunk of request) text += String(chunk);
	return text;
}

beforeEach(async () => {
	posted.length = 0;
	pages = { [SOURCES[0]!.path]: LLMS, [SOURCES[1]!.path]: toHtml(ROWS) };
	server = createServer((request, response) => {
		void readBody(request).then((text) => {
			if (request.method === 'POST') {
				posted.push(JSON.parse(text));
				return response.writeHead(201).end('{"html_url":"https://github.example/1"}');
			}
			const page = pages[request.url?.split('?')[0] ?? ''];
			return response.writeHead(page === undefined ? 404 : 200).end(page);
		});
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
	known = await mkdtemp(join(tmpdir(), 'drift-'));
	const { found } = await compareSources(url, known);
	for (const { file, text } of found) await writeFile(join(known, file), text);
});
afterEach(async () => {
	server.closeAllConnections();
	server.close();
	await rm(known, { recursive: true });
});

test('what has not changed gives no report', async () => {
	expect(await compareSources(url, known)).toMatchObject({ report: '', isUnreadable: false });
});

test('a changed parameter and a changed line are named', async () => {
	pages[SOURCES[0]!.path] = LLMS.replace('v3', 'v4');
	pages[SOURCES[1]!.path] = toHtml(
		ROWS.map((row) => row.map((cell) => cell.replace(', 720p', ', 1080p'))),
	);
	const { report } = await compareSources(url, known);
	expect(report).toContain('- POST /api/v3/wavespeed-ai');
	expect(report).toContain('+ POST /api/v4/wavespeed-ai');
	expect(report).toContain('- resolution: string, required: No, default: 480p, range: 480p, 720p');
	expect(report).toContain('+ resolution: string, required: No, default: 480p, range: 480p, 1080p');
});

test('a new wording of a description is no change of the parameters', async () => {
	pages[SOURCES[1]!.path] = toHtml(ROWS.map((row) => [...row.slice(0, 5), 'In other words.']));
	expect((await compareSources(url, known)).report).toBe('');
});

test('a page without a copy is shown, and one that can not be read is told', async () => {
	await rm(join(known, 'llms.txt'));
	delete pages[SOURCES[1]!.path];
	const { report, isUnreadable, found } = await compareSources(url, known);
	expect(report).toContain('There is no copy of it yet');
	expect(report).toContain("can't be read: Request failed with status code 404");
	expect(isUnreadable).toBe(true);
	expect(found).toHaveLength(1);
});

test('the table is found in HTML and in Markdown, and is the one that is committed', () => {
	const file = join(process.cwd(), 'scripts/drift/known/parameters.txt');
	const committed = readFileSync(file, 'utf8').trim().split('\n');
	expect(toParameters(toHtml(ROWS))).toEqual(committed);
	expect(toParameters(toPipes(ROWS))).toEqual(committed);
	expect(toParameters('no table')).toEqual([]);
});

describe('the issue', () => {
	const before = { ...process.env };
	beforeEach(() => {
		Object.assign(process.env, {
			GITHUB_API_URL: url,
			GITHUB_TOKEN: 't',
			GITHUB_REPOSITORY: 'a/b',
		});
	});
	afterEach(() => {
		process.env = { ...before };
	});

	test('is opened once, and not while there is one', async () => {
		pages['/repos/a/b/issues'] = '[{"title":"Something else","html_url":"x"}]';
		expect(await openIssue('It drifts', 'text')).toBe('Opened https://github.example/1');
		expect(posted).toEqual([{ title: 'It drifts', body: 'text' }]);
		pages['/repos/a/b/issues'] = '[{"title":"It drifts","html_url":"https://github.example/1"}]';
		expect(await openIssue('It drifts', 'text')).toContain('already');
		expect(posted).toHaveLength(1);
	});

	test('needs to know where', async () => {
		delete process.env.GITHUB_TOKEN;
		await expect(openIssue('It drifts', 'text')).rejects.toThrow(/GITHUB_TOKEN/);
	});
});
