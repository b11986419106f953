import type { Probe, Seen } from './probes.mts';

export interface Row {
	name: string;
	expected: string;
	seen: string;
	/** Empty where both agree. */
	follows: string;
}

/** What was expected (the emulator's answer), what was seen, and what follows where they differ. */
export const toRows = (
	probes: Probe[],
	expected: Map<string, Seen>,
	seen: Map<string, Seen>,
): Row[] =>
	probes.map(({ name, follows }) => {
		const [wanted, found] = [expected.get(name), seen.get(name)];
		const isSame = wanted?.value === found?.value;
		const words = found?.words ? ` (“${found.words}”)` : '';
		return {
			name,
			expected: wanted?.value ?? 'not asked',
			seen: `${found?.value ?? 'not asked'}${words}`,
			follows: isSame ? '' : follows,
		};
	});

const cell = (text: string): string => text.replaceAll('|', '\\|').replace(/\s+/g, ' ');

/** Markdown, to be pasted into an issue. */
export function toTable(rows: Row[]): string {
	const head = '| question | expected | seen | what follows |\n| --- | --- | --- | --- |';
	const lines = rows.map(({ name, expected, seen, follows }) => {
		const cells = [
			name,
			expected,
			seen,
			follows === '' ? 'as expected' : `**differs.** ${follows}`,
		];
		return `| ${cells.map(cell).join(' | ')} |`;
	});
	return [head, ...lines].join('\n');
}
