import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { cpus, totalmem } from 'node:os';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** One question that the benchmark answers, as it stands in RESULTS.md. */
export interface Section {
	title: string;
	/** What was measured and how. */
	method: string;
	columns: string[];
	rows: Array<Array<string | number>>;
	/** What bounds the figures now. */
	bound: string;
	/** What a short run checks, with wide margins: no figure of these depends on the machine's speed. */
	checks: Check[];
}

export interface Check {
	what: string;
	isMet: boolean;
}

const GIB = 1024 ** 3;

export const ratio = (value: number): string => value.toFixed(2);
export const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
export const average = (values: number[]): number =>
	values.reduce((sum, value) => sum + value, 0) / values.length;
export const median = (values: number[]): number =>
	[...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

export function printSection({ title, method, columns, rows, bound, checks }: Section): string {
	const line = (cells: Array<string | number>): string => `| ${cells.join(' | ')} |`;
	const missed = checks.filter(({ isMet }) => !isMet).map(({ what }) => `- Not met: ${what}`);
	const table = [line(columns), line(columns.map(() => '---')), ...rows.map(line)].join('\n');
	const parts = [`## ${title}`, method, table, `**What bounds it:** ${bound}`, missed.join('\n')];
	return parts.filter((part) => part !== '').join('\n\n');
}

async function describeMachine(): Promise<string> {
	const load = createRequire(import.meta.url);
	const version = async (name: string): Promise<string> => {
		const file = load.resolve(`${name}/package.json`);
		return String((JSON.parse(await readFile(file, 'utf8')) as { version: unknown }).version);
	};
	const git = async (...args: string[]): Promise<string> => (await run('git', args)).stdout.trim();
	const changed = (await git('status', '--porcelain', '--untracked-files=no')).split('\n');
	const isChanged = changed.some((line) => line !== '' && !line.endsWith('bench/RESULTS.md'));
	const commit = `${await git('rev-parse', '--short', 'HEAD')}${isChanged ? ' with changes' : ''}`;
	const [{ model } = { model: 'unknown processor' }] = cpus();
	const machine = `${cpus().length} × ${model}, ${Math.round(totalmem() / GIB)} GiB`;
	const versions = `Node.js ${process.version}, n8n-core ${await version('n8n-core')}`;
	return `Commit ${commit}, ${new Date().toISOString().slice(0, 10)}, ${machine}, ${process.platform}, ${versions}.`;
}

const INTRODUCTION = `# Benchmark results

Written by \`npm run bench\`; don't edit by hand. \`npm run bench -- scale\` measures one section anew. Ratios and counts rather than seconds, wherever that is
possible: seconds say more about the machine than about the node. Everything runs against the emulator in \`test/emulator\`, and nothing here has seen the real service.`;

const HEADING = /^(?=## )/m;
const NAME = /<!-- (\w+) -->/;

/** Takes the place of the section of the same name; `order`: the names in the order of the page. */
export async function writeSection(
	file: URL,
	name: string,
	section: Section,
	order: string[],
): Promise<void> {
	const before = await readFile(file, 'utf8').catch(() => '');
	const text = `${printSection(section)}\n\n*${await describeMachine()}* <!-- ${name} -->`;
	const kept = before.split(HEADING).slice(1);
	const sections = new Map([...kept, text].map((one) => [NAME.exec(one)?.[1], one.trim()]));
	const known = order.flatMap((one) => sections.get(one) ?? []);
	await writeFile(file, `${[INTRODUCTION, ...known].join('\n\n')}\n`);
}
