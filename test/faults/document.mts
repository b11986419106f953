import { STEPS } from '../emulator/types.mts';
import { ALL_CELLS, type Cell, scenesOf } from './cells.mts';
import { EXCLUSIONS } from './exclusions.mts';
import { type Frequency, VARIANTS } from './faultVariants.mts';
import type { Outcome } from './outcome.mts';
import { type Scene, SCENES } from './scenes.mts';

/** docs/faults.md: an introduction, a section for each scene with what its runs have shown, and what was left out. */

export interface Row {
	cell: Cell;
	outcome: Outcome;
}

export const ALL_SCENES: Scene[] = STEPS.flatMap(scenesOf);

const heading = (title: string): string => `## ${title}\n`;

export function renderIntroduction(version: string): string {
	return `# What happens when something goes wrong

This page is generated from test runs of version ${version}; \`npm run docs\` writes it anew, and \`npm run test:faults\` fails if it is not true any more.

The node runs in n8n's own engine against [a stand-in for the API](../test/emulator/README.md) that fails in ${VARIANTS.length} ways, once or always, at each step:
${ALL_CELLS.length} combinations. Each is run with two rows. The fault meets the requests of one row only; the other row must end well, unless *On Error* is *Stop Workflow*.

- **Fault**: *took effect* means that the service did what was asked, and only its answer was bad. Without *once* or *always*, it makes no difference.
- **What you get**: *the result* as if nothing had happened, or the text of the error. It is the same with each setting of *On Error*. *Stop Workflow*: the error
  ends the run, and names the tasks of the other rows. *Continue*: the row is an item \`{error, details}\` on the regular output. *Continue (using error output)*:
  the same item on the error branch, with the row's own fields.
- **Paid**: what the service has accepted for the row in this run, by its own books: at most one task, in every field of these tables.
- **Retry**: what a retry of the execution brings when the fault has gone. It pays for no second task where there is one.

The tests check in every field: a row is paid for at most once. Each accepted task is named in the item or in the error, or the error says that a task may exist and *Get Many* lists
it. The run ends. The key is in no item, error, log or stored data, and goes to no other host. The other row is not touched. The text is in plain words,
and what it says about money is true.
`;
}

export function renderLeftOut(): string {
	const unused = STEPS.flatMap((step) => {
		const scenes = SCENES[step];
		return 'unused' in scenes ? [`- \`${step}\`: ${scenes.unused}`] : [];
	});
	const excluded = EXCLUSIONS.map(({ steps, kinds, onlyTookEffect, reason }) => {
		const where = steps.map((step) => `\`${step}\``).join(', ');
		const what = kinds.map((kind) => `\`${kind}\``).join(', ');
		return `- ${where}: ${what}${onlyTookEffect ? ', where it took effect' : ''}. ${reason}`;
	});
	return [
		heading(LEFT_OUT),
		"Steps and faults are those of the [emulator](../test/emulator/README.md#faults). These combinations aren't run:",
		'',
		...unused,
		...excluded,
		'',
	].join('\n');
}

export const LEFT_OUT = 'Left out';

export function renderSection(scene: Scene, rows: Row[]): string {
	const groups = new Map<string, Row[]>();
	for (const row of rows) {
		const key = JSON.stringify(row.outcome);
		groups.set(key, [...(groups.get(key) ?? []), row]);
	}
	const isOfRows = scene.kind === 'rows';
	const lines = [...groups.values()].map((group) => {
		const { outcome } = group[0] as Row;
		const cells = [nameFaults(group), sayEnding(outcome)];
		return [...cells, ...(isOfRows ? [sayPaid(outcome), sayRetry(outcome)] : [])].join(' | ');
	});
	const titles = ['Fault', 'What you get', ...(isOfRows ? ['Paid', 'Retry'] : [])];
	return [
		heading(scene.title),
		scene.about,
		'',
		`| ${titles.join(' | ')} |`,
		`| ${titles.map(() => '---').join(' | ')} |`,
		...lines.map((line) => `| ${line} |`),
		'',
	].join('\n');
}

/** The faults of a group; how often is said only where it makes a difference. */
function nameFaults(group: Row[]): string {
	const often = new Map<string, Frequency[]>();
	for (const { cell } of group) {
		const { label } = cell.variant;
		often.set(label, [...(often.get(label) ?? []), cell.frequency]);
	}
	const labelsOf = (name: string) =>
		[...often].filter(([, all]) => (all.length > 1 ? 'both' : all[0]) === name).map(([one]) => one);
	return ['both', 'once', 'always']
		.map((name): [string, string[]] => [name, labelsOf(name)])
		.filter(([, labels]) => labels.length > 0)
		.map(([name, labels]) => `${name === 'both' ? '' : `**${name}:** `}${labels.join(', ')}`)
		.join('<br>');
}

const sayEnding = ({ ending, says }: Outcome): string =>
	ending === 'result' ? '*the result*' : escape(says);

const sayPaid = ({ tasks, costUsd }: Outcome): string =>
	tasks === 0 ? 'nothing' : `${tasks} ${tasks === 1 ? 'task' : 'tasks'}, $${costUsd.toFixed(2)}`;

const sayRetry = ({ ending, retry }: Outcome): string => {
	if (ending === 'result') return '–';
	return retry === 'result' ? '*the result*' : escape(retry);
};

const escape = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

/** From the heading to the next one; '' if there is none. */
export function readSection(document: string, title: string): string {
	const start = document.indexOf(heading(title));
	if (start < 0) return '';
	const next = document.indexOf('\n## ', start);
	return next < 0 ? document.slice(start) : document.slice(start, next);
}

export const replaceSection = (document: string, title: string, section: string): string => {
	const old = readSection(document, title);
	return old === '' ? `${document}\n${section}` : document.replace(old, () => section);
};

/** The whole page, with the sections as they are. */
export function renderPage(document: string, version: string): string {
	const sections = ALL_SCENES.map(({ title }) => readSection(document, title) || heading(title));
	return [renderIntroduction(version), ...sections, renderLeftOut()].join('\n');
}
